"""Transparency: premultiplied colours and back, on a background, and on a checkerboard."""

import numpy as np
import pytest
import torch
from PIL import Image

from data.alpha import BOARD, laid_on, premultiplied, straightened, to_rgb, visible
from data.images import grid, read_png, save_png
from data.palette import Palette

EVERY = torch.cartesian_prod(torch.arange(256), torch.arange(256)).to(torch.uint8)  # all pairs of a colour and an alpha


def pixels(colour: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    return torch.stack([colour, colour, colour, alpha])[None, :, None]  # (1, 4, 1, 65536)


def test_premultiplied_is_the_product_rounded_to_nearest():
    colour, alpha = EVERY.T
    found = premultiplied(pixels(colour, alpha))
    assert torch.equal(found[0, 0, 0].double(), (colour.double() * alpha.double() / 255).round())
    assert torch.equal(found[0, 3, 0], alpha)


def test_what_is_premultiplied_goes_to_a_file_and_back():
    colour, alpha = EVERY.T
    kept = colour <= alpha  # as every premultiplied colour is
    images = pixels(colour[kept], alpha[kept])
    assert torch.equal(premultiplied(straightened(images)), images)


def test_a_colour_brighter_than_its_alpha_is_made_visible_first():
    colour, alpha = EVERY.T
    images = visible(pixels(colour, alpha))
    assert bool((images[:, :3] <= images[:, 3:]).all())
    assert torch.equal(premultiplied(straightened(images)), images)
    opaque = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    assert visible(opaque) is opaque


@pytest.mark.parametrize("behind", [0, 77, 255])
def test_a_background_is_that_of_pillow(behind):
    colour, alpha = EVERY.T
    straight = pixels(colour, alpha)
    canvas = Image.new("RGBA", (65536, 1), (behind, behind, behind, 255))
    picture = Image.fromarray(straight[0].permute(1, 2, 0).numpy().copy())
    expected = np.asarray(Image.alpha_composite(canvas, picture))[0, :, 0]
    assert np.array_equal(laid_on(straight, (behind,) * 3)[0, 0, 0].numpy(), expected)


def test_transparent_pixels_show_a_checkerboard():
    images = torch.zeros(1, 4, 8, 8, dtype=torch.uint8)
    images[0, :, 5, 5] = torch.tensor([10, 20, 30, 255])
    shown = to_rgb(images)[0]
    assert shown[:, 5, 5].tolist() == [10, 20, 30]
    assert {tuple(shown[:, y, x].tolist()) for y, x in ((0, 0), (3, 3), (4, 4))} == {(BOARD[0],) * 3}
    assert {tuple(shown[:, y, x].tolist()) for y, x in ((0, 4), (4, 0))} == {(BOARD[1],) * 3}


def test_a_grid_of_transparent_pictures_has_no_transparency():
    images = torch.zeros(3, 4, 8, 8, dtype=torch.uint8)
    assert grid(images, 2, scale=3).shape[0] == 3 and grid(images[:1], 1).shape == (3, 8, 8)


def test_a_png_keeps_transparency(tmp_path):
    generator = torch.Generator().manual_seed(0)
    image = visible(torch.randint(0, 256, (1, 4, 9, 7), generator=generator, dtype=torch.uint8))[0]
    save_png(image, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "RGBA"
    assert torch.equal(read_png(tmp_path / "a.png"), image)


def test_a_palette_of_four_channels_quantises_by_all_of_them():
    colours = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 255], [200, 0, 0, 255]], dtype=torch.uint8)
    palette = Palette(colours)
    near = torch.tensor([[9, 0, 0, 40], [9, 0, 0, 230], [150, 9, 0, 250]], dtype=torch.uint8).T[None, :, None]
    assert torch.equal(palette.quantise(near)[0, :, 0].T, colours)
    assert Palette.of(near).colours.shape == (3, 4)
