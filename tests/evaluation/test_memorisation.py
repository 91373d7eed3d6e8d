"""Nearest neighbours whose distance is known."""

import pytest
import torch

from conditions.schema import UNKNOWN
from data import PixelFaces
from evaluation.memorisation import Memorisation, MemorisationSettings, measure, nearest
from tests.evaluation.stubs import bench_of


@pytest.fixture
def training():
    return torch.randint(0, 256, (40, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_copies_are_found_and_have_no_distance(training):
    rows = torch.tensor([7, 3, 3, 39])
    distance, found = nearest(training[rows], training)
    assert torch.equal(found, rows) and distance.tolist() == [0.0] * 4


def test_distance_is_the_root_mean_square_in_levels(training):
    changed = training[5:6].clone()
    changed[0, 0, 0, 0] = changed[0, 0, 0, 0] ^ 16  # by 16 levels, up or down
    distance, found = nearest(changed, training)
    assert found.tolist() == [5]
    assert distance.item() == pytest.approx((16**2 / (3 * 64)) ** 0.5, rel=1e-12)


def test_figures_tell_copies_from_new_pictures(training):
    samples = training[:10].clone()
    samples[4:, :, 0, :3] = 255 - samples[4:, :, 0, :3]  # three pixels of six pictures; 127 and 128 change, too
    figures, rows = measure(samples, training, training[30:] // 2, pixel_art=True)
    assert rows.tolist() == list(range(10))
    assert figures["sampled"]["exact_copies"] == 0.4
    assert figures["sampled"]["pixels_median"] == 3
    assert figures["held_out"]["exact_copies"] == 0.0
    assert "pixels_median" not in measure(samples, training, samples, pixel_art=False)[0]["sampled"]


def test_copies_of_training_pictures_count_and_pictures_never_seen_do_not(tmp_path):
    """Three of ten samples are training pictures, the others held-out ones, which only a model that learned could
    know. Compared with the held-out pictures, a model that has learned would be accused, and one that copies not."""
    splits = PixelFaces(count=200).load()
    bench = bench_of(splits, steps=10)
    measured = Memorisation(bench, MemorisationSettings(n=10))
    assert (measured.sets[0].labels == UNKNOWN).all() and measured.sets[0].w == 1.0  # nothing is asked for
    samples = torch.cat([splits.train.images[:3], splits.validation.images[:7]])
    figures = measured.measure(lambda asked: samples)
    assert figures["sampled"]["exact_copies"] == 0.3
    assert figures["held_out"]["exact_copies"] == 0.0
    assert figures["held_out"]["images"] == len(splits.validation) and figures["nfe"] == 10
    report = measured.report(figures, tmp_path)
    assert "| exact copies of a training picture | 30.0 % | 0.0 % |" in report and "NFE 10" in report
