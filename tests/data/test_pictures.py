"""Pictures of every kind that people bring, and those that are refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from data.pictures import MAX_BYTES, read_mask, read_picture

SHAPE = (3, 6, 8)
ORANGE = (10, 20, 30)


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def saved(folder, picture: Image.Image, name="picture.png"):
    picture.save(folder / name)
    return folder / name


def read(path, shape=SHAPE):
    return read_picture(path, shape, ORANGE, "init").permute(1, 2, 0).numpy()


def test_a_picture_is_read_as_it_is(tmp_path, colours):
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(colours))), colours)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_an_enlarged_one_is_brought_back_to_its_own_pixels(tmp_path, colours, scale):
    large = colours.repeat(scale, axis=0).repeat(scale, axis=1)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(large))), colours)


def test_transparent_pixels_show_the_background(tmp_path, colours):
    alpha = np.full((6, 8, 1), 255, dtype=np.uint8)
    alpha[2, 3], alpha[4, 4] = 0, 128
    found = read(saved(tmp_path, Image.fromarray(np.concatenate([colours, alpha], axis=2))))
    assert found[2, 3].tolist() == list(ORANGE)
    half = colours[4, 4] * (128 / 255) + np.array(ORANGE) * (127 / 255)
    assert np.abs(found[4, 4] - half).max() <= 1
    alpha[2, 3] = alpha[4, 4] = 255
    assert np.array_equal(found[alpha[..., 0] == 255][:5], colours[alpha[..., 0] == 255][:5])


def test_palettes_greys_and_sixteen_bits_are_converted(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    three = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(grey))), three)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(grey).convert("P"))), three)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert np.array_equal(read(saved(tmp_path, deep)), three)
    assert np.array_equal(read(saved(tmp_path, deep), (1, 6, 8))[..., 0], grey)


@pytest.mark.parametrize("size", [(7, 6), (8, 5), (16, 6), (4, 3), (20, 15)])
def test_other_sizes_are_refused_with_both_sizes(tmp_path, size):
    path = saved(tmp_path, Image.new("RGB", size))
    with pytest.raises(ValueError, match=rf"init=.*: {size[0]} x {size[1]} pixels; this model draws 8 x 6"):
        read(path)


def test_what_is_no_picture_or_too_large_is_refused_before_it_is_decoded(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    whole = io.BytesIO()
    Image.effect_noise((60, 60), 50).save(whole, "PNG")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    Image.new("1", (5000, 5000)).save(tmp_path / "bomb.png")
    with (tmp_path / "heavy.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name, told in {
        "text.png": "not a picture",
        "half.png": "cannot be decoded",
        "bomb.png": "5000 x 5000 pixels; at most",
        "heavy.png": "20 MB; pictures of at most 20 MB",
        "nowhere.png": "no such file",
    }.items():
        with pytest.raises(ValueError, match=f"init=.*{name}: {told}") as refused:
            read(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_a_mask_is_one_where_it_is_light(tmp_path):
    values = np.array([[0, 127, 128, 255, 0, 0, 0, 0]] * 6, dtype=np.uint8)
    mask = read_mask(saved(tmp_path, Image.fromarray(values)), SHAPE)
    assert torch.equal(mask, torch.tensor([[0, 0, 1, 1, 0, 0, 0, 0]] * 6, dtype=torch.float32))
    with pytest.raises(ValueError, match=r"mask=.*: 5 x 5 pixels"):
        read_mask(saved(tmp_path, Image.new("L", (5, 5))), SHAPE)
