"""CryptoPunks: the table, the sheet, and the facts that are known of the published collection."""

import csv
import io
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from conditions.fields import NONE, normalise
from data.cryptopunks import FIELDS, SCHEMA, CryptoPunks, cut_sheet, parse_table

# As people who know the collection write them down, apart from the code's own lists.
HATS = """Bandana, Beanie, Cap, Cap Forward, Cowboy Hat, Do-rag, Fedora, Headband, Hoodie, Knitted Cap, Pilot Helmet,
Pink With Hat, Police Cap, Tassle Hat, Tiara, Top Hat"""
GLASSES = "3D Glasses, Big Shades, Classic Shades, Horned Rim Glasses, Nerd Glasses, Regular Shades, Small Shades"
EYEWEAR = "Eye Mask, Eye Patch, VR, Welding Goggles"
HEADER = "id, type, gender, skin tone, count, accessories"
BLUE_GREY = (0x63, 0x85, 0x96)
IDS = (0, 1, 99, 100, 635, 2890, 3100, 5555, 8348, 9899, 9999)


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def words(label: torch.Tensor) -> dict[str, str]:
    """The slots and coarse fields of a complete label that are not empty."""
    return {
        field.name: field.values[v]
        for field, v in zip(SCHEMA.fields, label.tolist(), strict=True)
        if field.values[v] != NONE
    }


# -- the schema -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "members"), [("hat", HATS), ("glasses", GLASSES), ("eyewear", EYEWEAR)])
def test_coarse_fields_group_what_people_would(group, members):
    field = SCHEMA.fields[SCHEMA.column[group]]
    expected = {normalise(name) for name in members.replace("\n", " ").split(",")}
    assert {normalise(member) for member in field.members} == expected


def test_slots_have_the_sizes_of_the_collection():
    sizes = {field.name: len(field.values) - field.optional for field in FIELDS if not field.slot}
    assert sizes == {
        "type": 5, "skin": 4 + 1, "head": 25 + 16, "eyes": 7 + 4 + 3 + 2, "facial hair": 12, "mouth": 3 + 3, "smoke": 4,
        "neck": 3, "ear": 1, "nose": 1, "face": 3,
    }  # fmt: skip


def test_coarse_fields_are_about_values_of_their_slot_and_never_share_one():
    slots = {field.name: set(field.values) for field in FIELDS if not field.slot}
    claimed = Counter((field.slot, member) for field in FIELDS if field.slot for member in field.members)
    assert max(claimed.values()) == 1
    assert all(member in slots[slot] for slot, member in claimed)


# -- the table --------------------------------------------------------------------------------------------


def test_rows_become_complete_labels_in_the_order_of_their_ids():
    labels = parse_table(
        table("1, Zombie, Male, , 1, Chinstrap", "0, Human, Female, Medium, 3, Earring / Do-rag / Big Shades"), count=2
    )
    assert labels.dtype == torch.int64
    assert words(labels[0]) == {
        "type": "Female", "skin": "Medium", "head": "Do-rag", "hat": "hat", "eyes": "Big Shades", "glasses": "glasses",
        "ear": "Earring",
    }  # fmt: skip
    assert words(labels[1]) == {"type": "Zombie", "skin": "Nonhuman", "facial hair": "Chinstrap", "beard": "beard"}


def test_a_punk_without_accessories_has_a_type_and_a_skin_only():
    assert words(parse_table(table("0, Alien, Male, , 0, "), count=1)[0]) == {"type": "Alien", "skin": "Nonhuman"}


MALE = "0, Human, Male, Dark, 1, Smile"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (table(MALE, "1, Human, Male, Dark, 1, Cowboy Hatt"), "line 3: unknown accessory 'Cowboy Hatt'.*Cowboy Hat"),
        (table(MALE, "1, Human, Male, Dark, 1, Male"), "line 3: unknown accessory 'Male'"),
        (table(MALE), "1 ids are missing, the first is 1"),
        (table("1, Human, Male, Dark, 0, "), "1 ids are missing, the first is 0"),
        (table(MALE, MALE), "line 3: id 0 stands there twice"),
        (table(MALE, "2, Human, Male, Dark, 0, "), "line 3: id '2' is not a number from 0 to 1"),
        (table(MALE, "one, Human, Male, Dark, 0, "), "line 3: id 'one'"),
        (table(MALE, "-1, Human, Male, Dark, 0, "), "line 3: id '-1'"),
        (table(MALE, "1, Human, Male, 0, "), "line 3: 5 columns, expected 6"),
        (table(MALE, header="id, type, count, accessories"), "columns are"),
        ("", "columns are"),
        (table(MALE, "1, Robot, Male, , 0, "), "line 3: unknown type 'Robot'.*Zombie"),
        (table(MALE, "1, Human, , Dark, 0, "), "line 3: unknown type ''"),
        (table(MALE, "1, Human, Male, Purple, 0, "), "line 3: unknown skin 'Purple'.*Albino"),
        (table(MALE, "1, Human, Male, Dark, 2, VR / Big Shades"), "line 3: 'VR' and 'Big Shades' .*slot 'eyes'"),
        (table(MALE, "1, Human, Male, Dark, 2, Smile / Smile"), "line 3: 'Smile' and 'Smile' .*slot 'mouth'"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused(text, match):
    with pytest.raises(ValueError, match=match):
        parse_table(text, count=2)


# -- the sheet --------------------------------------------------------------------------------------------


def png(sheet: Image.Image) -> bytes:
    file = io.BytesIO()
    sheet.save(file, format="PNG", compress_level=1)
    return file.getvalue()


def test_every_pixel_of_the_sheet_lands_in_its_place():
    """The sheet of this test says in each pixel whose it is: row and column of the punk, then place in the punk."""
    y, x = np.indices((2400, 2400))
    pixels = np.stack([y // 24, x // 24, (y % 24) * 10 + (x % 24) // 3, np.full_like(x, 255)], axis=-1)
    images = cut_sheet(png(Image.fromarray(pixels.astype(np.uint8)))).numpy()
    assert (images.shape, images.dtype) == ((10_000, 3, 24, 24), np.uint8)
    ids = np.arange(10_000)[:, None, None]
    y, x = np.indices((24, 24))
    assert (images[:, 0] == ids // 100).all()
    assert (images[:, 1] == ids % 100).all()
    assert (images[:, 2] == y * 10 + x // 3).all()


def test_transparent_pixels_show_the_background():
    sheet = Image.new("RGBA", (2400, 2400), (0, 0, 0, 0))
    sheet.putpixel((24, 0), (255, 0, 0, 255))
    sheet.putpixel((25, 0), (255, 255, 255, 128))
    images = cut_sheet(png(sheet))
    assert tuple(images[1, :, 0, 0].tolist()) == (255, 0, 0)
    halfway = [(255 * 128 + level * 127) / 255 for level in BLUE_GREY]
    assert images[1, :, 0, 1].tolist() == pytest.approx(halfway, abs=1)
    rest = torch.ones(10_000, 24, 24, dtype=torch.bool)
    rest[1, 0, :2] = False
    assert (images.movedim(1, -1)[rest] == torch.tensor(BLUE_GREY)).all()


# -- the published collection -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def punks(real_data):
    return CryptoPunks().load(str(real_data))


@pytest.fixture(scope="module")
def rows(real_data) -> list[dict[str, str]]:
    """The published table, read by the standard library's reader alone."""
    with (real_data / "cryptopunks" / "cryptopunks.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


@pytest.fixture(scope="module")
def sheet(real_data) -> Image.Image:
    return Image.open(real_data / "cryptopunks" / "punks.png").convert("RGBA")


@pytest.fixture(scope="module")
def collection(punks):
    """Images and labels of all punks in the order of their ids, put together from the three parts."""
    parts = (punks.train, punks.validation, punks.test)
    order = torch.cat([part.ids for part in parts]).argsort()
    return torch.cat([part.images for part in parts])[order], torch.cat([part.labels for part in parts])[order]


def test_the_collection_splits_by_id(punks):
    assert punks.validation.ids.tolist() == [i for i in range(10_000) if i % 20 in (7, 13)]
    assert punks.test.ids.tolist() == list(range(3, 10_000, 20))
    assert len(punks.train) == 8500
    every_id = torch.cat([punks.train.ids, punks.validation.ids, punks.test.ids])
    assert every_id.sort().values.tolist() == list(range(10_000))


def test_types_are_as_rare_as_published(collection):
    types = SCHEMA.fields[SCHEMA.column["type"]].values
    counts = Counter(types[v] for v in collection[1][:, SCHEMA.column["type"]].tolist())
    assert counts == {"Alien": 9, "Ape": 24, "Zombie": 88, "Female": 3840, "Male": 6039}


def test_every_label_is_different(collection):
    assert len(collection[1].unique(dim=0)) == 10_000


def test_labels_say_what_the_table_says(collection, rows):
    fine = [f for f, field in enumerate(SCHEMA.fields) if not field.slot and field.name not in ("type", "skin")]
    for row, label in zip(rows, collection[1], strict=True):
        said = words(label)
        assert said["type"] == (row["gender"] if row["type"] == "Human" else row["type"])
        assert said["skin"] == (row["skin tone"] or "Nonhuman")
        worn = {said[SCHEMA.fields[f].name] for f in fine if SCHEMA.fields[f].name in said}
        assert worn == {name.strip() for name in (row["accessories"] or "").split(" / ")} - {""}
        assert len(worn) == int(row["count"])


def test_every_published_name_encodes_to_itself(rows):
    published = {name.strip() for row in rows for name in (row["accessories"] or "").split(" / ")} - {""}
    published |= {row["type"] for row in rows if row["type"] != "Human"}
    published |= {row[column] for row in rows for column in ("gender", "skin tone")} - {"", None}
    assert len(published) == 87 + 3 + 2 + 4
    for name in published:
        for written in (name, name.upper(), name.lower().replace(" ", ""), name.replace(" ", "-"), f" {name} "):
            assert SCHEMA.names(SCHEMA.encode(written)) == [name]
        assert SCHEMA.names(SCHEMA.encode(name.replace(" ", "_"))) == [name]


def test_pictures_are_tiles_of_the_sheet_over_the_background(collection, sheet):
    for punk in IDS:
        left, top = punk % 100 * 24, punk // 100 * 24
        tile = np.asarray(sheet.crop((left, top, left + 24, top + 24)), dtype=np.float64)
        alpha = tile[..., 3:] / 255
        expected = tile[..., :3] * alpha + np.array(BLUE_GREY) * (1 - alpha)
        difference = np.abs(collection[0][punk].permute(1, 2, 0).numpy() - expected)
        assert difference.max() < 1  # half-transparent smoke is rounded
        assert (difference[np.isin(tile[..., 3], (0, 255))] == 0).all()


def test_the_palette_is_that_of_the_sheet(punks, sheet):
    colours = [colour for _, colour in sheet.getcolors(maxcolors=10_000)]
    assert len(colours) == 222
    palette = {tuple(colour) for colour in punks.train.palette.colours.tolist()}
    assert len(palette) == len(punks.train.palette) == 222  # each stays distinct over the background
    assert BLUE_GREY in palette
    assert {colour[:3] for colour in colours if colour[3] == 255} <= palette
    assert len([colour for colour in colours if colour[3] == 0]) == 1


def test_every_part_shares_schema_and_palette(punks):
    for part in (punks.train, punks.validation, punks.test):
        assert part.image_shape == (3, 24, 24)
        assert part.schema == SCHEMA
        assert part.palette is punks.train.palette
        assert (part.labels >= 0).all()
        assert (part.labels < torch.tensor(SCHEMA.cardinalities)).all()
