"""Zip files that come through the browser are kept, and what is there already stays as it is."""

import io
import zipfile

import pytest

from dashboard import uploads


def zipped(text: str = "x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", text)
    return file.getvalue()


def kept(in_tmp) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (in_tmp / "uploads").iterdir()}


def test_files_of_one_name_stand_beside_each_other_and_the_same_one_is_kept_once(in_tmp):
    one, other = zipped(), zipped("y")
    names = [uploads.keep("my sprites.zip", content).as_posix() for content in (one, other, one, other)]
    assert names == ["uploads/my_sprites.zip", "uploads/my_sprites-2.zip"] * 2
    assert kept(in_tmp) == {"my_sprites.zip": one, "my_sprites-2.zip": other}


@pytest.mark.parametrize(
    ("name", "path"),
    [("../../x.ZIP", "x.zip"), (".hidden.zip", "hidden.zip"), ("/etc/a b.zip", "etc_a_b.zip"), ("…", "pictures.zip")],
)
def test_names_lead_nowhere_else(in_tmp, name, path):
    uploads.keep(name, zipped())
    assert list(kept(in_tmp)) == [path]


@pytest.mark.parametrize("name", ["own.zip", "mnist.zip"])
def test_what_cannot_be_is_not_kept(in_tmp, name):
    with pytest.raises(ValueError, match="no zip file" if name == "own.zip" else "data set of its own"):
        uploads.keep(name, b"<script>" if name == "own.zip" else zipped())
    assert not (in_tmp / "uploads").exists()


def test_nothing_is_left_where_the_disk_refuses(in_tmp, monkeypatch):
    def refuse(path, write):
        raise OSError("no space left")

    monkeypatch.setattr(uploads, "write_atomically", refuse)
    with pytest.raises(OSError, match="no space"):
        uploads.keep("own.zip", zipped())
    assert kept(in_tmp) == {}
