"""Pictures to edit: read with care where a person brings them, and kept as files that sample.py can take."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from dashboard.view import png
from data.pictures import MAX_BYTES, read_picture
from inference.job import BACKGROUNDS
from runtime.checkpoint import WeightsInfo, write_atomically

FOLDER = Path("samples") / "edits"


def uploaded(name: str, content: bytes, info: WeightsInfo) -> Tensor:
    """The picture (C, H, W) uint8 in a file that came through the browser, in the size that these weights draw.

    Raises ValueError for what is no picture, is too large, or has another size. Nothing of the file is kept.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name}: {len(content) / 1e6:.0f} MB; pictures of at most {MAX_BYTES / 1e6:.0f} MB are read")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            background = BACKGROUNDS.get(info.dataset, (0, 0, 0))
            return read_picture(path, tuple(info.image_shape), background, "picture")
        except ValueError as error:
            told = re.sub(r"[^\w .()-]", "_", name)[:80]
            raise ValueError(str(error).replace(str(path), told)) from None


def kept(image: Tensor) -> str:
    """The file of a picture (C, H, W) uint8, named after its content, so that a command can name it again."""
    content = png(image)
    path = FOLDER / f"{hashlib.sha256(content).hexdigest()[:16]}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write(content))
    return path.as_posix()


def kept_mask(mask: Tensor) -> str:
    """The same for a mask (H, W) float32 of 0 and 1, as black and white."""
    return kept((mask * 255).to(torch.uint8)[None])
