"""Pictures to edit and their masks: read with care where a person uploads them, and saved as files for sample.py."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dashboard import view
from data.alpha import RGBA, premultiplied
from data.palette import Palette
from data.pictures import MAX_BYTES, on_background, open_picture, read_picture, rgba
from runtime.checkpoint import WeightsInfo, write_atomically
from runtime.factory import Recipe

FOLDER = Path("samples") / "edits"
KEPT = 200  # newest files in that folder; commands that name older ones work no longer
NAME = re.compile(r"[0-9a-f]{16}\.png")


class EditFile(NamedTuple):
    """A picture file that does not exist until it is saved; its name follows from its content."""

    path: Path
    content: bytes


def uploaded(name: str, content: bytes, info: WeightsInfo) -> Tensor:
    """The picture (C, H, W) uint8 in a file that came through the browser, in the size that these weights generate.

    Raises ValueError for what is no picture, is too large, or has another size. Nothing of the file is kept.
    """
    with _as_file(name, content) as path:
        background = Recipe.of(info.config).dataset.backdrop
        return read_picture(path, tuple(info.image_shape), background, "picture")


@contextlib.contextmanager
def _as_file(name: str, content: bytes) -> Iterator[Path]:
    """What came through the browser as a file, as long as it is read; errors name the upload in its place."""
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name}: {len(content) / 1e6:.0f} MB; pictures of at most {MAX_BYTES / 1e6:.0f} MB are read")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            yield path
        except ValueError as error:
            printable = re.sub(r"[^\w .()-]", "_", name)[:80]
            raise ValueError(str(error).replace(str(path), printable)) from None


class Crop(NamedTuple):
    """Which part of a picture becomes the whole of a small one, and how.

    scale     : pixels of the picture for each pixel of the small one, along each side
    across    : where the part lies, from 0 at the left to 1 at the right
    down      : the same from the top to the bottom
    method    : "nearest" takes the pixel in the middle of each block, "average" the mean of the block
    quantised : to the nearest colours that the weights know
    """

    scale: float
    across: float
    down: float
    method: str
    quantised: bool


def size_of(name: str, content: bytes) -> tuple[int, int]:
    """Width and height of an uploaded picture in pixels. Raises ValueError for what is none or too large."""
    with _as_file(name, content) as path:
        return open_picture(path, "picture").size


def cropped(name: str, content: bytes, info: WeightsInfo, crop: Crop) -> Tensor:
    """A part of an uploaded picture as (C, H, W) uint8 in the size that these weights generate. Raises ValueError."""
    channels, height, width = info.image_shape
    with _as_file(name, content) as path:
        opened = open_picture(path, "picture")
    keeps_alpha = channels == RGBA
    picture = rgba(opened) if keeps_alpha else on_background(opened, Recipe.of(info.config).dataset.backdrop)
    # Rounding may make the part larger than the picture, by less than a pixel.
    wide, high = min(crop.scale * width, picture.width), min(crop.scale * height, picture.height)
    left, top = crop.across * (picture.width - wide), crop.down * (picture.height - high)
    box = (left, top, min(left + wide, picture.width), min(top + high, picture.height))
    method = Image.Resampling.NEAREST if crop.method == "nearest" else Image.Resampling.BOX
    small = picture.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]).resize((width, height), method, box)
    image = torch.from_numpy(np.array(small)).view(height, width, channels).permute(2, 0, 1).contiguous()
    image = premultiplied(image) if keeps_alpha else image
    if crop.quantised and info.palette is not None:
        return Palette(torch.tensor(info.palette, dtype=torch.uint8)).quantise(image[None])[0]
    return image


def edit_file(image: Tensor) -> EditFile:
    """The file of a picture (C, H, W) uint8."""
    content = view.png(image)
    return EditFile(FOLDER / f"{hashlib.sha256(content).hexdigest()[:16]}.png", content)


def mask_file(mask: Tensor) -> EditFile:
    """The file of a mask (H, W) float32 of 0 and 1, as black and white."""
    return edit_file((mask * 255).to(torch.uint8)[None])


def save(files: Sequence[EditFile]) -> None:
    """Write them, and remove the oldest files of this kind where there are more than KEPT."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, content in files:
        if path.exists():
            os.utime(path)  # counts as new
        else:
            write_atomically(path, lambda file, content=content: file.write(content))
    known = [path for path in FOLDER.iterdir() if NAME.fullmatch(path.name)]
    for path in sorted(known, key=_modified)[: -KEPT or None]:
        if path not in {file.path for file in files}:
            path.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    """When a file was written; 0 for one that has just gone."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
