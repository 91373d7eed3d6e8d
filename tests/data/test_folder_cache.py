"""Pictures of large folders, decoded once: what is kept of them, and what becomes of it."""

import numpy as np
import pytest

from tests.data.folders import equal, load, sprites


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    """Few pictures are worth it; returns the folder that the file is in."""
    monkeypatch.setattr("data.folder_cache.WORTH", 1)
    return tmp_path / "data_root/decoded"


def test_where_nothing_can_be_kept_pictures_are_decoded_each_time(tmp_path):
    (tmp_path / "data_root").write_text("a file in the place of the folder")
    folder = sprites(tmp_path / "own")
    assert equal(load(folder), load(folder))
    assert (tmp_path / "data_root").is_file()


def test_nothing_is_left_of_what_was_interrupted(tmp_path, monkeypatch, kept):
    save = np.save

    def interrupted(file, array, **how):
        save(file, array, **how)
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(sprites(tmp_path / "own"))
    assert not list(kept.iterdir())
