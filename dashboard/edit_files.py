"""Pictures to edit and their masks: read with care where a person uploads them, and saved as files for sample.py."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from dashboard import view
from data.pictures import MAX_BYTES, read_picture
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
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name}: {len(content) / 1e6:.0f} MB; pictures of at most {MAX_BYTES / 1e6:.0f} MB are read")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            background = Recipe.of(info.config).dataset.background
            return read_picture(path, tuple(info.image_shape), background, "picture")
        except ValueError as error:
            printable = re.sub(r"[^\w .()-]", "_", name)[:80]
            raise ValueError(str(error).replace(str(path), printable)) from None


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
