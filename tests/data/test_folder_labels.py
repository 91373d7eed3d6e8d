"""Labels of people's own pictures that would go unread, and what is seen in labels and pictures together."""

import shutil

import pytest

from conditions.schema import UNKNOWN
from data.folder import Folder
from tests.data.folders import GOOD, load, sprites


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Metadata.csv", "a table"),
        ("labels.tsv", "a table"),
        ("train/metadata.csv", "a table"),
        ("schema.yml", "a schema"),
    ],
)
def test_labels_that_would_not_be_read_are_a_problem(tmp_path, name, kind):
    """A training without labels costs hours before anybody asks for something."""
    folder = sprites(tmp_path / "own")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("file_name,kind\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{name}: looks like {kind}, and is not read; call it (metadata|schema)"):
        load(folder)
    called = "metadata.csv" if kind == "a table" else "schema.yaml"
    (folder / called).write_text(GOOD if kind == "a table" else "blank: none", encoding="utf-8")
    load(folder)  # what is called as it should be says it all


def test_without_labels_a_warning_says_so(tmp_path, caplog):
    load(sprites(tmp_path / "own"))
    assert "no labels, so that nothing can be asked for" in caplog.text


def test_names_that_differ_in_the_spelling_of_an_accent_are_a_problem(tmp_path):
    folder = sprites(tmp_path / "own")
    for name in ("\u00e9.png", "e\u0301.png"):
        shutil.copy(folder / "00.png", folder / name)
    with pytest.raises(ValueError, match="is there twice, with its accents written in two ways"):
        load(folder)


def test_numbers_that_pandas_makes_of_yes_and_no_beside_a_blank(tmp_path):
    rows = "".join(f"{i:02d}.png,{('1.0', '0.0', '')[i % 3]}\n" for i in range(24))
    splits = load(sprites(tmp_path / "own", metadata=f"file_name,hat\n{rows}"))
    assert [field.values for field in splits.train.schema.fields] == [("none", "hat")]
    assert set(splits.train.labels.unique().tolist()) == {UNKNOWN, 0, 1}


@pytest.mark.parametrize(
    ("entry", "one"),
    [
        (lambda i: f"kind {i}", True),
        (lambda i: f"kind {i % 2}", False),
        (lambda i: f"kind {i % 2}" if i < 2 else "", True),
    ],
    ids=["a label each", "many of one label", "others unknown"],
)
def test_whether_there_is_one_picture_to_a_label_is_seen_in_the_pictures(tmp_path, entry, one):
    """Few steps are enough where there is, and blur what is open where there is not."""
    rows = "".join(f"{i:02d}.png,{entry(i)}\n" for i in range(24))
    folder = sprites(tmp_path / "own", metadata=f"file_name,kind\n{rows}")
    dataset, train = Folder(path=str(folder)), load(folder).train
    assert dataset.settled(train).determined is one
    assert Folder(path=str(folder), one_picture=not one).settled(train).determined is not one
