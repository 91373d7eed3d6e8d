"""Pictures that people bring: read with care, and brought to the size and channels of what a model generates."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from data.alpha import RGBA, premultiplied

UNEVEN = 12  # levels of 255 that the pixels of a block may be off on average; JPEG needs some
MAX_BYTES = 20_000_000
MAX_PIXELS = 4096 * 4096  # of the decoded picture; the header says how many before anything is decoded
FORMATS = ("PNG", "GIF", "BMP", "JPEG", "WEBP")
DAMAGED_EXIF = (AttributeError, KeyError, OSError, SyntaxError, TypeError, ValueError, struct.error)  # from Pillow


def open_picture(path: Path, argument: str = "") -> Image.Image:
    """A decoded picture, upright. Raises ValueError, naming `argument` and file, for what is none or too large."""
    what = f"{argument}={path}" if argument else str(path)
    with _refusing(what):
        size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{what}: {size / 1e6:.0f} MB; pictures of at most {MAX_BYTES / 1e6:.0f} MB are read")
    return decoded(path, what)


def decoded(file: Path | BinaryIO, what: str) -> Image.Image:
    """The same of a file that is open, or known to be small; `what` names it in messages."""
    with _refusing(what), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow's own limit, which is higher
        picture = Image.open(file, formats=FORMATS)
    with picture:
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{what}: {width} x {height} pixels; at most {MAX_PIXELS} in all are read")
        with _refusing(what):
            picture.load()
        _turn_upright(picture)
    return picture


def _turn_upright(picture: Image.Image) -> None:
    """Turns and mirrors a photograph in place, as its EXIF block says that it is meant to be seen.

    A damaged block says nothing, here as in other viewers. Pillow turns the pixels before it writes the block again, so
    that a block which cannot be written has done its work.
    """
    with warnings.catch_warnings(), suppress(*DAMAGED_EXIF):
        warnings.simplefilter("ignore")
        ImageOps.exif_transpose(picture, in_place=True)


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Puts into one line what Pillow raises for files that it cannot read, SyntaxError among it."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"{what}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{what}: too many pixels; at most {MAX_PIXELS} in all are read") from None
    except (OSError, ValueError, SyntaxError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else "cannot be decoded"
        raise ValueError(f"{what}: {reason}; give a file of {', '.join(FORMATS)}") from None


def read_picture(path: Path, shape: tuple[int, int, int], background: tuple[int, ...], argument: str) -> Tensor:
    """A picture as a model generates them: (C, H, W) uint8 of this shape. Raises ValueError for what cannot become one.

    Transparent pixels show `background`, or stay so where there are four channels. A picture enlarged by a whole number
    is brought back to its own pixels; other sizes are refused rather than blurred. 16-bit and palette pictures are
    converted.
    """
    channels, height, width = shape
    opened = rgba(open_picture(path, argument))
    flat = opened if channels == RGBA else on_background(opened, background).convert("RGB" if channels == 3 else "L")
    array = _native(np.asarray(flat), height, width, f"{argument}={path}")
    scale = flat.height // height
    blocks = np.asarray(flat).reshape(height, scale, width, scale, channels).astype(np.int16)
    if np.abs(blocks - array.reshape(height, 1, width, 1, channels)).mean() > UNEVEN:
        raise ValueError(
            f"{argument}={path}: {flat.width} x {flat.height} pixels, but no enlarged picture of {width} x {height}: "
            f"its blocks of {scale} x {scale} pixels hold several colours"
        )
    picture = torch.from_numpy(array.copy()).view(height, width, channels).permute(2, 0, 1)
    return premultiplied(picture) if channels == RGBA else picture


def read_mask(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """A mask (H, W) float32 of 0 and 1: 1 where the picture in the file is light, 0 where it is dark or transparent.

    Raises ValueError as `read_picture` does, and where nothing is light.
    """
    _, height, width = shape
    flat = on_background(open_picture(path, "mask"), (0, 0, 0)).convert("L")
    array = _native(np.asarray(flat), height, width, f"mask={path}")
    light = array >= 128
    if not light.any():
        raise ValueError(
            f"mask={path}: nothing in it is light, so nothing would be resampled; paint that white, the rest black"
        )
    return torch.from_numpy(light.astype(np.float32))


def rgba(picture: Image.Image) -> Image.Image:
    """The picture in 8 bits a channel, red, green, blue and alpha."""
    if picture.mode.startswith("I"):  # 16 bits a channel, which Pillow would clip
        picture = Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return picture.convert("RGBA")


def on_background(picture: Image.Image, background: tuple[int, ...]) -> Image.Image:
    """RGBA of 8 bits on an opaque background."""
    canvas = Image.new("RGBA", picture.size, (*background, 255))
    return Image.alpha_composite(canvas, rgba(picture))


def tiles(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """(rows * height, columns * width, C) -> (rows * columns, height, width, C), row by row.

    Raises ValueError for a sheet that is not made of such tiles.
    """
    whole_height, whole_width, channels = pixels.shape
    if whole_height % height or whole_width % width:
        raise ValueError(
            f"{whole_width} x {whole_height} pixels are no whole number of tiles of {width} x {height}; give "
            "the size of one tile"
        )
    cut = pixels.reshape(whole_height // height, height, whole_width // width, width, channels)
    return cut.swapaxes(1, 2).reshape(-1, height, width, channels)


def _native(array: np.ndarray, height: int, width: int, what: str) -> np.ndarray:
    """One pixel of each block of an enlarged picture."""
    scale = array.shape[0] // height
    if scale < 1 or array.shape[:2] != (scale * height, scale * width):
        raise ValueError(
            f"{what}: {array.shape[1]} x {array.shape[0]} pixels; this model generates {width} x {height}, so give "
            "that size, or a whole multiple of it"
        )
    return array[scale // 2 :: scale, scale // 2 :: scale]
