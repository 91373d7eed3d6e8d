"""Sprite sheets: the same data set as its tiles in files of their own, and the punks as one."""

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from conditions.fields import NONE
from conf import Refusals
from data.base import Splits
from data.cryptopunks import BACKGROUND, CryptoPunks
from data.pictures import tiles
from tests.data.folders import as_csv, load, together


@pytest.fixture
def sheet(tmp_path):
    """A sheet of 4 rows of 7 tiles of 8 x 10 pixels, the last two of them empty; returns them all."""
    generator = np.random.default_rng(0)
    pieces = generator.integers(0, 4, (28, 8, 10, 4), dtype=np.uint8) * 85
    pieces[..., 3] = 255
    pieces[26:] = 0
    whole = np.concatenate([np.concatenate(list(row), axis=1) for row in pieces.reshape(4, 7, 8, 10, 4)])
    (tmp_path / "own").mkdir()
    Image.fromarray(whole).save(tmp_path / "own/all.png")
    return pieces


def listed(folder, how: str = "csv") -> None:
    values = {i: ("sword" if i % 2 else "bow") for i in range(26)}
    if how == "csv":
        table = as_csv({f"{i:03d}": [value] for i, value in reversed(values.items())}, ["arm"])
        (folder / "metadata.csv").write_text(table.replace("file_name", "id"))
    else:
        rows = [json.dumps({"id": i, "arm": value}) for i, value in values.items()]
        (folder / "metadata.jsonl").write_text("\n".join(rows))


@pytest.mark.parametrize("how", ["csv", "jsonl"])
def test_tiles_are_numbered_row_by_row_and_listed_by_their_number(sheet, tmp_path, how):
    listed(tmp_path / "own", how)
    found = together(load(tmp_path / "own", sheet="all.png", size=[8, 10]))
    assert set(found) == set(range(26))
    for number, (image, names) in found.items():
        assert np.array_equal(image.permute(1, 2, 0).numpy(), sheet[number, ..., :3])
        assert names == {"sword" if number % 2 else "bow"}


def test_a_column_of_file_names_beside_the_numbers_is_a_column_like_any(sheet, tmp_path):
    rows = {str(i): ["all.png", "sword" if i % 2 else "bow"] for i in range(26)}
    table = as_csv(rows, ["file_name", "arm"]).replace("file_name", "id", 1)
    (tmp_path / "own/metadata.csv").write_text(table)
    splits = load(tmp_path / "own", sheet="all.png", size=[8, 10])
    assert [field.name for field in splits.train.schema.fields] == ["arm"]  # the other tells no two pictures apart
    assert {number: names for number, (_, names) in together(splits).items()} == {
        i: {"sword" if i % 2 else "bow"} for i in range(26)
    }


def test_equal_tiles_share_a_split_and_keep_numbers_of_their_own(tmp_path):
    """Tile 7 belongs to validation; its copy, tile 25, would be tile 27 if only its remainder changed."""
    pieces = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    pieces[25] = pieces[7]
    (tmp_path / "own").mkdir()
    Image.fromarray(np.concatenate(list(pieces))).save(tmp_path / "own/all.png")
    splits = load(tmp_path / "own", sheet="all.png", size=8)
    ids = torch.cat([part.ids for part in (splits.train, splits.validation, splits.test)]).tolist()
    assert len(set(ids)) == 30 and set(range(30)) - set(ids) == {25}
    held_out = [image.numpy().tobytes() for image in splits.validation.images]
    assert held_out.count(pieces[7].transpose(2, 0, 1).tobytes()) == 2


def test_schema_yaml_can_name_the_sheet_and_no_table_is_needed(sheet, tmp_path):
    (tmp_path / "own/schema.yaml").write_text("sheet: all.png\nsize: [8, 10]")
    splits = load(tmp_path / "own")
    assert len(together(splits)) == 26 and not len(splits.train.schema)


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({"sheet": "al.png", "size": 8}, None, "al.png: no such picture in the folder"),
        ({"sheet": "all.png"}, None, "all.png: of tiles of which size"),
        ({"sheet": "all.png", "size": [9, 10]}, None, "all.png: 70 x 32 pixels are no whole number of tiles of 10 x 9"),
        ({"sheet": "all.png", "size": [8, 10]}, "file_name,arm\n", "metadata.csv, line 1: needs a column id"),
        (
            {"sheet": "all.png", "size": [8, 10]},
            "id,arm\n27,bow\n",
            "line 2: there is no tile 27, or it is empty",
        ),
        ({"sheet": "all.png", "size": [8, 10]}, "id,arm\nfirst,bow\n", "line 2: there is no tile first"),
        ({"sheet": "all.png", "size": [8, 10]}, "id,arm\n1,bow\n01,bow\n", "line 3: tile 1 is on line 2 already"),
        ({"sheet": "all.png", "size": [8, 10]}, "id,arm\n,bow\n", "line 2: id is blank"),
        (
            {"sheet": "all.png", "size": [8, 10]},
            "id,arm\n1,bow\n",
            "tile 0: has no line in metadata.csv; add one, or make the tile transparent",
        ),
    ],
)
def test_what_does_not_fit_is_told(sheet, tmp_path, settings, rows, message):
    if rows:
        (tmp_path / "own/metadata.csv").write_text(rows)
    with pytest.raises(Refusals) as refused:
        load(tmp_path / "own", **settings)
    assert any(message in line for line in refused.value.lines), refused.value.lines


def test_tiles_are_cut_as_numpy_would_with_a_loop():
    pixels = np.random.default_rng(1).integers(0, 256, (6, 20, 3), dtype=np.uint8)
    expected = [pixels[y : y + 3, x : x + 5] for y in (0, 3) for x in (0, 5, 10, 15)]
    assert np.array_equal(tiles(pixels, 3, 5), np.stack(expected))


def test_the_punks_are_such_a_folder(real_data, tmp_path):
    """The published sheet and our labels, written as a table: the same pictures, splits and labels."""
    ours = CryptoPunks().load(str(real_data))
    (tmp_path / "own").mkdir()
    (tmp_path / "own/punks.png").symlink_to(real_data / "cryptopunks/punks.png")
    slots = [(f, field) for f, field in enumerate(ours.train.schema.fields) if not field.slot]
    rows = {}
    for part in (ours.train, ours.validation, ours.test):
        for number, label in zip(part.ids.tolist(), part.labels.tolist(), strict=True):
            rows[str(number)] = [field.values[label[f]] for f, field in slots]
    table = as_csv(rows, [field.name for _, field in slots]).replace("file_name", "id", 1)
    (tmp_path / "own/metadata.csv").write_text(table, encoding="utf-8")
    own = load(tmp_path / "own", sheet="punks.png", size=24, alpha="background", background=list(BACKGROUND))
    assert _pictures(own) == _pictures(ours)
    assert torch.equal(own.train.palette.colours, ours.train.palette.colours)
    names = {f.name: {v for v in f.values if v != NONE} for _, f in slots}
    assert {f.name: {v for v in f.values if v != NONE} for f in own.train.schema.fields} == names


def _pictures(splits: Splits) -> list[str]:
    parts = (splits.train, splits.validation, splits.test)
    return [hashlib.sha256(part.images[part.ids.argsort()].numpy().tobytes()).hexdigest() for part in parts]
