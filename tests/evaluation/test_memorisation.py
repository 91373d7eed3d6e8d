"""Nearest neighbours whose distance is known."""

import pytest
import torch

from evaluation.memorisation import measure, nearest


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
    drawn = training[:10].clone()
    drawn[4:, :, 0, :3] = 255 - drawn[4:, :, 0, :3]  # three pixels of six pictures; 127 and 128 change, too
    figures, rows = measure(drawn, training, training[30:] // 2, pixel_art=True)
    assert rows.tolist() == list(range(10))
    assert figures["drawn"]["exact_copies"] == 0.4
    assert figures["drawn"]["pixels_median"] == 3
    assert figures["held_out"]["exact_copies"] == 0.0
    assert "pixels_median" not in measure(drawn, training, drawn, pixel_art=False)[0]["drawn"]
