"""Pictures of 64 x 64 that are not pixel art: one to three smooth shapes, drawn from labels and read back exactly.

A set to try `dataset=folder` with, where one knows of every sampled picture what it shows.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from conf import Settings, Text, setting
from data.images import save_png

SIDE = 64
FINE = 8  # drawn so much larger, then averaged, which smooths the edges
BACKGROUND = (245, 243, 238)
COLOURS = {
    "red": (206, 60, 52),
    "orange": (233, 140, 42),
    "yellow": (226, 196, 54),
    "green": (72, 150, 84),
    "blue": (52, 104, 186),
    "purple": (128, 76, 158),
}
SHAPES = {  # corners as (angle in turns from the top, share of the radius)
    "triangle": [(k / 3, 1.0) for k in range(3)],
    "square": [(1 / 8 + k / 4, 1.0) for k in range(4)],
    "star": [(k / 10, 1.0 if k % 2 == 0 else 0.45) for k in range(10)],
    "cross": [(k / 4 + side, far) for k in range(4) for side, far in ((-0.05, 1.0), (0.05, 1.0), (0.125, 0.44))],
}
RADII = {"small": 6.0, "medium": 8.5, "large": 11.0}  # in pixels
TILTS = {"upright": 0.0, "left": -15 / 360, "right": 15 / 360}  # in turns, clockwise
PLACES = {"one": [(0, 0)], "two": [(-13, 0), (13, 0)], "three": [(0, -12), (-13, 11), (13, 11)]}  # from the middle
FIELDS = {
    "colour": list(COLOURS),
    "shape": list(SHAPES),
    "size": list(RADII),
    "tilt": list(TILTS),
    "count": list(PLACES),
}
SHADING = 0.12  # share by which the colour is lighter at the top, and darker at the bottom
SHIFT = 6  # pixels that the whole of it may lie off the middle, each way
INK = 90  # least difference from the background of a pixel of a shape, summed over the channels


class ShapesSettings(Settings):
    """Draw pictures to train dataset=folder on: python scripts/draw_shapes.py out=shapes n=4000

    read=FOLDER says instead what pictures that sample.py wrote show, and whether it is what was asked for.
    """

    program: ClassVar[str] = "draw_shapes"
    out: Text = setting("shapes", "folder to write, which must be new or empty")
    n: int = setting(4000, "pictures", ge=1, le=1_000_000)
    seed: int = setting(0, "of the labels and places", ge=0)
    read: Text | None = setting(None, "a folder that sample.py wrote: read its pictures, and draw none")


class Shown(NamedTuple):
    """The labels of N pictures, and how far each is from the drawing of its label: root mean square, (N,)."""

    labels: list[dict[str, str]]
    distance: Tensor


def draw(label: dict[str, str], across: int = 0, down: int = 0) -> Tensor:
    """The picture of one value for each of FIELDS, (3, 64, 64) uint8, moved by whole pixels from the middle."""
    mask = Image.new("L", (FINE * SIDE, FINE * SIDE))
    pen, radius, tilt = ImageDraw.Draw(mask), RADII[label["size"]], TILTS[label["tilt"]]
    corners = [(radius * far, 2 * math.pi * (turn + tilt)) for turn, far in SHAPES[label["shape"]]]
    for x, y in PLACES[label["count"]]:
        middle_x, middle_y = SIDE / 2 + x, SIDE / 2 + y
        pen.polygon(
            [(FINE * (middle_x + r * math.sin(a)), FINE * (middle_y - r * math.cos(a))) for r, a in corners], fill=255
        )
    cover = np.array(mask.reduce(FINE), np.float64)[..., None] / 255
    light = np.linspace(1 + SHADING, 1 - SHADING, SIDE)[:, None, None]
    pixels = cover * light * COLOURS[label["colour"]] + (1 - cover) * BACKGROUND
    image = torch.from_numpy(pixels.round().clip(0, 255).astype(np.uint8)).permute(2, 0, 1)
    return image.roll((down, across), (1, 2))  # nothing reaches an edge


def write(settings: ShapesSettings, folder: Path) -> None:
    """`n` pictures with labels at random, and their table, as `dataset=folder` reads them."""
    rng = np.random.default_rng(settings.seed)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", *FIELDS])
        for i in range(settings.n):
            label = {name: values[rng.integers(len(values))] for name, values in FIELDS.items()}
            name = f"{i:06}.png"
            save_png(draw(label, *rng.integers(-SHIFT, SHIFT + 1, 2).tolist()), folder / name)
            table.writerow([name, *label.values()])


def read(images: Tensor) -> Shown:
    """The labels whose drawings are nearest to images (N, 3, 64, 64) uint8, wherever the shapes lie."""
    every = [dict(zip(FIELDS, values, strict=True)) for values in product(*FIELDS.values())]
    drawings = _centred(torch.stack([draw(label) for label in every])).flatten(1)
    centred, exact = _centred(images), "donot_use_mm_for_euclid_dist"  # a product of matrices rounds small distances
    distances = [
        torch.cdist(centred.roll(by, (2, 3)).flatten(1), drawings, compute_mode=exact)
        for by in product((-1, 0, 1), repeat=2)  # noise at an edge moves the box around it
    ]
    nearest = torch.stack(distances).amin(0).min(1)
    return Shown([every[i] for i in nearest.indices.tolist()], nearest.values / math.sqrt(drawings.shape[1]))


def met(asked: Sequence[str], label: dict[str, str]) -> list[bool]:
    """For each value asked for, whether the label has it. Raises ValueError for a name that is no value."""
    known = {value: field for field, values in FIELDS.items() for value in values}
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(known)}; read pictures of requests for those")
    return [label[known[name]] == name for name in asked]


def _centred(images: Tensor) -> Tensor:
    """As float, each moved by whole pixels so that the box around its ink is in the middle."""
    background = torch.tensor(BACKGROUND, dtype=torch.float32)[:, None, None]
    images = images.float()
    return torch.stack([_moved(image, (image - background).abs().sum(0) > INK) for image in images])


def _moved(image: Tensor, ink: Tensor) -> Tensor:
    if not ink.any():
        return image
    spans = [ink.any(1 - axis).nonzero()[:, 0] for axis in (0, 1)]
    shifts = [SIDE // 2 - (int(span[0]) + int(span[-1]) + 1) // 2 for span in spans]
    return image.roll(shifts, (1, 2))
