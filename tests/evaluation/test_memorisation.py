"""Memorisation: hits per picture of each set, on samples whose origin is known."""

import math

import pytest
import torch

from conditions.schema import UNKNOWN
from conditions.values import slots
from data import PixelFaces
from data.pixelfaces import SCHEMA, render
from evaluation import memorisation
from evaluation.memorisation import (
    ASKED,
    INDEPENDENT,
    UNASKED,
    Memorisation,
    MemorisationSettings,
    among,
    hits,
    nearest,
    nearest_of,
    novelty,
)
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=400).load()


@pytest.mark.parametrize("part", [7, 40, 4096])
def test_the_nearest_picture_is_that_of_the_smallest_difference(monkeypatch, part):
    monkeypatch.setattr(memorisation, "PART", part)
    generator = torch.Generator().manual_seed(0)
    training = torch.randint(0, 256, (40, 3, 6, 6), generator=generator, dtype=torch.uint8)
    images = torch.randint(0, 256, (300, 3, 6, 6), generator=generator, dtype=torch.uint8)
    distance, row = nearest(images, training)
    gaps = (images[:, None].double() - training[None].double()).square().mean(dim=(2, 3, 4)).sqrt()
    assert torch.equal(row, gaps.argmin(dim=1))
    assert torch.allclose(distance, gaps.amin(dim=1), rtol=1e-12, atol=0)
    assert nearest(training, training)[0].tolist() == [0.0] * 40
    assert nearest(training[:1], torch.cat([training, training[:1]]))[1].tolist() == [0]  # the first of equal ones


def test_a_row_is_among_others_if_it_equals_one_of_them():
    others = torch.tensor([[1, 2], [3, 4]])
    assert among(torch.tensor([[3, 4], [4, 3], [1, 2]]), others).tolist() == [True, False, True]


def test_hits_are_counted_per_picture_of_each_set(splits):
    """Ten hits of 340 training pictures and one of 40 held-out ones: 1.18 times as often per picture."""
    training, held_out = splits.train.images, splits.validation.images
    assert (len(training), len(held_out)) == (340, 40)
    away = 255 - training[:9]
    found = hits(torch.cat([training[:10], held_out[:1], away]), training, held_out)
    assert (found["training"].value, found["held_out"].value) == (10 / 20, 1 / 20)
    assert found["ratio"].value == pytest.approx((10 / 340) / (1 / 40))
    assert found["ratio"].low < 1 < found["ratio"].high  # eleven hits say little
    swapped = hits(torch.cat([training[:10], held_out[:1], away]), held_out, training)
    assert swapped["ratio"].value == pytest.approx(1 / found["ratio"].value)


def test_without_any_hit_there_is_no_ratio(splits):
    found = hits(255 - splits.train.images[:5], splits.train.images, splits.validation.images)
    assert math.isnan(found["ratio"].value) and found["ratio"].number == ""


def test_copies_of_training_pictures_have_a_high_ratio_of_nearest(splits):
    training, held_out = splits.train.images, splits.validation.images
    copies = nearest_of(training[:200], training, held_out)
    assert copies.value == math.inf and copies.low > 2
    assert nearest_of(held_out, training, held_out).value == 0.0
    assert nearest_of(training[:0], training, held_out).n == 0


def test_pictures_that_nobody_has_seen_are_as_near_to_each_training_as_to_each_held_out_picture():
    """Though training pictures, being many, are nearest to most of them."""
    splits = PixelFaces(count=4000).load()
    fresh = nearest_of(splits.test.images, splits.train.images, splits.validation.images)
    assert fresh.low < 1 < fresh.high and fresh.n > 150


def test_novel_labels_are_those_of_no_training_picture_and_right_where_the_truth_is_known(splits):
    columns = slots(SCHEMA)
    labels = torch.cat([splits.train.labels[:2], splits.validation.labels[:4], splits.test.labels[:2]])
    pictures = render(labels)
    pictures[3] = 0  # one of the four held-out pictures comes out wrong
    truth = splits.validation.labels[:, columns], splits.validation.images
    found = novelty(pictures, labels[:, columns], splits.train, truth)
    assert found["novel"][::3] == (6 / 8, 8)
    assert found["right"][::3] == (3 / 4, 4)  # nothing is known of the two of the test split


def test_the_measure_reports_samples_requests_and_independent_slots(splits, tmp_path):
    bench = bench_of(splits, steps=10, w=2.0)
    measured = Memorisation(bench, MemorisationSettings(n=10))
    unasked, asked = measured.sets
    assert (unasked.labels == UNKNOWN).all() and unasked.w == 1.0 and asked.w == 2.0
    known = (asked.labels != UNKNOWN).sum(dim=1)
    assert known.min() >= 1 and known.max() <= 5
    samples = {
        UNASKED: torch.cat([splits.train.images[:3], splits.validation.images[:7]]),
        ASKED: torch.cat([splits.validation.images[:1], 255 - splits.train.images[:9]]),
    }
    figures = measured.measure(lambda wanted: samples[wanted.name])
    sets = figures["sets"]
    assert (sets[UNASKED]["training"].value, sets[UNASKED]["held_out"].value) == (0.3, 0.7)
    assert (sets[ASKED]["training"].value, sets[ASKED]["held_out"].value) == (0.0, 0.1)
    assert sets[UNASKED]["right"].value == 1.0  # every novel label is rendered, and the samples are real faces
    assert sets[INDEPENDENT]["samples"] == 100
    again = Memorisation(bench, MemorisationSettings(n=10)).measure(lambda wanted: samples[wanted.name])
    assert again == figures  # also of the labels drawn for it
    assert (sets[UNASKED]["nfe"], sets[ASKED]["nfe"]) == (10, 20)
    report = measured.report(figures, tmp_path)
    assert "| no request | 10 | 10 | 30.0 % (" in report and (tmp_path / "neighbours.png").exists()


def test_pictures_that_a_training_left_out_are_no_copies(splits):
    """Of weights that were trained on 20 pictures, a sample equal to another training picture is new."""
    bench = bench_of(splits)
    bench.pipe.recipe.dataset = PixelFaces(count=400, train_size=20)
    seen = {row.numpy().tobytes() for row in bench.seen.images}
    left_out = torch.stack([image for image in splits.train.images if image.numpy().tobytes() not in seen])
    samples = torch.cat([bench.seen.images[:4], left_out[:6]])
    figures = Memorisation(bench, MemorisationSettings(n=10)).measure(lambda wanted: samples)
    assert figures["training"] == 20 and len(left_out) == len(splits.train) - 20
    assert figures["sets"][UNASKED]["training"].value == 0.4 and figures["sets"][UNASKED]["novel"].value == 0.6


def test_requests_are_of_training_and_held_out_labels_in_proportion(splits):
    """Requests that training pictures alone can meet would lead to training pictures, and the ratio would blame it."""
    asked = Memorisation(bench_of(splits), MemorisationSettings(n=2000)).sets[1].labels
    held_out = splits.validation.labels

    def fits_some(labels):
        known = asked[:, None] != UNKNOWN
        return ((labels[None] == asked[:, None]) | ~known).all(dim=2).any(dim=1)

    only = fits_some(held_out) & ~fits_some(splits.train.labels)
    assert only.any()


def test_weights_without_labels_are_measured_without_requests(splits):
    bench = bench_of(splits.unconditional())
    measured = Memorisation(bench, MemorisationSettings(n=5))
    assert [samples.name for samples in measured.sets] == [UNASKED]
    figures = measured.measure(lambda wanted: splits.train.images[:5])
    assert figures["sets"][UNASKED]["training"].value == 1.0 and "novel" not in figures["sets"][UNASKED]
