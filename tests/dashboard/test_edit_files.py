"""Pictures that are uploaded are read with care; what is saved for sample.py is named by content, and cleaned up."""

import io
import os

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
