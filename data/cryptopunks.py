"""CryptoPunks: 10,000 pixel portraits of 24 x 24, each with a label from which the picture follows.

The artwork is not part of this repository; it is fetched from the publisher's own repository on first use.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from PIL import Image

from conditions.fields import NONE, Field, slot
from conditions.schema import ConditionSchema
from conf import Request
from data.base import Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.download import DataFile
from data.palette import Palette
from data.pictures import tiles

PUNKS = 10_000
SIDE = 24
BACKGROUND = (0x63, 0x85, 0x96)  # the collection's blue-grey, behind every transparent pixel

SHEET = DataFile(
    "cryptopunks/punks.png",
    "https://raw.githubusercontent.com/larvalabs/cryptopunks/11532167fa705ced569fc3206df0484f9027e1ee/punks.png",
    ("ac39af4793119ee46bbff351d8cb6b5f23da60222126add4268e261199a2921b",),
)
TABLE = DataFile(
    "cryptopunks/cryptopunks.csv",
    "https://raw.githubusercontent.com/cryptopunksnotdead/punks.attributes/"
    "2169f94a3c5004bfaadfc85e8d28c085e40e1047/original/cryptopunks.csv",
    ("5342c9e7bcadeaac288c76543a4721343e95943f8ab3b92e0b64dd8f6eec92c0",),
)
FILES = (SHEET, TABLE)
COLUMNS = ["id", "type", "gender", "skin tone", "count", "accessories"]

TYPES = ("Male", "Female", "Zombie", "Ape", "Alien")
NONHUMAN = "Nonhuman"
SKINS = (NONHUMAN, "Albino", "Light", "Medium", "Dark")
HAIR = (
    "Blonde Bob", "Blonde Short", "Clown Hair Green", "Crazy Hair", "Dark Hair", "Frumpy Hair", "Half Shaved",
    "Messy Hair", "Mohawk", "Mohawk Dark", "Mohawk Thin", "Orange Side", "Peak Spike", "Pigtails", "Purple Hair",
    "Red Mohawk", "Shaved Head", "Straight Hair", "Straight Hair Blonde", "Straight Hair Dark", "Stringy Hair",
    "Vampire Hair", "Wild Blonde", "Wild Hair", "Wild White Hair",
)  # fmt: skip
HATS = (
    "Bandana", "Beanie", "Cap", "Cap Forward", "Cowboy Hat", "Do-rag", "Fedora", "Headband", "Hoodie", "Knitted Cap",
    "Pilot Helmet", "Pink With Hat", "Police Cap", "Tassle Hat", "Tiara", "Top Hat",
)  # fmt: skip
GLASSES = (
    "3D Glasses", "Big Shades", "Classic Shades", "Horned Rim Glasses", "Nerd Glasses", "Regular Shades",
    "Small Shades",
)  # fmt: skip
EYEWEAR = ("Eye Mask", "Eye Patch", "VR", "Welding Goggles")
EYE_SHADOWS = ("Blue Eye Shadow", "Green Eye Shadow", "Purple Eye Shadow")
CLOWN_EYES = ("Clown Eyes Blue", "Clown Eyes Green")
BEARDS = (
    "Big Beard", "Chinstrap", "Front Beard", "Front Beard Dark", "Goat", "Handlebars", "Luxurious Beard", "Mustache",
    "Muttonchops", "Normal Beard", "Normal Beard Black", "Shadow Beard",
)  # fmt: skip
EXPRESSIONS = ("Buck Teeth", "Frown", "Smile")
LIPSTICKS = ("Black Lipstick", "Hot Lipstick", "Purple Lipstick")
SMOKES = ("Cigarette", "Pipe", "Vape")
CHAINS = ("Gold Chain", "Silver Chain")

FIELDS = (
    Field("type", TYPES),
    Field("skin", SKINS),
    *slot("head", HAIR + HATS, hair=HAIR, hat=HATS),
    *slot(
        "eyes",
        GLASSES + EYEWEAR + EYE_SHADOWS + CLOWN_EYES,
        glasses=GLASSES,
        eyewear=EYEWEAR,
        eye_shadow=EYE_SHADOWS,
        clown_eyes=CLOWN_EYES,
    ),
    *slot("facial hair", BEARDS, beard=BEARDS),
    *slot("mouth", EXPRESSIONS + LIPSTICKS, expression=EXPRESSIONS, lipstick=LIPSTICKS),
    *slot("smoke", (*SMOKES, "Medical Mask"), smoking=SMOKES),
    *slot("neck", (*CHAINS, "Choker"), chain=CHAINS),
    *slot("ear", ("Earring",)),
    *slot("nose", ("Clown Nose",)),
    *slot("face", ("Mole", "Rosy Cheeks", "Spots")),
)

ALIASES = {
    "man": "Male", "boy": "Male", "guy": "Male", "men": "Male", "males": "Male",
    "woman": "Female", "girl": "Female", "lady": "Female", "women": "Female", "females": "Female",
    "zombies": "Zombie", "apes": "Ape", "monkey": "Ape", "gorilla": "Ape", "aliens": "Alien",
    "albino skin": "Albino", "pale": "Albino", "light skin": "Light", "medium skin": "Medium", "dark skin": "Dark",
    "bald": "-head", "hairless": "-head", "not bald": "hair", "not hairless": "hair", "hats": "hat", "headgear": "hat",
    "specs": "glasses", "spectacles": "glasses", "eyeglasses": "glasses", "sunglasses": "glasses",
    "shades": "glasses",
    "3D": "3D Glasses", "nerd": "Nerd Glasses", "horned": "Horned Rim Glasses", "horn rims": "Horned Rim Glasses",
    "VR headset": "VR", "goggles": "Welding Goggles",
    "makeup": "eye shadow", "clown": "clown eyes", "clown makeup": "clown eyes",
    "clown hair": "Clown Hair Green", "green hair": "Clown Hair Green", "red hair": "Red Mohawk",
    "bearded": "beard", "goatee": "Goat", "stubble": "Shadow Beard", "moustache": "Mustache",
    "clean shaven": "-beard", "smiling": "Smile", "frowning": "Frown", "sad": "Frown",
    "red lipstick": "Hot Lipstick", "smoker": "smoking", "cigar": "Cigarette",
    "mask": "Medical Mask", "necklace": "chain", "earrings": "Earring", "red nose": "Clown Nose",
    "freckles": "Spots", "acne": "Spots", "blush": "Rosy Cheeks", "tassel hat": "Tassle Hat", "durag": "Do-rag",
    "knit cap": "Knitted Cap", "baseball cap": "Cap", "pigtail": "Pigtails", "police hat": "Police Cap",
}  # fmt: skip

SCHEMA = ConditionSchema(FIELDS, ALIASES)


class CryptoPunks(Dataset):
    """10,000 pixel portraits, 24 x 24, with 22 fields of attributes"""

    name: Literal["cryptopunks"] = "cryptopunks"
    title: ClassVar[str] = "CryptoPunks"
    preview: list[Request] = previews(
        "male,glasses", "female,hat", "male,beard", "female,lipstick", "zombie", "ape", "3D glasses", "top hat"
    )
    files: ClassVar[tuple[DataFile, ...]] = FILES
    backdrop: ClassVar[tuple[int, int, int]] = BACKGROUND

    def load(self, data_root: str) -> Splits:
        root = Path(data_root)
        labels = parse_table(TABLE.read(root).decode("utf-8"))
        images = cut_sheet(SHEET.read(root))
        ids = torch.arange(PUNKS)
        return split_by_id(InMemoryDataset(self.name, images, labels, SCHEMA, Palette.of(images), ids))


def cut_sheet(png: bytes) -> torch.Tensor:
    """The published sheet of 100 x 100 punks -> (10000, 3, 24, 24) uint8 on the collection's background."""
    sheet = Image.open(io.BytesIO(png)).convert("RGBA")
    canvas = Image.new("RGBA", sheet.size, (*BACKGROUND, 255))
    pixels = np.asarray(Image.alpha_composite(canvas, sheet).convert("RGB"))
    return torch.from_numpy(np.ascontiguousarray(tiles(pixels, SIDE, SIDE).transpose(0, 3, 1, 2)))


def parse_table(text: str, count: int = PUNKS) -> torch.Tensor:
    """The published table -> complete labels (count, F) int64, row i for punk i.

    Raises ValueError for a missing or repeated id, an unknown type, skin tone or accessory, and for two
    accessories in one slot, each with its line number.
    """
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    header = next(reader, [])
    if header != COLUMNS:
        raise ValueError(f"cryptopunks.csv: the columns are {header}, expected {COLUMNS}")
    labels: dict[int, list[int]] = {}
    for row in reader:
        where = f"cryptopunks.csv, line {reader.line_num}"
        if len(row) != len(COLUMNS):
            raise ValueError(f"{where}: {len(row)} columns, expected {len(COLUMNS)}")
        punk = int(row[0]) if row[0].isdecimal() else -1
        if not 0 <= punk < count:
            raise ValueError(f"{where}: id {row[0]!r} is not a number from 0 to {count - 1}")
        if punk in labels:
            raise ValueError(f"{where}: id {punk} stands there twice")
        labels[punk] = SCHEMA.complete(_slots(row, where))
    missing = sorted(set(range(count)) - set(labels))
    if missing:
        raise ValueError(f"cryptopunks.csv: {len(missing)} ids are missing, the first is {missing[0]}")
    return torch.tensor([labels[punk] for punk in range(count)], dtype=torch.int64)


def _slots(row: list[str], where: str) -> dict[str, str]:
    """The value of each slot that is not empty, from one row of the table."""
    _, kind, gender, skin, _, accessories = (cell.strip() for cell in row)
    human = kind == "Human"
    slots = {"type": gender if human else kind, "skin": skin if human else NONHUMAN}
    for field, allowed in (("type", TYPES[:2] if human else TYPES[2:]), ("skin", SKINS)):
        if slots[field] not in allowed:
            raise ValueError(f"{where}: unknown {field} {slots[field]!r}, expected one of {', '.join(allowed)}")
    for name in filter(None, (part.strip() for part in accessories.split(" / "))):
        owner = SLOT_OF.get(name)
        if owner is None:
            raise ValueError(f"{where}: unknown accessory {name!r}; closest: {', '.join(SCHEMA.closest(name))}")
        if owner in slots:
            raise ValueError(f"{where}: {slots[owner]!r} and {name!r} are both in slot {owner!r}")
        slots[owner] = name
    return slots


SLOT_OF = {
    value: field.name
    for field in FIELDS
    if not field.slot and field.name not in ("type", "skin")
    for value in field.values
    if value != NONE
}
