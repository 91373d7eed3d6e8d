"""Pictures that people bring: read with care, and made to fit what a model draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

MAX_BYTES = 20_000_000
MAX_PIXELS = 4096 * 4096  # of the decoded picture; the header says how many before anything is decoded
FORMATS = ("PNG", "GIF", "BMP", "JPEG", "WEBP")


def open_picture(path: Path, argument: str) -> Image.Image:
    """A decoded picture. Raises ValueError, which starts with `argument`, for what is no picture or too large."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(
                f"{argument}={path}: {size / 1e6:.0f} MB; pictures of at most {MAX_BYTES / 1e6:.0f} MB are read"
            )
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"{argument}={path}: {width} x {height} pixels; at most {MAX_PIXELS} in all are read")
            picture.load()
            return picture
    except FileNotFoundError:
        raise ValueError(f"{argument}={path}: no such file") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        reason = "cannot be decoded" if not isinstance(error, UnidentifiedImageError) else "not a picture"
        raise ValueError(f"{argument}={path}: {reason}; give a file of {', '.join(FORMATS)}") from None


def read_picture(path: Path, shape: tuple[int, int, int], background: tuple[int, ...], argument: str) -> Tensor:
    """A picture as a model draws them: (C, H, W) uint8 of this shape.

    Transparent pixels show `background`. A picture enlarged by a whole number is brought back to its own pixels; other
    sizes are refused rather than blurred. 16-bit and palette pictures are converted.
    """
    channels, height, width = shape
    picture = open_picture(path, argument)
    if picture.mode.startswith("I"):  # 16 bits a channel, which Pillow would clip
        picture = Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    canvas = Image.new("RGBA", picture.size, (*background, 255))
    flat = Image.alpha_composite(canvas, picture.convert("RGBA")).convert("RGB" if channels == 3 else "L")
    array = _native(np.asarray(flat), height, width, f"{argument}={path}")
    return torch.from_numpy(array.copy()).view(height, width, channels).permute(2, 0, 1)


def read_mask(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """A mask (H, W) float32 of 0 and 1: 1 where the picture in the file is light."""
    _, height, width = shape
    array = _native(np.asarray(open_picture(path, "mask").convert("L")), height, width, f"mask={path}")
    return torch.from_numpy((array >= 128).astype(np.float32))


def _native(array: np.ndarray, height: int, width: int, what: str) -> np.ndarray:
    """One pixel of each block of an enlarged picture."""
    scale = array.shape[0] // height
    if scale < 1 or array.shape[:2] != (scale * height, scale * width):
        raise ValueError(
            f"{what}: {array.shape[1]} x {array.shape[0]} pixels; this model draws {width} x {height}, so give that "
            "size, or a whole multiple of it"
        )
    return array[scale // 2 :: scale, scale // 2 :: scale]
