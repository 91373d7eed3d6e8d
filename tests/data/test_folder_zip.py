"""Zip files that do not fit: nothing of them is unpacked that should not be."""

import stat
import zipfile
from pathlib import Path

import pytest

from conf import Refusals
from data.folder_source import LIMITS
from tests.data.folders import GOOD, equal, load, png, sprites


def zipped(tmp_path: Path, *extra: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    folder = sprites(tmp_path / "own", metadata=GOOD)
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
        for name, body in extra:
            archive.writestr(name, body)
    return tmp_path / "own.zip"


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("../x.png", "leads out of the zip file"),
        ("/etc/x.png", "leads out of the zip file"),
        ("a\\x.png", "leads out of the zip file"),
        ("C:/x.png", "leads out of the zip file"),
        ("00.png", "is there twice"),
        (".", "leads out of the zip file"),
        (link(), "is a link"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_of_a_zip_file_that_are_not_read(tmp_path, entry, says):
    with pytest.raises(Refusals, match=says):
        load(zipped(tmp_path, (entry, png())))
    assert not (tmp_path / "x.png").exists()


def test_names_that_begin_with_the_folder_they_are_in(tmp_path):
    folder = sprites(tmp_path / "own", metadata=GOOD)
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(f"./{path.name}", path.read_bytes())
    assert equal(load(tmp_path / "own.zip"), load(folder))


def test_a_remark_beside_the_folder_in_a_zip_file_hides_no_labels(tmp_path):
    folder = sprites(tmp_path / "own", metadata=GOOD)
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("README.txt", "drawn by me")
        for path in sorted(folder.iterdir()):
            archive.write(path, f"own/{path.name}")
    assert equal(load(tmp_path / "own.zip"), load(folder))


def test_a_zip_file_that_says_it_is_encrypted(tmp_path):
    path = zipped(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(Refusals, match="encrypted"):
        load(path)


def test_a_damaged_entry_of_a_zip_file(tmp_path):
    path = zipped(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF  # stored as it is, so that only the checksum can tell
    path.write_bytes(content)
    with pytest.raises(Refusals, match=r"00.png: damaged in the zip file"):
        load(path)


def test_half_a_zip_file(tmp_path):
    path = zipped(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Refusals, match=r"neither a folder nor a zip file|cannot be read"):
        load(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = zipped(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.png", b"\0" * 50_000_000)
    with pytest.raises(Refusals, match=r"x.png: 50 MB; files of at most 20 MB"):
        load(path)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_table_may_be_larger_than_a_picture(tmp_path, monkeypatch, kind):
    whole = load(sprites(tmp_path / "own", metadata=GOOD))
    path = zipped(tmp_path) if kind == "zip" else tmp_path / "own"
    pictures = max(path.stat().st_size for path in (tmp_path / "own").glob("*.png"))
    assert pictures < len(GOOD)
    monkeypatch.setattr("data.folder_source.MAX_BYTES", pictures)
    assert equal(load(path), whole)
    monkeypatch.setitem(LIMITS, "metadata.csv", len(GOOD) - 1)
    with pytest.raises(Refusals, match=r"metadata.csv: cannot be read \(.* MB; files of at most .* MB are read\)"):
        load(path)
