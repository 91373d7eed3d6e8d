"""Pictures of large folders, decoded once: what is kept of them, and what becomes of it."""

import numpy as np
import pytest
from PIL import Image

from conf import Refusals
from data.folder import Folder
from data.folder_check import report
from data.folder_source import Problems
from tests.data.folders import equal, load, sprites, transparent, write


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


@pytest.mark.parametrize("how", ["as they are", "enlarged", "scaled"])
def test_what_a_training_settles_on_is_not_decoded_again(tmp_path, monkeypatch, how):
    """The first to read a folder may leave open whether it is pixel art; the record of a training says it."""
    folder, size = sprites(tmp_path / "own"), {} if how == "as they are" else {"size": 8, "resize": "area"}
    for i, path in enumerate(sorted(folder.iterdir())):
        if how == "enlarged":
            Image.open(path).resize((32, 32), Image.Resampling.NEAREST).save(path)
        elif how == "scaled":
            write(folder, {path.name: np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)})
    first = load(folder, **size)
    assert (first.train.palette is None) == (how == "scaled")
    monkeypatch.setattr("data.folder_cache.decode", lambda *_: pytest.fail("decoded once more"))
    assert equal(load(folder, **size, pixel_art=how != "scaled"), first)


@pytest.mark.parametrize("pixel_art", [None, True])
def test_pixel_art_is_refused_although_it_was_kept_as_something_else(tmp_path, pixel_art):
    pictures = {f"{i}.png": np.full((20, 20, 3), (i, 9, 8), np.uint8) for i in range(24)}
    for i, pixels in enumerate(pictures.values()):
        pixels[i % 20, 1:] = 200
    folder = write(tmp_path / "own", pictures)
    load(folder, size=8, resize="area", pixel_art=False)
    with pytest.raises(Refusals) as refused:
        load(folder, size=8, resize="area", pixel_art=pixel_art)
    assert len(refused.value.lines) == 24
    assert all("pixel art, which no filter keeps" in line for line in refused.value.lines)


def test_the_check_tells_sizes_without_reading_the_files_again(tmp_path):
    generator, folder = np.random.default_rng(0), tmp_path / "own"
    write(folder, {f"{i:02d}.png": generator.integers(0, 256, (40, 40, 3), dtype=np.uint8) for i in range(20)})
    write(folder, {f"x{i}.png": generator.integers(0, 256, (30, 50, 3), dtype=np.uint8) for i in range(4)})
    for _ in range(2):  # decoded, and from the file
        contents = Folder(path=str(folder), size=10, resize="area").read(str(tmp_path / "data_root"), Problems(""))
        folder.rename(tmp_path / "away")
        text = report(contents).to_markdown()
        (tmp_path / "away").rename(folder)
        assert "20 of them from files of 40 x 40 pixels, 4 times as large, scaled down by the filter area." in text
        assert "4 of them from files of 50 x 30 pixels, scaled down by the filter area, after cropping" in text


def test_transparency_is_kept_or_laid_on_a_colour_whatever_was_kept_before(tmp_path, monkeypatch, kept):
    folder, ways = transparent(tmp_path / "own", 8, 8), [{}, {"alpha": "background", "background": [9, 200, 7]}]
    for way in [*ways, {"alpha": "background"}, *ways]:
        with monkeypatch.context() as patch:
            patch.setattr("data.folder_cache.WORTH", 10**6)
            alone = load(folder, **way)
        assert equal(load(folder, **way), alone) and len(list(kept.iterdir())) == 1
        assert alone.train.image_shape[0] == (3 if way else 4)


def test_a_split_of_what_was_kept_is_a_run_of_the_mapped_file(tmp_path):
    """So that 100,000 pictures are there at once, and take no memory before they are looked at."""
    folder = sprites(tmp_path / "own")
    first, again = load(folder), load(folder)
    assert equal(first, again)
    starts = [part.images.untyped_storage().data_ptr() for part in (again.train, again.validation, again.test)]
    assert len(set(starts)) == 1
