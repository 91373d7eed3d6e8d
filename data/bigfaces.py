"""bigfaces: the faces of pixelfaces at 96 x 96, with details that the label does not tell.

A pixel of a small face becomes a square of 4 x 4 pixels. Corners are rounded, which follows from the small face; hair,
hats, beards, glasses and skin have one of several details, which does not: of one small face there are up to 128 large
ones. The pixel (1, 1) of each square, its anchor, keeps the colour of the small face, so that the anchors are the small
face, and `read_labels` of it tells each attribute exactly. `read_detail` tells the details likewise.
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.schema import UNKNOWN
from conf import MAX_SEED, Request, setting
from data import pixelfaces
from data.base import Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.images import enlarge, reduced
from data.palette import Palette
from data.pixelfaces import FACE, GLASSES, HATS, LAYERS, SCHEMA, SIDE

SCALE = 4  # pixels along the side of a square
MOST = 50_000  # faces, which take 1.4 GB
PART = 512  # faces, rendered or read at once
COLOURS = 64  # at most
GLINT = (206, 236, 250)
NEARLY_BLACK = 120  # the sum of red, green and blue below which texture is lighter, not darker

# Slot -> number of its details.
DETAILS = {"head": 2, "facial hair": 2, "eyes": 4, "skin": 8}
PARTS = (*DETAILS, "rest")  # of a picture; each pixel belongs to one

# Texture of 2 x 2 squares, for each of two details: "#" darker, and never at an anchor.
STRANDS = (
    ("..#...#.", "..#...#.", "..#.....", "..#.....", "..#...#.", "..#...#.", "......#.", "......#."),
    ("...#....", "...#....", "...#...#", "...#...#", ".......#", ".......#", "...#...#", "...#...#"),
)  # fmt: skip
WEAVE = (
    ("..##..##", "........", "##..##..", "........", "..##..##", "........", "##..##..", "........"),
    ("##..##..", "........", "..##..##", "........", "##..##..", "........", "..##..##", "........"),
)  # fmt: skip


class BigFaces(Dataset):
    """the faces of pixelfaces at 96 x 96, with details that labels do not tell; no download"""

    name: Literal["bigfaces"] = "bigfaces"
    title: ClassVar[str] = "Big faces"
    determined: ClassVar[bool] = False
    count: int = setting(6000, "number of different faces; those of pixelfaces, where it has as many", ge=20, le=MOST)
    seed: int = setting(0, "decides which faces, and their details", ge=0, le=MAX_SEED)
    preview: list[Request] = previews(
        "top hat,shades", "crown,full beard", "mohawk,pipe", "green,gold chain", "steel,visor", "bald,smile"
    )

    def load(self, data_root: str = "") -> Splits:
        """Needs no files: `data_root` is not used. Faces and splits are those of pixelfaces, at the same `count`."""
        labels, ids = pixelfaces.different_labels(self.count, self.seed), torch.arange(self.count)
        images = render(labels, random_detail(self.count, self.seed))
        return split_by_id(InMemoryDataset(self.name, images, labels, SCHEMA, Palette.of_few(images, COLOURS), ids))


def random_detail(count: int, seed: int) -> Tensor:
    """(count, 4) int64: a detail of each slot of DETAILS, all alike and independent of labels."""
    return torch.from_numpy(np.random.default_rng((seed, 1)).integers(list(DETAILS.values()), size=(count, 4)))


def render(labels: Tensor, detail: Tensor) -> Tensor:
    """Complete labels (N, F) and details (N, 4) -> (N, 3, 96, 96) uint8. Those of slots that are empty do not count."""
    both = zip(labels.split(PART), detail.split(PART), strict=True)
    return torch.cat([_rendered(*part) for part in both])


def _rendered(labels: Tensor, detail: Tensor) -> Tensor:
    return _painted(_canvas(labels), detail)


class Canvas(NamedTuple):
    """What labels decide of (N) pictures, before details are painted on it.

    images : (N, 3, 96, 96) uint8, with rounded corners and no detail
    free   : (N, 96, 96) bool, what no corner has taken, for a rounded corner stays as it is
    paint  : (N, 3, 96, 96) uint8, the colours of details
    parts  : (N, 96, 96) bool for each of PARTS
    hats   : (N,) bool
    """

    images: Tensor
    free: Tensor
    paint: Tensor
    parts: list[Tensor]
    hats: Tensor


def _canvas(labels: Tensor) -> Canvas:
    small = pixelfaces.render(labels)
    images = rounded(small)
    free = (images == enlarge(small, SCALE)).all(dim=1)
    paint = enlarge(_paint(small, labels), SCALE)
    return Canvas(images, free, paint, _parts(labels), _is_one_of(labels, "head", HATS))


def rounded(small: Tensor) -> Tensor:
    """(N, C, H, W) uint8 -> (N, C, 4 H, 4 W): enlarged, the three outer pixels of a corner in its neighbours' colour.

    That is where both neighbours at the corner have one colour and neither has that of the neighbour opposite: the rule
    of EPX (Johnston 1992, also known as Scale2x), which rounds what is larger than a pixel.
    """
    images = enlarge(small, SCALE)
    padded = torch.nn.functional.pad(small.float(), (1, 1, 1, 1), mode="replicate").to(small.dtype)
    up, down, left, right = padded[..., :-2, 1:-1], padded[..., 2:, 1:-1], padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]
    last = SCALE - 1
    for one, other, y, x in ((up, left, 0, 0), (up, right, 0, last), (down, left, last, 0), (down, right, last, last)):
        opposite_one, opposite_other = (down if one is up else up), (right if other is left else left)
        round_off = _same(one, other) & ~_same(one, opposite_one) & ~_same(other, opposite_other)
        inwards_y, inwards_x = (1 if y == 0 else y - 1), (1 if x == 0 else x - 1)
        for row, column in ((y, x), (y, inwards_x), (inwards_y, x)):
            pixels = images[..., row::SCALE, column::SCALE]
            pixels.copy_(torch.where(round_off, one, pixels))
    return images


def _same(one: Tensor, other: Tensor) -> Tensor:
    """(N, 1, H, W) bool: pixels of one colour."""
    return (one == other).all(dim=1, keepdim=True)


def _painted(canvas: Canvas, detail: Tensor) -> Tensor:
    """(N, 3, 96, 96) uint8: with these details (N, 4)."""
    head, beard, eyes, skin = detail.unbind(dim=1)
    texture = torch.where(canvas.hats[:, None, None], TWILL[head], HAIR[head])
    patterns = (texture, HAIR[beard], GLINTS[eyes], FRECKLES[skin])
    there = torch.stack([part & pattern for part, pattern in zip(canvas.parts, patterns, strict=False)]).any(dim=0)
    return torch.where((there & canvas.free)[:, None], canvas.paint, canvas.images)


def _paint(small: Tensor, labels: Tensor) -> Tensor:
    """(N, 3, 24, 24) uint8: what details are painted with: glints on glasses, elsewhere a shade of what is there."""
    glasses = _small_parts(labels)[list(DETAILS).index("eyes")]
    return torch.where(glasses[:, None], torch.tensor(GLINT, dtype=torch.uint8)[:, None, None], shade(small))


def shade(colours: Tensor) -> Tensor:
    """(N, 3, ...) uint8, likewise: darker, or lighter where it is nearly black."""
    level = colours.int()
    dark = level.sum(dim=1, keepdim=True) < NEARLY_BLACK
    return torch.where(dark, level + 38, level * 3 // 4).to(torch.uint8)


# -- reading -------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What pictures show.

    labels : (N, F) int64, of the small face that the anchors are nearest to
    detail : (N, 4) int64, the nearest of each slot; UNKNOWN where the label has nothing to paint it on
    wrong  : (N, 5) int64, pixels of each of PARTS that differ from that rendering; -1 where there is none
    """

    labels: Tensor
    detail: Tensor
    wrong: Tensor


def read_detail(images: Tensor) -> Reading:
    """(N, 3, 96, 96) uint8 -> the labels that the anchors show, and of each slot the detail that fits best.

    Exact on pictures that `render` made. The wrong pixels of all parts together are those by which a picture differs
    from the nearest of all pictures of its label, since each pixel belongs to one part.
    """
    readings = [_read(part) for part in images.split(PART)]
    return Reading(*map(torch.cat, zip(*readings, strict=True)))


def _read(images: Tensor) -> Reading:
    labels = pixelfaces.read_labels(reduced(images, SCALE))
    canvas, counts, wrong = _canvas(labels), torch.tensor(list(DETAILS.values())), []
    for k in range(max(DETAILS.values())):  # each slot's details in turn, all slots at once
        candidate = _painted(canvas, (k % counts).expand(len(labels), -1))
        differing = (candidate != images).any(dim=1)
        wrong.append(torch.stack([(differing & part).flatten(1).sum(dim=1) for part in canvas.parts], dim=1))
    least = torch.stack(wrong).min(dim=0)  # the first of equal ones, so that a detail is below its slot's number
    there = torch.stack([part.flatten(1).any(dim=1) for part in canvas.parts], dim=1)
    detail = torch.where(there, least.indices, UNKNOWN)[:, : len(DETAILS)]
    return Reading(labels, detail, torch.where(there, least.values, UNKNOWN))


# -- where the parts of a picture are, and their details ----------------------------------------------------------


def _parts(labels: Tensor) -> list[Tensor]:
    """(N, 96, 96) bool for each of PARTS."""
    return [enlarge(part, SCALE) for part in _small_parts(labels)]


def _small_parts(labels: Tensor) -> list[Tensor]:
    """(N, 24, 24) bool for each of PARTS: what the slot's value paints, of eyes glasses alone; and skin that stays."""
    head, beard, eyes = (MASKS[name][labels[:, SCHEMA.column[name]]] for name in ("head", "facial hair", "eyes"))
    eyes = eyes & _is_one_of(labels, "eyes", GLASSES)[:, None, None]
    skin = BARE.expand(len(labels), -1, -1)
    return [head, beard, eyes, skin, ~(head | beard | eyes | skin)]


def _is_one_of(labels: Tensor, name: str, values: tuple[str, ...]) -> Tensor:
    """(N,) bool: whether a slot has one of these values."""
    field = SCHEMA.column[name]
    numbers = [SCHEMA.fields[field].values.index(value) for value in values]
    return torch.isin(labels[:, field], torch.tensor(numbers))


def _tiled(rows: tuple[str, ...]) -> Tensor:
    """(96, 96) bool: a texture of 8 x 8 pixels, again and again."""
    tile = torch.tensor([[letter == "#" for letter in row] for row in rows])
    return tile.repeat(SIDE // 2, SIDE // 2)


def _glints() -> Tensor:
    """(4, 96, 96) bool: diagonals of two pixels, 16 apart, which miss the anchors, where x + y is 2 modulo 4."""
    steps = torch.arange(SIDE * SCALE)
    place = (steps[:, None] + steps - 3) % (4 * SCALE)
    return torch.stack([(place // SCALE == k) & (place % SCALE < 2) for k in range(DETAILS["eyes"])])


def _freckles() -> Tensor:
    """(8, 96, 96) bool: on about two in five of the squares of bare cheeks, in a pixel that no corner reaches."""
    rng, freckles = np.random.default_rng(0), torch.zeros(DETAILS["skin"], SIDE * SCALE, SIDE * SCALE, dtype=torch.bool)
    for pattern in freckles:
        for y, x in (BARE & CHEEKS).nonzero().tolist():
            row, column = ((1, 2), (2, 1), (2, 2))[rng.integers(3)]
            pattern[SCALE * y + row, SCALE * x + column] = rng.random() < 0.4
    return freckles


MASKS = {name: torch.from_numpy(masks) for name, (masks, _) in LAYERS.items()}
BARE = torch.from_numpy(FACE) & ~torch.stack([masks.any(dim=0) for masks in MASKS.values()]).any(dim=0)
CHEEKS = torch.zeros(SIDE, SIDE, dtype=torch.bool)
CHEEKS[14:17, 7:17] = True
HAIR, TWILL = (torch.stack([_tiled(rows) for rows in texture]) for texture in (STRANDS, WEAVE))
GLINTS, FRECKLES = _glints(), _freckles()
