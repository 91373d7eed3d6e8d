"""What the check of a folder says is read in French, whatever is wrong with the folder and whatever it holds."""

import numpy as np
import pytest
from PIL import Image

from conf import Refusals
from dashboard.french_messages import error_in, note_in
from data.folder import Folder
from data.folder_check import NO_EQUAL, NO_LABELS, report
from data.folder_source import Problems
from tests.data.broken import BROKEN
from tests.data.folders import GOOD, as_csv, load, sprites, write
from training.forecast import Forecast
from training.settings import TrainSettings


def untranslated(lines, translate) -> list[str]:
    return [line for line in lines if translate(line, "Français") == line]


@pytest.mark.parametrize("kind", BROKEN)
def test_every_problem_is_read_in_french(tmp_path, kind):
    folder = sprites(tmp_path / "own", metadata=GOOD)
    BROKEN[kind][0](folder)
    with pytest.raises(Refusals) as refused:
        load(folder)
    assert untranslated(refused.value.lines, error_in) == []


def test_where_a_problem_is_stays_before_it():
    error = "metadata.csv, line 3: there is no picture 'a.png'; add it, or take the line away"
    assert error_in(error, "Français").startswith("metadata.csv, ligne 3: il n'y a pas d'image 'a.png' ;")


def lines(path, **settings) -> list[str]:
    problems = Problems("")
    contents = Folder(path=str(path), **settings).read(str(path.parent / "data_root"), problems)
    assert problems.lines == []
    found = report(contents)
    names = [line for line in found.equal if line.endswith("png")]  # which are no text
    return [line for line in (*found.about, *found.equal, *found.notes) if line not in names]


def test_every_line_of_a_report_is_read_in_french(tmp_path):
    generator, see_through = np.random.default_rng(0), np.zeros((8, 8, 4), np.uint8)
    own = sprites(tmp_path / "own", metadata=GOOD.replace("colour,helmet", "colour,hat"))
    (own / "notes.txt").write_text("x")
    big = {f"{i:03d}.png": generator.integers(0, 256, (40, 48, 3), np.uint8) for i in range(24)}
    glass = {f"{i:03d}.png": np.where(np.eye(8)[:, :, None] > 0, np.uint8(i), see_through) for i in range(24)}
    same = sprites(tmp_path / "same", metadata=as_csv(
        {f"{i:02d}.png": ["ab"[i % 2], "cd"[i % 2], "yes", "", "" if i else "x", "ab"[i // 12]] for i in range(24)},
        ["one", "two", "three", "four", "five", "six"],
    ))  # fmt: skip
    Image.open(same / "00.png").save(same / "01.png")
    for name in ("02.png", "04.png"):
        Image.new("RGB", (8, 8)).save(same / name)
    said = [
        *lines(own),
        *lines(same),
        *lines(write(tmp_path / "big", big), size=20, resize="area"),
        *lines(write(tmp_path / "glass", glass)),
        *lines(tmp_path / "glass", alpha="background", pixel_art=False),
        *lines(
            write(tmp_path / "grey", {name: p[..., 0] for name, p in big.items()}),
            size=20,
            resize="area",
            pixel_art=False,
        ),
        *Forecast(TrainSettings(), 1_000, 10, 1.0, "cpu", pixel_art=True).lines,
        *Forecast(TrainSettings(), 1_000, 10, 1.0, "cpu", side=64).lines,
        NO_EQUAL,
        NO_LABELS,
    ]
    assert len(said) >= 20 and untranslated(said, note_in) == []
