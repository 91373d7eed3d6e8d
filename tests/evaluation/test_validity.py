"""Validity: whether a picture is one thing, on pictures that are known to be, or to be blends of two."""

import pytest
import torch

from conditions.schema import UNKNOWN
from data import PixelFaces
from data.images import read_settings
from data.pixelfaces import render
from evaluation.validity import Validity, ValiditySettings, differing
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=400).load()


def measured(bench, pictures, **settings):
    """A measure with its figures; `pictures` (labels) -> (N, C, H, W) stands for the model."""
    measure = Validity(bench, ValiditySettings(n=20, **settings))
    read = lambda samples: pictures(samples)  # noqa: E731
    further = measure.further(read)
    return measure, measure.measure(read), further


def blended(faces: torch.Tensor) -> torch.Tensor:
    """The left half of each face beside the right half of the next."""
    return torch.cat([faces[..., :12], faces.roll(1, 0)[..., 12:]], dim=-1)


def test_faces_are_valid_and_blends_of_two_are_not(splits):
    faces = splits.train.images[:20]
    _, whole, further = measured(bench_of(splits), lambda samples: faces)
    assert further == []  # what a face with a label looks like can be rendered
    assert all(row["valid"].value == 1.0 and row["wrong_mean"].value == 0.0 for row in whole["sampled"])
    _, halves, _ = measured(bench_of(splits), lambda samples: blended(faces))
    assert all(row["valid"].value < 0.2 and row["wrong_mean"].value > 5 for row in halves["sampled"])
    assert whole["real"]["valid"].value == halves["real"]["valid"].value == 1.0


def test_every_number_of_things_is_asked_for_at_every_w_and_nothing_once(splits):
    measure, figures, _ = measured(
        bench_of(splits), lambda samples: splits.train.images[:20], named=[0, 2, 3], w=[1.0, 4.0]
    )
    assert [(row["named"], row["w"]) for row in figures["sampled"]] == [(0, 1), (2, 1), (2, 4), (3, 1), (3, 4)]
    for samples, row in zip(measure.sets, figures["sampled"], strict=True):
        assert ((samples.labels != UNKNOWN).sum(dim=1) == row["named"]).all()
    assert measure.sets[1].seeds == measure.sets[2].seeds != measure.sets[3].seeds
    assert torch.equal(measure.sets[1].labels, measure.sets[2].labels)


def test_where_nothing_can_render_a_label_the_model_is_asked_for_it(splits, monkeypatch):
    """A model that errs in every second complete label: half of the real pictures are valid at best, the ceiling."""
    bench = bench_of(splits, quantise="none")  # which would fix the errors
    monkeypatch.setattr(type(bench.pipe.recipe.dataset), "render", lambda self, labels: None)
    faces = splits.train.images[:20]

    def pictures(samples):
        if (samples.labels == UNKNOWN).any():
            return faces
        made = render(samples.labels)
        made[::2, :, 0, 0] += 1
        return made

    measure, figures, further = measured(bench, pictures, named=[0], w=[1.0])
    assert [len(samples.labels) for samples in further] == [20, 20]
    assert all((samples.labels != UNKNOWN).all() and samples.w == 1.0 for samples in further)
    assert set(further[1].seeds).isdisjoint(measure.sets[0].seeds)  # or a model that copies its noise would be valid
    assert figures["real"]["valid"].value == figures["sampled"][0]["valid"].value == 0.5
    assert figures["real"]["wrong_mean"].value == 0.5


def test_the_report_has_the_ceiling_and_shows_what_differs(splits, tmp_path):
    bench = bench_of(splits, steps=10)
    measure, figures, _ = measured(bench, lambda samples: blended(splits.train.images[:20]))
    report = measure.report(figures, tmp_path)
    assert "| ceiling: real pictures |  |  | 100.0 % (" in report and "| 2 | 3 | 20 | " in report
    assert "rendered from the complete label" in report and "caption" in read_settings(tmp_path / "validity.png")


def test_differing_pixels_alone_keep_their_colour():
    images = torch.full((1, 3, 2, 2), 10, dtype=torch.uint8)
    others = images.clone()
    others[0, 1, 0, 1] = 11
    assert differing(images, others)[0, 0].tolist() == [[255, 10], [255, 255]]
