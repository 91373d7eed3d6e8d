"""Pictures that are uploaded are read with care; what is saved for sample.py is named by content, and cleaned up."""

import io
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from dashboard import edit_files
from data.images import read_png
from runtime.checkpoint import read_info


def png(size, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, size, 200).save(file, "PNG")
    return file.getvalue()


def picture(level):
    return torch.full((3, 4, 4), level, dtype=torch.uint8)


def test_an_upload_is_read_in_the_size_of_the_model_and_leaves_no_file(weights, in_tmp):
    info = read_info(weights)
    assert edit_files.uploaded("a.png", png((48, 48)), info).shape == (3, 24, 24)
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"garbage", "not a picture"),
        (png((25, 24)), "25 x 24 pixels"),
        (png((24, 24))[:60], "cannot be decoded"),
        (b"", "not a"),
    ],
)
def test_garbage_is_refused_with_the_name_of_the_upload_and_no_path(weights, content, message):
    with pytest.raises(ValueError, match=message) as refused:
        edit_files.uploaded("my <b>file.png", content, read_info(weights))
    assert "my _b_file.png" in str(refused.value) and "/" not in str(refused.value).split(";")[0]


def noise_picture(width, height):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_a_photograph_is_cropped_and_averaged_block_by_block(weights):
    """Compared with means over blocks; the part lies where it was asked for, to the pixel."""
    photo, info = noise_picture(24 * 5, 24 * 3 + 7), read_info(weights)
    assert edit_files.size_of("a.png", encoded(photo)) == (120, 79)
    for across, down in ((0.0, 0.0), (1.0, 1.0)):
        crop = edit_files.Crop(3.0, across, down, "average", False)
        left, top = round(across * (120 - 72)), round(down * (79 - 72))
        part = photo[top : top + 72, left : left + 72].astype(float)
        expected = part.reshape(24, 3, 24, 3, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
        taken = edit_files.cropped("a.png", encoded(photo), info, crop)
        assert np.abs(taken.numpy() - expected).max() <= 1.01  # rounded once along each axis


def test_pixel_art_that_is_no_whole_multiple_keeps_its_colours(weights):
    art = noise_picture(24, 24)
    enlarged = np.asarray(Image.fromarray(art).resize((100, 100), Image.Resampling.NEAREST))
    crop = edit_files.Crop(100 / 24, 0.5, 0.5, "nearest", False)
    taken = edit_files.cropped("a.png", encoded(enlarged), read_info(weights), crop)
    assert np.array_equal(taken.numpy(), art.transpose(2, 0, 1))


@pytest.mark.parametrize("side", [29, 58, 116, 123, 225])
def test_a_whole_picture_is_cropped_whatever_its_size(weights, side):
    """Its part, of scale times 28 pixels, may be larger than it by rounding."""
    info = replace(read_info(weights), image_shape=[3, 28, 28])
    for across in (0.0, 0.3, 0.5, 1.0):
        crop = edit_files.Crop(side / 28, across, 1 - across, "average", False)
        assert edit_files.cropped("a.png", encoded(noise_picture(side, side)), info, crop).shape == (3, 28, 28)


def test_a_crop_keeps_transparency_where_the_weights_have_it(weights):
    info = replace(read_info(weights), image_shape=[4, 2, 2])
    art = np.array([[[255, 0, 0, 255], [0, 255, 0, 0]], [[9, 9, 9, 0], [200, 100, 0, 51]]], dtype=np.uint8)
    enlarged = np.asarray(Image.fromarray(art).resize((5, 5), Image.Resampling.NEAREST))
    taken = edit_files.cropped("a.png", encoded(enlarged), info, edit_files.Crop(2.5, 0.0, 0.0, "nearest", False))
    assert taken[3].tolist() == [[255, 0], [0, 51]]
    assert taken[:3].permute(1, 2, 0).tolist() == [[[255, 0, 0], [0, 0, 0]], [[0, 0, 0], [40, 20, 0]]]  # premultiplied


def test_a_crop_can_have_the_colours_of_the_collection(weights):
    info = read_info(weights)
    crop = edit_files.Crop(2.0, 0.0, 0.0, "average", True)
    taken = edit_files.cropped("a.png", encoded(noise_picture(48, 48)), info, crop)
    assert {tuple(pixel) for pixel in taken.flatten(1).T.tolist()} <= {tuple(colour) for colour in info.palette}


def test_too_many_bytes_are_refused_before_anything_is_decoded(weights, monkeypatch):
    monkeypatch.setattr(edit_files, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="MB are read"):
        edit_files.uploaded("a.png", b"x" * 11, read_info(weights))


def test_files_are_named_after_their_content_and_written_only_when_saved(in_tmp):
    one, other = edit_files.edit_file(picture(0)), edit_files.edit_file(picture(1))
    mask = edit_files.mask_file(torch.eye(4))
    assert one == edit_files.edit_file(picture(0)) and one.path != other.path
    assert list(in_tmp.iterdir()) == []
    edit_files.save([one, mask])
    assert torch.equal(read_png(one.path), picture(0)) and not other.path.exists()
    assert torch.equal(read_png(mask.path)[0], (torch.eye(4) * 255).byte())


def test_the_oldest_files_go_where_there_are_too_many_and_no_others(in_tmp, monkeypatch):
    """What was just saved stays, also where it was there before; files that the dashboard did not write stay too."""
    monkeypatch.setattr(edit_files, "KEPT", 3)
    files = [edit_files.edit_file(picture(level)) for level in range(5)]
    edit_files.FOLDER.mkdir(parents=True)
    own = edit_files.FOLDER / "mine.png"
    own.write_bytes(b"of a person")
    for age, file in enumerate(files):
        edit_files.save([file])
        os.utime(file.path, (age, age))
    assert [file.path.exists() for file in files] == [False, False, True, True, True]
    edit_files.save([files[2], files[0]])
    assert [file.path.exists() for file in files] == [True, False, True, False, True] and own.exists()
