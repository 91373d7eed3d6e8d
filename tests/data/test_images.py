"""Pictures: bytes and floats, grids, and PNG files with their settings."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from data.images import SETTINGS_KEY, enlarge, grid, read_png, read_settings, save_png, to_float, to_uint8
from tests.conditions.strategies import pictures
from tests.data.test_pictures import header_of, with_chunk, zeros

LEVELS = torch.arange(256, dtype=torch.uint8)


# -- levels -----------------------------------------------------------------------------------------------


def test_every_level_survives_the_way_to_floats_and_back():
    x = to_float(LEVELS)
    assert x.dtype == torch.float32
    assert torch.equal(to_uint8(x), LEVELS)


def test_levels_are_spread_evenly_over_minus_one_to_one():
    expected = torch.linspace(-1.0, 1.0, 256, dtype=torch.float64)
    torch.testing.assert_close(to_float(LEVELS).double(), expected, rtol=0, atol=1e-6)


@given(st.floats(-10, 10, width=32))
def test_a_float_becomes_the_nearest_level(value):
    level = int(to_uint8(torch.tensor(value)))
    clamped = max(-1.0, min(1.0, value))
    nearest = min(abs(float(x) - clamped) for x in to_float(LEVELS))
    assert abs(float(to_float(LEVELS)[level]) - clamped) <= nearest + 1e-6


# -- layout -----------------------------------------------------------------------------------------------


@given(pictures(), st.integers(1, 4))
def test_enlarging_repeats_every_pixel(images, scale):
    expected = np.kron(images.numpy(), np.ones((1, 1, scale, scale), dtype=np.uint8))
    assert np.array_equal(enlarge(images, scale).numpy(), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_places_pictures_row_by_row(channels):
    count, columns, side, scale, gap, background = 5, 3, 4, 2, 1, 77
    images = torch.randint(0, 256, (count, channels, side, side), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    cell = side * scale
    height, width = (gap + (cell + gap) * rows for rows in (2, columns))
    expected = np.full((3, height, width), background, dtype=np.uint8)
    for i, image in enumerate(images.numpy()):
        top, left = (gap + (cell + gap) * k for k in divmod(i, columns))
        expected[:, top : top + cell, left : left + cell] = image.repeat(scale, axis=1).repeat(scale, axis=2)
    assert np.array_equal(grid(images, columns, scale, gap, background).numpy(), expected)


# -- PNG files --------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(pictures(most_pictures=1), st.dictionaries(st.text(), json_values, max_size=5))
def test_a_png_holds_the_pixels_and_the_settings(images, settings):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        save_png(images[0], path, settings)
        assert read_settings(path) == settings
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.mode == {1: "L", 3: "RGB"}[images.shape[1]]
            pixels = np.asarray(picture)
        assert torch.equal(read_png(path), images[0])
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    assert np.array_equal(pixels, images[0].permute(1, 2, 0).numpy())


def test_settings_are_json_that_other_programs_can_read(tmp_path):
    settings = {"attrs": "male,glasses", "w": 3.0, "seed": 0}
    save_png(torch.zeros(3, 2, 2, dtype=torch.uint8), tmp_path / "a.png", settings)
    with Image.open(tmp_path / "a.png") as picture:
        assert settings in [json.loads(text) for text in picture.text.values()]


def test_foreign_pictures_carry_no_settings(tmp_path):
    foreign, plain = tmp_path / "foreign.png", tmp_path / "plain.png"
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "another program")
    Image.new("RGB", (2, 2)).save(foreign, pnginfo=info)
    save_png(torch.zeros(1, 2, 2, dtype=torch.uint8), plain)
    for path in (foreign, plain):
        with pytest.raises(ValueError, match="no settings") as caught:
            read_settings(path)
        assert path.name in str(caught.value)


def test_what_is_no_picture_or_too_large_is_refused_in_one_line(tmp_path):
    save_png(torch.zeros(3, 2, 2, dtype=torch.uint8), tmp_path / "small.png", {})
    small = (tmp_path / "small.png").read_bytes()
    (tmp_path / "huge.png").write_bytes(header_of(small, 60_000, 60_000))
    (tmp_path / "bomb.png").write_bytes(with_chunk(small, b"zTXt", b"a\0\0" + zeros(80_000_000)))
    (tmp_path / "text.png").write_text("no picture")
    for name, why in {
        "huge.png": "too many pixels",
        "bomb.png": "cannot be decoded",
        "text.png": "not a picture",
        "nowhere.png": "no such file",
    }.items():
        for read in (read_settings, read_png):
            with pytest.raises(ValueError, match=f"{name}: {why}") as refused:
                read(tmp_path / name)
            assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", '"w"', "3", "null", "[" * 100_000, "9" * 5000])
def test_settings_that_are_no_json_object_are_refused_in_one_line(tmp_path, text):
    info = PngImagePlugin.PngInfo()
    info.add_text(SETTINGS_KEY, text)
    Image.new("RGB", (2, 2)).save(tmp_path / "odd.png", pnginfo=info)
    with pytest.raises(ValueError, match=r"odd\.png: the settings inside are damaged, no JSON object") as refused:
        read_settings(tmp_path / "odd.png")
    assert "\n" not in str(refused.value)
