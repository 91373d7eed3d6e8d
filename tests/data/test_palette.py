"""Palettes: which colours there are, where they stand, and which of them a pixel takes."""

import base64
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.palette import Palette
from tests.conditions.strategies import pictures


def colours(images: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in images.permute(0, 2, 3, 1).reshape(-1, images.shape[1]).tolist()}


@st.composite
def pictures_and_palettes(draw):
    images = draw(pictures())
    size = (draw(st.integers(1, 40)), images.shape[1])
    return images, Palette(torch.from_numpy(draw(hnp.arrays(np.uint8, size, elements=st.integers(0, 255)))))


@st.composite
def drawn_and_training(draw):
    """Two sets of pictures of one size; few colours, so that they share some."""
    drawn = draw(pictures())
    size = (draw(st.integers(1, 4)), *drawn.shape[1:])
    return drawn, torch.from_numpy(draw(hnp.arrays(np.uint8, size, elements=st.integers(0, 255))))


@given(pictures(most=3) | pictures())
def test_the_palette_has_each_colour_once(images):
    palette = Palette.of(images).colours
    assert palette.dtype == torch.uint8
    rows = [tuple(row) for row in palette.tolist()]
    assert len(rows) == len(set(rows))
    assert set(rows) == colours(images)


@given(pictures_and_palettes())
def test_snapping_takes_the_nearest_colour(images_and_palette):
    images, palette = images_and_palette
    before = images.clone()
    snapped = palette.snap(images)
    assert (snapped.shape, snapped.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    assert colours(snapped) <= {tuple(row) for row in palette.colours.tolist()}
    wanted, got, choices = images.long().movedim(1, -1), snapped.long().movedim(1, -1), palette.colours.long()
    nearest = (wanted[..., None, :] - choices).square().sum(dim=-1).amin(dim=-1)  # brute force, in integers
    assert torch.equal((wanted - got).square().sum(dim=-1), nearest)
    assert torch.equal(palette.snap(snapped), snapped)


@given(drawn_and_training())
def test_snapping_by_place_takes_the_nearest_that_a_training_picture_has_there(sets):
    drawn, training = sets
    snapped = Palette.of(torch.cat([drawn, training])).placed(training).snap(drawn)
    apart = (drawn[:, None].long() - training[None].long()).square().sum(dim=2)  # (drawn, training, H, W)
    taken = (drawn.long() - snapped.long()).square().sum(dim=1)
    assert torch.equal(taken, apart.amin(dim=1))
    assert ((snapped[:, None] == training[None]).all(dim=2).any(dim=1)).all()


@given(pictures())
def test_a_picture_is_at_home_in_its_own_palette(images):
    palette = Palette.of(images).placed(images)
    for to in ("place", "palette", "none"):
        assert torch.equal(palette.snap(images, to), images)


@given(drawn_and_training())
def test_a_palette_survives_the_header_of_a_weights_file(sets):
    drawn, training = sets
    palette = Palette.of(torch.cat([drawn, training])).placed(training)
    again = Palette.from_plain(*palette.to_plain(), *drawn.shape[2:])
    assert torch.equal(again.colours, palette.colours)
    assert torch.equal(again.places, palette.places)
    without = Palette.from_plain(*Palette(palette.colours).to_plain(), *drawn.shape[2:])
    assert without.places is None


@pytest.mark.parametrize("size", [0, 71, 73, 50_000_000])
def test_places_of_another_size_are_refused(size):
    places = base64.b64encode(zlib.compress(bytes(size))).decode()
    with pytest.raises(ValueError, match="not those of 1 colours on 24 x 24"):
        Palette.from_plain([[0, 0, 0]], places, 24, 24)
