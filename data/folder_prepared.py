"""People's pictures as a training takes them: laid out, numbered, and in the order of the splits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data.base import MODULUS, rows_by_split
from data.folder_pictures import Decoded, as_trained, duplicates, most_colours, transparent
from data.folder_settings import MAX_PALETTE
from data.palette import Palette

NUMBERS = 16**12  # that names can have, hashed to so many digits, or as tiles of a sheet
BEYOND = -(-NUMBERS // MODULUS) * MODULUS  # the next multiple


class Prepared(NamedTuple):
    """All pictures of a folder, in the order of the splits, each of which is then a run of rows of a mapped file.

    images      : (N, C, H, W) uint8, in memory or mapped from a file
    rows        : (N,) int64, the place of each in the ascending order of names
    ids         : (N,) int64, see `picture_ids`
    sizes       : (N, 2) int64, height and width in the files
    filtered    : (N,) bool, which ones a filter has scaled down
    few         : () bool, where filters are used, whether all files together have as few colours as pixel art
    transparent : () bool, whether the files have any pixel that is not opaque
    laid_on     : the colour (3,) uint8 behind the pictures; (0,) where they keep their transparency
    colours     : (K, C) uint8, those of the pictures, in ascending order; none where there are more than MAX_PALETTE
    """

    images: np.ndarray
    rows: np.ndarray
    ids: np.ndarray
    sizes: np.ndarray
    filtered: np.ndarray
    few: np.ndarray
    transparent: np.ndarray
    laid_on: np.ndarray
    colours: np.ndarray

    def is_laid(self, background: Sequence[int] | None) -> bool:
        """Whether the pictures are as they would be on this colour, or with their transparency where it is None."""
        return not self.transparent or self.laid_on.tolist() == list(background or [])

    def palette(self, pixel_art: bool | None) -> Palette | None:
        """The palette of pixel art; None for other pictures.

        pixel_art : whether they are, if they have MAX_PALETTE colours at most; None to tell by their number of colours
        """
        most = MAX_PALETTE if pixel_art else most_colours(self.images.shape[1])
        few = 0 < len(self.colours) <= most
        return Palette(torch.from_numpy(self.colours)) if few and pixel_art is not False else None


def prepare(
    decoded: Decoded, names: Sequence[str], number: Callable[[str], int], background: Sequence[int] | None
) -> Prepared:
    """From pictures in the order of `names`.

    number     : of a name, from which its split follows
    background : the colour to lay the pictures on; None to keep their transparency
    """
    images = as_trained(decoded.straight, background is None, background or ())
    ids = picture_ids(names, duplicates(images), number)
    rows = torch.cat(rows_by_split(ids))
    palette = Palette.of_few(images, MAX_PALETTE)
    return Prepared(
        images=images[rows].numpy(),
        rows=rows.numpy(),
        ids=ids[rows].numpy(),
        sizes=decoded.sizes[rows],
        filtered=decoded.filtered[rows],
        few=decoded.few,
        transparent=np.array(transparent(decoded.straight)),
        laid_on=np.array(background or (), np.uint8),
        colours=palette.colours.numpy() if palette else np.zeros((0, images.shape[1]), np.uint8),
    )


def hashed(name: str) -> int:
    """A number that follows from the name alone, so that a picture keeps its split when others are added."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)


def picture_ids(names: Sequence[str], same: list[list[int]], number: Callable[[str], int] = hashed) -> Tensor:
    """(N,) int64: the `number` of each name.

    same : rows of pictures with equal pixels, which share one split: that of the shortest name, since copies get
           longer ones
    """
    ids = [number(name) for name in names]
    for rows in same:
        split = ids[min(rows, key=lambda row: (len(names[row]), names[row]))] % MODULUS
        for row in rows:
            if ids[row] % MODULUS != split:
                ids[row] = BEYOND + MODULUS * ids[row] + split  # so that no two get the same
    return torch.tensor(ids, dtype=torch.int64)
