"""Files are written whole or not at all, and nobody's file is in the way."""

import secrets

import pytest

from data.atomic import atomic


def test_the_old_content_stays_until_all_is_written(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with atomic(tmp_path / "a") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "a").read_bytes() == b"old"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_fails_or_is_interrupted(tmp_path, trouble):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(type(trouble)), atomic(tmp_path / "a") as file:
        file.write(b"half")
        raise trouble
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_file_of_somebody_else_is_neither_overwritten_nor_taken_away(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda _: "f00")
    (tmp_path / "a.f00.part").write_text("mine")
    with pytest.raises(FileExistsError), atomic(tmp_path / "a"):
        pytest.fail("opened")
    assert (tmp_path / "a.f00.part").read_text() == "mine"


def test_two_that_write_the_same_file_do_not_meet(tmp_path):
    with atomic(tmp_path / "a") as one, atomic(tmp_path / "a") as other:
        one.write(b"one")
        other.write(b"other")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"one")]
