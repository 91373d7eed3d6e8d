"""pixelfaces: 24 x 24 avatars drawn from slots by this file, for demos and tests without any download.

Every slot paints pixels of its own, so that `read_labels` can tell each attribute of a picture exactly.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from conditions.fields import NONE, Field, slot
from conditions.schema import ConditionSchema
from conf import MAX_SEED, Request, setting
from data.base import Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.palette import Palette

SIDE = 24
COLOURS = {
    "k": (24, 22, 30), "w": (246, 244, 238), "n": (96, 56, 30), "y": (240, 204, 92), "o": (70, 40, 92),
    "p": (226, 70, 130), "r": (200, 44, 48), "R": (140, 26, 34), "b": (52, 96, 190), "B": (34, 62, 130),
    "g": (232, 180, 40), "c": (90, 220, 228), "s": (110, 116, 130), "m": (84, 40, 36), "e": (238, 120, 40),
}  # fmt: skip
BACKDROPS = {"Slate": (99, 133, 150), "Sand": (222, 196, 150), "Mauve": (166, 130, 170), "Moss": (120, 150, 96)}
SKINS = {
    "Pale": (244, 218, 200), "Tan": (214, 166, 122), "Brown": (134, 88, 60), "Green": (112, 176, 88),
    "Steel": (172, 182, 196),
}  # fmt: skip

# Rows and columns of the silhouette: (first row, last row, first column, last column), all included.
SILHOUETTE = ((8, 8, 8, 15), (9, 17, 7, 16), (18, 18, 8, 15), (19, 19, 9, 14), (20, 23, 9, 14), (12, 13, 6, 6),
              (12, 13, 17, 17))  # fmt: skip

# slot -> (top row, left column, {value: rows of colour letters, "." for nothing})
SPRITES: dict[str, tuple[int, int, dict[str, tuple[str, ...]]]] = {
    "head": (2, 5, {
        NONE: (),
        "Short Hair": ("", "", "", "", "...nnnnnnnn...", "..nnnnnnnnnn..", "..nnnnnnnnnn..", "..n........n.."),
        "Mohawk": ("......pp......", "......pp......", ".....pppp.....", ".....pppp.....", ".....pppp.....",
                   ".....pppp.....", "......pp......"),
        "Curls": ("", "....oooooo....", "..oooooooooo..", ".oooooooooooo.", ".oooooooooooo.", ".oooooooooooo.",
                  ".oo.oo..oo.oo.", ".o..........o."),
        "Bob": ("", "", "", "...yyyyyyyy...", "..yyyyyyyyyy..", ".yyyyyyyyyyyy.", ".yyy......yyy.", ".yy........yy."),
        "Cap": ("", "", "....rrrrrr....", "...rrrrrrrr...", "..rrrrrrrrrr..", "..rrrrrrrrrr..", "..RRRRRRRRRRRR"),
        "Top Hat": ("....kkkkkk....", "....kkkkkk....", "....kkkkkk....", "....kkkkkk....", "....wwwwww....",
                    "....kkkkkk....", ".kkkkkkkkkkkk."),
        "Beanie": ("", "......ww......", "....bbbbbb....", "...bbbbbbbb...", "..bbbbbbbbbb..", "..bbbbbbbbbb..",
                   "..BBBBBBBBBB.."),
        "Crown": ("", "", "", "..g..g..g..g..", "..gg.gggg.gg..", "..gggggggggg..", "..grggccggrg.."),
    }),
    "eyes": (11, 6, {
        NONE: ("", "..wk....wk.."),
        "Round Glasses": (".kkkk..kkkk.", "kkwkkkkkwkkk", ".kkkk..kkkk."),
        "Shades": (".kkkkkkkkkk.", "kkkkkkkkkkkk", "..kkk..kkk.."),
        "Visor": (".ssssssssss.", "kcccccccccck", ".ssssssssss."),
        "Eye Patch": (".kk.........", "..kkk...wk..", "..kkkk......"),
    }),
    "mouth": (15, 10, {
        NONE: ("", "mmmm"), "Smile": ("m..m", ".mm."), "Frown": (".mm.", "m..m"), "Lipstick": (".pp.", "pppp"),
    }),
    "facial hair": (17, 7, {
        NONE: (), "Goatee": ("...nnnn...", "...nnnn...", "....nn...."),
        "Chinstrap": ("k........k", ".k......k.", "..kkkkkk.."),
        "Full Beard": ("nnnnnnnnnn", ".nnnnnnnn.", "..nnnnnn.."),
    }),
    "smoke": (13, 14, {
        NONE: (), "Cigarette": ("....s..", ".....s.", "", "wwwwwe."),
        "Pipe": ("....s..", ".....s.", "....nnn", "nnnnnnn"),
    }),
    "ear": (14, 6, {NONE: (), "Earring": ("g", "g")}),
    "neck": (20, 9, {NONE: (), "Gold Chain": ("", "g....g", ".gggg."), "Bow Tie": ("rr..rr", "rrRRrr", "rr..rr")}),
}  # fmt: skip

HAIR = ("Short Hair", "Mohawk", "Curls", "Bob")
HATS = ("Cap", "Top Hat", "Beanie", "Crown")
GLASSES = ("Round Glasses", "Shades", "Visor")
BEARDS = ("Goatee", "Chinstrap", "Full Beard")


def _values(name: str) -> tuple[str, ...]:
    return tuple(value for value in SPRITES[name][2] if value != NONE)


SCHEMA = ConditionSchema(
    (
        Field("backdrop", tuple(BACKDROPS)),
        Field("skin", tuple(SKINS)),
        *slot("head", _values("head"), hair=HAIR, hat=HATS),
        *slot("eyes", _values("eyes"), glasses=GLASSES),
        *slot("mouth", _values("mouth")),
        *slot("facial hair", _values("facial hair"), beard=BEARDS),
        *slot("smoke", _values("smoke"), smoking=_values("smoke")),
        *slot("ear", _values("ear")),
        *slot("neck", _values("neck")),
    ),
    aliases={
        "bald": "-head", "not bald": "hair", "hats": "hat", "specs": "glasses", "sunglasses": "Shades",
        "bearded": "beard", "smiling": "Smile", "robot": "Steel", "goblin": "Green", "clean shaven": "-beard",
    },
)  # fmt: skip


SLOTS = [f for f, field in enumerate(SCHEMA.fields) if not field.slot]
SIZES = [SCHEMA.cardinalities[f] for f in SLOTS]
FACES = math.prod(SIZES)  # that there are in all


class PixelFaces(Dataset):
    """procedural 24 x 24 avatars that need no download"""

    name: Literal["pixelfaces"] = "pixelfaces"
    title: ClassVar[str] = "Pixel faces"
    count: int = setting(6000, "number of different faces", ge=20, le=FACES)
    seed: int = setting(0, "decides which faces", ge=0, le=MAX_SEED)
    preview: list[Request] = previews(
        "top hat,shades", "crown,full beard", "mohawk,pipe", "green,gold chain", "steel,visor", "bald,smile"
    )

    def load(self, data_root: str = "") -> Splits:
        """Needs no files: `data_root` is not used."""
        labels = different_labels(self.count, self.seed)
        images, ids = render(labels), torch.arange(self.count)
        return split_by_id(InMemoryDataset(self.name, images, labels, SCHEMA, Palette.of(images), ids))

    def render(self, labels: Tensor) -> Tensor:
        return render(labels)


def different_labels(count: int, seed: int) -> Tensor:
    """(count, F): complete labels, each once, which the seed decides."""
    chosen = np.random.default_rng(seed).choice(FACES, count, replace=False)
    values = np.stack(np.unravel_index(chosen, SIZES), axis=1)
    names = [[SCHEMA.fields[f].values[v] for f, v in zip(SLOTS, row, strict=True)] for row in values]
    slot_names = [SCHEMA.fields[f].name for f in SLOTS]
    return torch.tensor([SCHEMA.complete(dict(zip(slot_names, row, strict=True))) for row in names])


def render(labels: Tensor) -> Tensor:
    """Complete labels (N, F) -> (N, 3, 24, 24) uint8."""
    column = SCHEMA.column
    images = _heads(labels[:, column["backdrop"]].numpy(), labels[:, column["skin"]].numpy())
    for name, (masks, colours) in LAYERS.items():
        v = labels[:, column[name]].numpy()
        images = np.where(masks[v][..., None], colours[v], images)
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def _heads(backdrops: np.ndarray, skins: np.ndarray) -> np.ndarray:
    """Faces (N, 24, 24, 3) uint8 on which no layer lies yet, for the values of these slots (N,)."""
    images = np.array(list(BACKDROPS.values()), np.uint8)[backdrops]
    images = np.broadcast_to(images[:, None, None], (len(backdrops), SIDE, SIDE, 3)).copy()
    images[:, FACE] = np.array(list(SKINS.values()), np.uint8)[skins][:, None]
    return images


def read_labels(images: Tensor) -> Tensor:
    """(N, 3, 24, 24) uint8 -> the complete labels (N, F) whose picture is nearest, slot by slot.

    Exact on pictures that `render` made: each slot is compared on the pixels that only it can paint.
    """
    column = SCHEMA.column
    pixels = images.permute(0, 2, 3, 1).numpy().astype(np.float32)
    painted = np.any([masks.any(axis=0) for masks, _ in LAYERS.values()], axis=0)
    backdrop = _nearest(pixels[:, ~painted & ~FACE], np.array(list(BACKDROPS.values()))[:, None])
    skin = _nearest(pixels[:, ~painted & FACE], np.array(list(SKINS.values()))[:, None])
    found = {"backdrop": backdrop, "skin": skin}
    heads = _heads(backdrop, skin)
    for name, (masks, colours) in LAYERS.items():
        region = masks.any(axis=0)
        candidates = np.where(masks[:, region, None], colours[:, region], heads[:, None, region])
        found[name] = _nearest(pixels[:, region], candidates)
    names = {name: [SCHEMA.fields[column[name]].values[v] for v in values] for name, values in found.items()}
    return torch.tensor([SCHEMA.complete({name: names[name][i] for name in names}) for i in range(len(images))])


def _nearest(pixels: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """pixels (N, P, 3), candidates (N or nothing, K, P or 1, 3) -> (N,) index of the nearest candidate."""
    difference = pixels[:, None] - candidates
    return np.square(difference).sum(axis=(-1, -2)).argmin(axis=1)


def _face() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for top, bottom, left, right in SILHOUETTE:
        mask[top : bottom + 1, left : right + 1] = True
    return mask


def _layer(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(K, 24, 24) bool and (K, 24, 24, 3) uint8 for the K values of a slot, in the schema's order."""
    top, left, sprites = SPRITES[name]
    values = SCHEMA.fields[SCHEMA.column[name]].values
    masks = np.zeros((len(values), SIDE, SIDE), dtype=bool)
    colours = np.zeros((len(values), SIDE, SIDE, 3), dtype=np.uint8)
    for v, value in enumerate(values):
        for y, row in enumerate(sprites[value], start=top):
            for x, letter in enumerate(row, start=left):
                if letter != ".":
                    masks[v, y, x], colours[v, y, x] = True, COLOURS[letter]
    return masks, colours


FACE = _face()
LAYERS = {name: _layer(name) for name in SPRITES}
