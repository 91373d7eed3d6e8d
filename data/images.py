"""Pictures as tensors: uint8 to floats and back, grids, and PNG files that say how they came about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from data.alpha import RGBA, premultiplied, straightened, to_rgb
from data.pictures import open_picture

SETTINGS_KEY = "ddpm-cfg"  # the PNG text chunk that holds a picture's settings as JSON


def to_float(images: Tensor) -> Tensor:
    """uint8 in [0, 255] -> float32 in [-1, 1], any shape."""
    return images.float() / 127.5 - 1.0


def to_uint8(x: Tensor) -> Tensor:
    """float in [-1, 1], clamped, -> uint8 in [0, 255], rounded to nearest, any shape."""
    return ((x.float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def enlarge(images: Tensor, scale: int) -> Tensor:
    """(..., H, W) -> (..., scale H, scale W) by repeating pixels: pixel art stays crisp."""
    return images.repeat_interleave(scale, dim=-2).repeat_interleave(scale, dim=-1)


def reduced(images: Tensor, scale: int) -> Tensor:
    """(..., scale H, scale W) -> (..., H, W): one pixel of each square, (1, 1) of 4 x 4. The inverse of `enlarge`.

    Raises ValueError for sizes that are no multiple of `scale`.
    """
    height, width = images.shape[-2:]
    if height % scale or width % scale:
        fits = ", ".join(str(n) for n in range(2, min(height, width)) if height % n == width % n == 0)
        remedy = f"choose one of {fits}" if fits else "leave it out"
        raise ValueError(f"upsample={scale}: must divide the image size, {height} x {width}; {remedy}")
    first = (scale - 1) // 2  # near the middle, which keeps its colour also where a larger picture rounds corners
    return images[..., first::scale, first::scale]


def coarse(images: Tensor, scale: int) -> Tensor:
    """(..., H, W) -> the same size: each square in the colour that `reduced` takes of it."""
    return enlarge(reduced(images, scale), scale)


def grid(images: Tensor, columns: int, scale: int = 1, gap: int = 2, background: int = 255) -> Tensor:
    """(N, C, H, W) uint8 -> one (3, H', W') uint8 picture, row by row, `gap` pixels apart; of one, without a gap.

    Transparent pictures stand on a checkerboard.
    """
    tiles = to_rgb(enlarge(images.cpu(), scale), 4 * scale)
    n, channels, height, width = tiles.shape
    if n == 1:
        return tiles[0]
    columns, step_y, step_x = min(columns, n), height + gap, width + gap
    sheet = torch.full((channels, -(-n // columns) * step_y + gap, columns * step_x + gap), background).to(tiles)
    for i, tile in enumerate(tiles):
        y, x = i // columns * step_y + gap, i % columns * step_x + gap
        sheet[:, y : y + height, x : x + width] = tile
    return sheet


def save_png(image: Tensor, path: Path, settings: dict | None = None) -> None:
    """Write one (C, H, W) uint8 picture, transparent where it has four channels, with `settings` in a text chunk."""
    image = straightened(image) if len(image) == RGBA else image
    array = image.cpu().permute(1, 2, 0).numpy()
    array = np.ascontiguousarray(array.squeeze(2) if array.shape[2] == 1 else array)
    save_picture(Image.fromarray(array), path, settings)


def save_picture(picture: Image.Image, path: Path, settings: dict | None = None) -> None:
    """The same for a picture that Pillow holds already."""
    info = PngImagePlugin.PngInfo()
    if settings is not None:
        info.add_text(SETTINGS_KEY, json.dumps(settings))
    picture.save(path, format="PNG", pnginfo=info)


def save_gif(frames: Tensor, path: Path, scale: int, rate: float = 10.0) -> None:
    """Write (N, C, H, W) uint8 as an endless animation of `rate` frames a second that rests a second on the last."""
    pictures = [
        Image.fromarray(frame.permute(1, 2, 0).contiguous().numpy()).quantize(256, dither=Image.Dither.NONE)
        for frame in to_rgb(enlarge(frames.cpu(), scale), 4 * scale)
    ]
    each = round(1000 / rate)
    times = [each] * (len(pictures) - 1) + [each + 1000]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=times, loop=0)


def read_png(path: Path | str) -> Tensor:
    """The (C, H, W) uint8 picture in a PNG that `save_png` wrote. Raises ValueError for what open_picture refuses."""
    array = np.asarray(open_picture(Path(path)))
    picture = torch.from_numpy(array.copy()).view(*array.shape[:2], -1).permute(2, 0, 1)
    return premultiplied(picture) if len(picture) == RGBA else picture


def read_rgb(path: Path | str) -> Tensor:
    """The same as (3, H, W): of a grey picture, its one channel three times."""
    return to_rgb(read_png(path)[None])[0]


def read_settings(path: Path) -> dict:
    """The settings stored in a PNG that `save_png` wrote. Raises ValueError where there are none that can be read."""
    text = open_picture(Path(path)).info.get(SETTINGS_KEY)
    if text is None:
        raise ValueError(f"{path}: no settings inside; only pictures written by sample.py carry them")
    try:
        settings = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: the settings inside are damaged, no JSON object; name a PNG that sample.py wrote")
    return settings
