"""People's pictures as one tensor: decoded, of one size, with transparency kept or laid on a background."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from data.alpha import laid_on, premultiplied
from data.folder_settings import LARGEST, MAX_COLOURS, MAX_GREYS, SMALLEST, Preparation
from data.folder_source import Problems, Source
from data.pictures import decoded, rgba

FILTERS = {"area": Image.Resampling.BOX, "lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}
PART = 1024  # pictures that are converted at once


class Decoded(NamedTuple):
    """Pictures of one size, and what their files hold.

    straight : (N, H, W, 4) uint8 in straight RGBA, in memory or mapped from a file
    sizes    : (N, 2) int64, height and width in the files
    filtered : (N,) bool, which ones a filter has scaled down, as they are no enlarged copies
    few      : () bool, where filters are used, whether all files together have as few colours as pixel art
    """

    straight: np.ndarray
    sizes: np.ndarray
    filtered: np.ndarray
    few: np.ndarray


def decode(source: Source, names: Sequence[str], settings: Preparation, problems: Problems) -> Decoded:
    """The pictures with these names; what is wrong goes to `problems`, and there are then none.

    Their size is that of the settings: pictures are copies of it, enlarged by a whole number, or `scaled` down to it.
    Without one in the settings, it must be the same for all.
    """
    pictures: dict[str, np.ndarray] = {}
    sizes, filtered = np.zeros((len(names), 2), np.int64), np.zeros(len(names), bool)
    colours = Colours()
    for i, name in enumerate(names):
        try:
            picture = _opened(source, name)
            sizes[i] = picture.shape[:2]
            if settings.resize:
                colours.add(picture)
            if settings.size:
                own = unenlarged(picture, settings.size)
                picture = scaled(picture, settings.size, settings.resize) if own is None else own
                filtered[i] = own is None
            pictures[name] = picture
        except (OSError, ValueError) as error:
            problems.add(name, str(error).removeprefix(": "))
    shape = tuple(settings.size) if settings.size else _common(pictures, problems)
    straight = np.empty((0 if problems.lines else len(pictures), *shape, 4), np.uint8)
    for i in range(len(straight)):
        straight[i] = pictures.pop(names[i])  # so that they are never there twice
    return Decoded(straight, sizes, filtered, np.array(colours.few))


def refuse_filtered_art(source: Source, names: Sequence[str], problems: Problems) -> None:
    """Adds to `problems` the pictures with these names, pixel art that a filter has scaled."""
    for name in names:
        remedy = _smaller(_opened(source, name)) or "choose a size of which it is an enlarged copy"
        problems.add(name, f"pixel art, which no filter keeps as it is; {remedy}, or set dataset.pixel_art=false")


def _opened(source: Source, name: str) -> np.ndarray:
    if not (content := source.read(name)):
        raise ValueError("an empty file; write it anew, or take it away")
    return np.asarray(rgba(decoded(io.BytesIO(content), ""))).copy()


def _common(pictures: dict[str, np.ndarray], problems: Problems) -> tuple[int, int]:
    """The size of all pictures; those that have another are problems, and so is a size beyond the limits."""
    sizes = Counter(array.shape[:2] for array in pictures.values())
    common = height, width = sizes.most_common(1)[0][0] if sizes else (0, 0)
    for name, array in pictures.items():
        what = f"{array.shape[1]} x {array.shape[0]} pixels, "
        if array.shape[:2] != common:
            one = f"dataset.size=[{height},{width}] dataset.resize=area"
            problems.add(name, what + f"but most have {width} x {height}; bring all to one size, or add {one}")
        elif max(common) > LARGEST:
            remedy = _smaller(array) or "scale it down, as with dataset.size=64 dataset.resize=area"
            problems.add(name, what + f"of {LARGEST} at most; {remedy}")
        elif min(common) < SMALLEST:
            problems.add(name, what + f"of at least {SMALLEST}; add a border")
    return common


class Colours:
    """The colours of pictures of any size, counted as long as they may be pixel art."""

    def __init__(self):
        self.seen = np.zeros(0, np.uint32)

    def add(self, array: np.ndarray) -> None:
        if len(self.seen) <= MAX_COLOURS:
            shown = np.where(array[..., 3:] > 0, array, 0)
            self.seen = np.union1d(self.seen, np.ascontiguousarray(shown).view(np.uint32))

    @property
    def few(self) -> bool:
        """Whether there are as few as pixel art has, by the rule of `most_colours`."""
        red, green, blue, alpha = self.seen[:, None].view(np.uint8).T
        grey = bool(((red == green) & (green == blue) & (alpha == 255)).all())
        return len(self.seen) <= most_colours(1 if grey else 4)


def scaled(array: np.ndarray, size: Sequence[int], resize: str | None) -> np.ndarray:
    """A picture (H', W', 4) scaled down to (H, W), of the largest part of its middle that has these proportions.

    resize : the filter, "area", "lanczos" or "nearest"; None to refuse

    Raises ValueError for smaller pictures, and where there is no filter.
    """
    (height, width), what = size, f"{array.shape[1]} x {array.shape[0]} pixels, "
    if array.shape[0] < height or array.shape[1] < width:
        raise ValueError(what + f"smaller than {width} x {height}, and nothing is enlarged; choose a smaller size")
    if resize is None:
        remedy = _smaller(array) or "add dataset.resize=area to scale it, or change size"
        raise ValueError(what + f"no enlarged copy of {width} x {height}; {remedy}")
    return np.asarray(ImageOps.fit(Image.fromarray(array), (width, height), FILTERS[resize]))


def unenlarged(array: np.ndarray, size: Sequence[int]) -> np.ndarray | None:
    """One pixel of each block of a picture that is a copy of `size`, enlarged by a whole number; None for others."""
    scale = array.shape[0] // size[0]
    if scale < 1 or array.shape[:2] != (scale * size[0], scale * size[1]) or scale != enlarged(array, scale):
        return None
    return array[::scale, ::scale]


def enlarged(array: np.ndarray, scale: int) -> int:
    """`scale` where each block of scale x scale pixels of (H, W, 4) has one colour, else 1."""
    height, width = array.shape[:2]
    if height % scale or width % scale:
        return 1
    blocks = array.reshape(height // scale, scale, width // scale, scale, 4)
    return scale if (blocks == blocks[:, :1, :, :1]).all() else 1


def _smaller(array: np.ndarray) -> str:
    """How an enlarged picture could become smaller; empty for others."""
    height, width = array.shape[:2]
    scale = next((k for k in range(min(height, width) // SMALLEST, 1, -1) if enlarged(array, k) > 1), 1)
    if scale == 1 or max(height, width) // scale > LARGEST:
        return ""
    return (
        f"each of its pixels is there {scale} x {scale} times, so add dataset.size=[{height // scale},{width // scale}]"
    )


def transparent(straight: np.ndarray) -> bool:
    """Whether any pixel of (N, H, W, 4) is not opaque."""
    return any(bool((part[..., 3] < 255).any()) for part in _parts(straight))


def _parts(straight: np.ndarray) -> Iterator[np.ndarray]:
    return (straight[i : i + PART] for i in range(0, len(straight), PART))


def as_trained(straight: np.ndarray, keep: bool, background: Sequence[int]) -> Tensor:
    """(N, H, W, 4) uint8 in straight RGBA -> (N, C, H, W) uint8.

    Where transparency is to `keep` and there is some, red, green, blue and alpha, premultiplied: colours that nobody
    can see are then one colour. Else red, green and blue on the background, or one channel where all of it is grey.
    """
    seen_through = transparent(straight)
    images = torch.empty(len(straight), 4 if keep and seen_through else 3, *straight.shape[1:3], dtype=torch.uint8)
    for part, out in zip(_parts(straight), images.split(PART), strict=True):
        layered = torch.from_numpy(np.array(part)).permute(0, 3, 1, 2)
        if not seen_through:
            out.copy_(layered[:, :3])
        else:
            out.copy_(premultiplied(layered) if keep else laid_on(layered, background))
    grey = images.shape[1] == 3 and all(bool((part == part[:, :1]).all()) for part in images.split(PART))
    return images[:, :1].contiguous() if grey else images


def most_colours(channels: int) -> int:
    """Of pixel art, where nobody says whether pictures are pixel art."""
    return MAX_GREYS if channels == 1 else MAX_COLOURS


def duplicates(images: Tensor) -> list[list[int]]:
    """Rows whose pixels are equal, of those that are not the only ones; ascending."""
    rows: dict[bytes, list[int]] = {}
    for i, image in enumerate(images.numpy()):
        rows.setdefault(hashlib.sha256(image).digest(), []).append(i)
    return [same for same in rows.values() if len(same) > 1]
