"""People's own folders: the same pictures, labels and splits, however they are written down."""

import csv
import hashlib
import json
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from conditions.schema import UNKNOWN
from data.base import TEST, VALIDATION
from data.folder import Folder
from data.palette import Palette
from data.pixelfaces import SCHEMA, SLOTS, PixelFaces
from tests.data.folders import (
    NAMES,
    as_csv,
    as_jsonl,
    colours,
    equal,
    faces,
    images_of,
    load,
    sprites,
    together,
    write,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """60 faces in a folder with metadata.csv."""
    pictures, labels = faces()
    folder = write(tmp_path_factory.mktemp("written") / "my_faces", pictures)
    (folder / "metadata.csv").write_text(as_csv(labels, NAMES), encoding="utf-8")
    return folder


def test_a_data_set_written_to_a_folder_comes_back(written):
    own, faces_ = load(written), PixelFaces(count=60).load()
    found = sorted((name, pixels.numpy().tobytes()) for pixels, name in _named(own).values())
    expected = {}
    for part in (faces_.train, faces_.validation, faces_.test):
        for image, label in zip(part.images, part.labels, strict=True):
            slots = [SCHEMA.fields[f] for f in SLOTS]
            values = [slot.values[label[f]] for f, slot in zip(SLOTS, slots, strict=True)]
            expected[image.numpy().tobytes()] = sorted(
                f"-{slot.name}" if value == "none" else value for slot, value in zip(slots, values, strict=True)
            )
    assert found == sorted((names, pixels) for pixels, names in expected.items())
    fields = {field.name: set(field.values) for field in own.train.schema.fields}
    assert fields == {SCHEMA.fields[f].name: set(SCHEMA.fields[f].values) for f in SLOTS}
    everything = torch.cat([part.images for part in (faces_.train, faces_.validation, faces_.test)])
    assert torch.equal(own.train.palette.colours, Palette.of(everything).colours)
    assert own.train.name == "my_faces"


def _named(splits):
    return {number: (image, sorted(names)) for number, (image, names) in together(splits).items()}


HOW = ["semicolon", "tab", "bom", "crlf", "cr", "jsonl", "zip", "zipped folder", "quoted", "dot"]


@pytest.mark.parametrize("how", HOW)
def test_the_same_set_written_otherwise_is_the_same(written, tmp_path, how):
    _, labels = faces()
    folder = tmp_path / "my_faces"
    shutil.copytree(written, folder)
    table = folder / "metadata.csv"
    if how in ("semicolon", "tab"):
        table.write_text(as_csv(labels, NAMES, {"semicolon": ";", "tab": "\t"}[how]), encoding="utf-8")
    elif how == "bom":
        table.write_text(as_csv(labels, NAMES, ";"), encoding="utf-8-sig")
    elif how == "crlf":
        table.write_bytes(as_csv(labels, NAMES).replace("\r\n", "\n").replace("\n", "\r\n\r\n").encode())
    elif how == "cr":
        table.write_bytes(as_csv(labels, NAMES).replace("\r\n", "\r").encode())
    elif how == "quoted":
        table.write_text(as_csv(labels, NAMES, quoting=csv.QUOTE_ALL), encoding="utf-8")
    elif how == "dot":
        table.write_text(as_csv({f"./{n}": row for n, row in reversed(labels.items())}, NAMES), encoding="utf-8")
    elif how == "jsonl":
        table.unlink()
        (folder / "metadata.jsonl").write_text(as_jsonl(labels, NAMES), encoding="utf-8")
    else:
        with zipfile.ZipFile(tmp_path / "my_faces.zip", "w") as archive:
            archive.writestr("__MACOSX/._x", b"litter")
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(tmp_path if how == "zipped folder" else folder))
        folder = tmp_path / "my_faces.zip"
    assert equal(load(folder), load(written))


def test_booleans_of_json_are_yes_and_no(tmp_path):
    rows = [{"file_name": f"{i:02d}.png", "helmet": i % 2 == 0, "level": i % 3} for i in range(24)]
    folder = sprites(tmp_path / "own")
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    fields = {field.name: field.values for field in load(folder).train.schema.fields}
    assert fields == {"helmet": ("none", "helmet"), "level": ("0", "1", "2")}


def test_marks_that_unicode_calls_line_breaks_are_part_of_a_line_of_json(tmp_path):
    kinds = ["a\N{LINE SEPARATOR}b", "c"]
    rows = [{"file_name": f"{i:02d}.png", "note": kinds[i % 2], "kind": "ab"[i % 2]} for i in range(24)]
    folder = sprites(tmp_path / "own")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "schema.yaml").write_text("ignore: [note]")
    assert [field.name for field in load(folder).train.schema.fields] == ["kind"]


def test_columns_become_slots_and_blanks_stay_unknown(tmp_path):
    folder = sprites(tmp_path / "own")
    cells = [("cap", "yes"), ("none", "no"), ("", "true"), ("crown", ""), ("No", "0"), ("cap", "1")]
    names = {f"{i:02d}.png": cells[i % 6] for i in range(24)}
    (folder / "metadata.csv").write_text(as_csv(names, ["hat", "sword"]), encoding="utf-8")
    splits = load(folder)
    assert [(f.name, f.values) for f in splits.train.schema.fields] == [
        ("hat", ("none", "cap", "crown")),
        ("sword", ("none", "sword")),
    ]
    expected = [{"cap", "sword"}, {"-hat", "-sword"}, {"sword"}, {"crown"}, {"-hat", "-sword"}, {"cap", "sword"}]
    found = _by_pixels(splits)
    for i in range(24):
        assert found[_pixels(folder / f"{i:02d}.png")] == expected[i % 6]


def _pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1).tobytes()


def _by_pixels(splits):
    return {image.numpy().tobytes(): set(names) for image, names in together(splits).values()}


def test_a_schema_file_says_groups_aliases_and_what_blanks_mean(tmp_path):
    hats = ["cap", "crown", "", "fez"]
    folder = sprites(tmp_path / "own", metadata=as_csv({f"{i:02d}.png": [hats[i % 4]] for i in range(24)}, ["head"]))
    (folder / "schema.yaml").write_text(
        "groups:\n  hat: [cap, crown, Fez]\n  royal: [crown]\naliases: {chapeau: hat, bare: -head}\nblank: none\n",
        encoding="utf-8",
    )
    schema, found = load(folder).train.schema, _by_pixels(load(folder))
    assert [(f.name, f.values, f.members) for f in schema.fields] == [
        ("head", ("none", "cap", "crown", "fez"), ()),
        ("hat", ("none", "hat"), ("cap", "crown", "fez")),
        ("royal", ("none", "royal"), ("crown",)),
    ]
    assert torch.equal(schema.encode("chapeau"), schema.encode("hat"))
    assert torch.equal(schema.encode("bare"), schema.encode("-head"))
    expected = [{"cap", "hat", "-royal"}, {"crown", "hat", "royal"}, {"-head", "-hat", "-royal"}]
    assert [found[_pixels(folder / f"{i:02d}.png")] for i in range(3)] == expected


def test_a_group_of_an_unknown_value_is_unknown(tmp_path):
    hats = ["cap", "crown", "", "none"]
    folder = sprites(tmp_path / "own", metadata=as_csv({f"{i:02d}.png": [hats[i % 4]] for i in range(24)}, ["head"]))
    (folder / "schema.yaml").write_text("groups: {hat: [cap, crown]}", encoding="utf-8")
    found = _by_pixels(load(folder))
    assert [found[_pixels(folder / f"{i:02d}.png")] for i in (2, 3)] == [set(), {"-head", "-hat"}]


def test_values_of_two_columns_are_called_after_them(tmp_path, caplog):
    rows = {f"{i:02d}.png": [["red", "blue"][i % 2], ["red", "gold"][i % 3 % 2]] for i in range(24)}
    splits = load(sprites(tmp_path / "own", metadata=as_csv(rows, ["hair", "hat"])))
    assert [f.values for f in splits.train.schema.fields] == [("blue", "hair red"), ("gold", "hat red")]
    assert "hair red" in caplog.text and "hat red" in caplog.text
    assert _by_pixels(splits)[_pixels(tmp_path / "own/00.png")] == {"hair red", "hat red"}


def test_sub_folders_are_classes(tmp_path):
    for kind, count in (("cat", 12), ("dog", 13)):
        sprites(tmp_path / "own" / kind, count)
    for i, path in enumerate(sorted((tmp_path / "own").rglob("*.png"))):
        Image.new("RGB", (8, 8), (i, 2 * i, 3)).save(path)
    splits, names = load(tmp_path / "own"), {}
    assert [(f.name, f.values) for f in splits.train.schema.fields] == [("class", ("cat", "dog"))]
    for path in (tmp_path / "own").rglob("*.png"):
        names[_pixels(path)] = {path.parent.name}
    assert _by_pixels(splits) == names


@pytest.mark.parametrize("names", ["01", ("no", "yes"), ("false", "maybe", "true")])
def test_classes_called_like_yes_and_no_are_classes(tmp_path, names):
    """As of handwritten zeros and ones; a request for one of them must not mean that it is absent."""
    pictures = {
        f"{name}/{i}.png": np.full((8, 8, 3), [i, k, 9], np.uint8) for i in range(12) for k, name in enumerate(names)
    }
    splits = load(write(tmp_path / "own", pictures))
    assert [(f.name, f.values) for f in splits.train.schema.fields] == [("class", tuple(names))]
    found = _by_pixels(splits)
    assert all(found[_pixels(tmp_path / "own" / name)] == {name.partition("/")[0]} for name in pictures)


@pytest.mark.parametrize("below", ["", "images/"])
def test_pictures_without_labels_are_unconditional(tmp_path, below):
    sprites(tmp_path / "own" / below)
    splits = load(tmp_path / "own")
    assert len(splits.train.schema) == 0 and splits.train.labels.shape[1] == 0


def test_a_picture_keeps_its_split_when_others_are_added(tmp_path):
    before = together(load(sprites(tmp_path / "own", 40)))
    after = together(load(sprites(tmp_path / "own", 64)))
    assert before.keys() <= after.keys() and len(after) == 64
    ids = [int(hashlib.sha256(f"{i:02d}.png".encode()).hexdigest()[:12], 16) for i in range(40)]
    assert before.keys() == set(ids)


def test_the_splits_follow_from_the_ids(tmp_path):
    splits = load(sprites(tmp_path / "own", 64))
    for part, chosen in ((splits.validation, VALIDATION), (splits.test, TEST)):
        assert all(number % 20 in chosen for number in part.ids.tolist())
    assert not set((splits.train.ids % 20).tolist()) & {*VALIDATION, *TEST}
    assert min(len(splits.validation), len(splits.test)) > 0


def test_equal_pictures_share_one_split_which_copies_do_not_change(tmp_path):
    folder = sprites(tmp_path / "own", 64)
    before = {image.numpy().tobytes(): number % 20 for number, (image, _) in together(load(folder)).items()}
    for path in sorted(folder.glob("*.png")):
        for copy in (f"{path.stem} copy.png", f"{path.stem} (1).png"):
            shutil.copy(path, folder / copy)
    after = load(folder)
    assert sum(map(len, (after.train, after.validation, after.test))) == 3 * 64
    for number, (image, _) in together(after).items():
        assert number % 20 == before[image.numpy().tobytes()]


def test_the_folder_is_not_written_to_and_what_is_decoded_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("data.folder_cache.WORTH", 1)
    folder = sprites(tmp_path / "own", metadata=colours())
    (folder / "00.png").write_bytes((folder / "00.png").read_bytes().ljust(400, b"\0"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    first = load(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert len(list((tmp_path / "data_root/decoded").iterdir())) == 1
    monkeypatch.setattr("data.folder_cache.decode", lambda *_: pytest.fail("decoded once more"))
    assert equal(load(folder), first)
    monkeypatch.undo()
    monkeypatch.setattr("data.folder_cache.WORTH", 1)
    Image.new("RGB", (8, 8), (1, 2, 3)).save(folder / "00.png")
    padded = (folder / "00.png").read_bytes().ljust(400, b"\0")  # of the same size as before: its time alone tells
    (folder / "00.png").write_bytes(padded)
    assert not equal(load(folder), first)
    (kept,) = (tmp_path / "data_root/decoded").iterdir()
    kept.write_bytes(kept.read_bytes()[:200])  # damaged: decoded anew
    assert _pixels(folder / "00.png") in images_of(load(folder))


def test_requests_of_the_sample_grids_are_the_common_values(tmp_path):
    folder = sprites(tmp_path / "own", metadata=colours())
    assert Folder(path=str(folder)).settled(load(folder).train).preview == ["blue", "red", "helmet"]


def test_labels_may_be_missing_altogether(tmp_path):
    folder = sprites(
        tmp_path / "own", metadata=as_csv({f"{i:02d}.png": [["a", "b", ""][i % 3]] for i in range(24)}, ["x"])
    )
    labels = torch.cat([part.labels for part in (load(folder).train, load(folder).validation, load(folder).test)])
    assert int((labels == UNKNOWN).sum()) == 8
