"""Folders that do not fit: each fault is told with its place and its remedy, all at once, and nothing else happens."""

import pytest

from conf import Refusals
from data.folder import Folder
from tests.data.broken import BROKEN, content
from tests.data.folders import GOOD, as_csv, load, sprites


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(tmp_path, kind):
    change, (place, *says) = BROKEN[kind]
    folder = sprites(tmp_path / "own", metadata=GOOD)
    change(folder)
    with pytest.raises(Refusals) as refused:
        load(folder)
    lines = [line for line in refused.value.lines if line.startswith(place) or place == "own"]
    told = [line for line in lines or refused.value.lines if all(part in line for part in says)]
    assert lines and told, refused.value.lines
    assert all("\n" not in line and len(line) < 400 for line in refused.value.lines)
    assert not (tmp_path / "data_root").exists()


def test_there_are_at_least_sixty_kinds():
    assert len(BROKEN) >= 60


def test_a_whole_folder_is_no_problem(tmp_path):
    load(sprites(tmp_path / "own", metadata=GOOD))


def test_all_faults_are_told_at_once(tmp_path):
    kinds = ("missing cell", "listed twice", "half a picture", "unknown setting", "TIFF", "linked folder")
    folder = sprites(tmp_path / "own", metadata=GOOD)
    for kind in kinds:
        BROKEN[kind][0](folder)
    content("metadata.csv", GOOD.replace("02.png,blue,yes", "02.png,blue").replace("05.png", "04.png"))(folder)
    with pytest.raises(Refusals) as refused:
        load(folder)
    text = str(refused.value)
    for place, says in (
        ("metadata.csv, line 4", "2 cells"),
        ("metadata.csv, line 7", "04.png is on line 6 already"),
        *((BROKEN[kind][1][0], BROKEN[kind][1][1]) for kind in kinds[2:]),
    ):
        assert f"  {place}" in text and says in text, text
    assert text.splitlines()[0].endswith(f"{len(refused.value.lines)} things to fix")


def test_a_column_of_names_is_no_column_of_values(tmp_path, monkeypatch):
    monkeypatch.setattr("data.folder_schema.MAX_VALUES", 23)
    rows = {f"{i:02d}.png": [f"hero {i}"] for i in range(24)}
    with pytest.raises(Refusals, match="column 'name' has 24 different values, of 23 at most; list it under ignore:"):
        load(sprites(tmp_path / "own", metadata=as_csv(rows, ["name"])))


def test_many_faults_are_cut_short(tmp_path):
    lines = "".join(f"ghost{i}.png,blue,yes\n" for i in range(500))
    folder = sprites(tmp_path / "own", metadata=GOOD + lines)
    with pytest.raises(Refusals) as refused:
        load(folder)
    assert len(refused.value.lines) == 500
    assert len(str(refused.value).splitlines()) == 102 and "and 400 more" in str(refused.value)


@pytest.mark.parametrize("path", [None, ""])
def test_a_path_is_needed(tmp_path, path):
    with pytest.raises(ValueError, match=r"dataset.path: name the folder"):
        Folder(path=path).load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere", "no such folder"), ("a.txt", "neither a folder nor a zip file")]
)
def test_a_path_must_lead_to_a_folder(tmp_path, name, says):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(Refusals, match=says):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["cryptopunks", "mnist", "folder", "mnist.zip"])
def test_names_of_other_data_sets_are_taken(tmp_path, name):
    with pytest.raises(ValueError, match="give the folder another name"):
        load(tmp_path / name)


def test_the_whole_disk_is_not_walked(tmp_path, monkeypatch):
    """A path typed too short, such as / or a home directory."""
    monkeypatch.setattr("data.folder_source.MAX_FILES", 5)
    folder = sprites(tmp_path / "own", metadata=GOOD)
    with pytest.raises(Refusals) as refused:
        load(folder)
    assert str(refused.value.lines[0]).endswith("more than 5 files; give the folder that holds the pictures alone")
