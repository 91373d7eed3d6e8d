"""Palettes: which colours there are, in all and at each pixel, and which of them a pixel takes."""

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
def sampled_and_training(draw):
    """Two sets of pictures of one size; few colours, so that they share some."""
    sampled = draw(pictures())
    size = (draw(st.integers(1, 4)), *sampled.shape[1:])
    return sampled, torch.from_numpy(draw(hnp.arrays(np.uint8, size, elements=st.integers(0, 255))))


@given(pictures(most=3) | pictures())
def test_the_palette_has_each_colour_once(images):
    palette = Palette.of(images).colours
    assert palette.dtype == torch.uint8
    rows = [tuple(row) for row in palette.tolist()]
    assert len(rows) == len(set(rows))
    assert set(rows) == colours(images)


@given(pictures_and_palettes())
def test_quantising_takes_the_nearest_colour(images_and_palette):
    images, palette = images_and_palette
    before = images.clone()
    quantised = palette.quantise(images)
    assert (quantised.shape, quantised.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    assert colours(quantised) <= {tuple(row) for row in palette.colours.tolist()}
    wanted, got, choices = images.long().movedim(1, -1), quantised.long().movedim(1, -1), palette.colours.long()
    nearest = (wanted[..., None, :] - choices).square().sum(dim=-1).amin(dim=-1)  # brute force, in integers
    assert torch.equal((wanted - got).square().sum(dim=-1), nearest)
    assert torch.equal(palette.quantise(quantised), quantised)


@given(sampled_and_training())
def test_the_per_pixel_palette_gives_the_nearest_colour_that_a_training_picture_has_there(sets):
    sampled, training = sets
    quantised = Palette.of(torch.cat([sampled, training])).per_pixel(training).quantise(sampled)
    apart = (sampled[:, None].long() - training[None].long()).square().sum(dim=2)  # (sampled, training, H, W)
    taken = (sampled.long() - quantised.long()).square().sum(dim=1)
    assert torch.equal(taken, apart.amin(dim=1))
    assert ((quantised[:, None] == training[None]).all(dim=2).any(dim=1)).all()


@given(pictures())
def test_a_picture_keeps_the_colours_of_its_own_palette(images):
    palette = Palette.of(images).per_pixel(images)
    for to in ("pixel", "palette", "none"):
        assert torch.equal(palette.quantise(images, to), images)


@given(sampled_and_training())
def test_a_palette_survives_the_header_of_a_weights_file(sets):
    sampled, training = sets
    palette = Palette.of(torch.cat([sampled, training])).per_pixel(training)
    again = Palette.from_plain(*palette.to_plain(), *sampled.shape[2:])
    assert torch.equal(again.colours, palette.colours)
    assert torch.equal(again.at_pixel, palette.at_pixel)
    without = Palette.from_plain(*Palette(palette.colours).to_plain(), *sampled.shape[2:])
    assert without.at_pixel is None


@pytest.mark.parametrize("size", [0, 71, 73, 50_000_000])
def test_a_per_pixel_palette_of_another_size_is_refused(size):
    packed = base64.b64encode(zlib.compress(bytes(size))).decode()
    with pytest.raises(ValueError, match="not that of 1 colours on 24 x 24"):
        Palette.from_plain([[0, 0, 0]], packed, 24, 24)


def test_the_whole_palette_has_colours_that_a_pixel_lacks():
    training = torch.tensor([[[[0, 90]]], [[[10, 200]]]], dtype=torch.uint8)  # two grey pictures of two pixels
    palette, image = Palette.of(training).per_pixel(training), torch.tensor([[[[80, 80]]]], dtype=torch.uint8)
    found = {to: palette.quantise(image, to).flatten().tolist() for to in ("pixel", "palette", "none")}
    assert found == {"pixel": [10, 90], "palette": [90, 90], "none": [80, 80]}
    assert Palette(palette.colours).quantise(image).flatten().tolist() == [90, 90]  # where nothing is known of pixels


def test_a_damaged_per_pixel_palette_is_a_value_error():
    with pytest.raises(ValueError, match="damaged"):
        Palette.from_plain([[0, 0, 0]], base64.b64encode(b"no zlib").decode(), 24, 24)
