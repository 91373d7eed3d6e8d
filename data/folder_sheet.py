"""A sprite sheet as a folder of its tiles, which are called after their numbers, row by row from 0."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from data.folder_source import Problems, Source
from data.pictures import decoded, rgba, tiles

ID = "id"  # the column that says which tile a line is about
TILE = "tile "  # before the number of a tile, in the place of a file's name


def name_of(number: str) -> str:
    """The name of a tile; what is no number stays as it is written, and is then found nowhere."""
    return TILE + (number.lstrip("0") or "0" if number.isdecimal() else number)


def number_of(name: str) -> int:
    """The inverse of `name_of`."""
    return int(name.removeprefix(TILE))


def sheet_source(source: Source, sheet: str, size: Sequence[int] | None, problems: Problems) -> Source:
    """The folder with the tiles of `size` (height, width) in the place of its pictures; empty ones are left out.

    What is wrong goes to `problems`, and there are then no pictures.
    """
    others = [name for name in source.pictures if name != sheet]
    found = replace(source, pictures=[], left=[*source.left, *others])
    if sheet not in source.pictures:
        problems.add(sheet, "no such picture in the folder; name the sheet by its path from there, as in sheet=all.png")
    elif not size:
        problems.add(sheet, "of tiles of which size? Add dataset.size=24, for example")
    else:
        try:
            pixels = np.asarray(rgba(decoded(io.BytesIO(source.read(sheet)), "")))
            shown = {name_of(str(i)): tile for i, tile in enumerate(tiles(pixels, *size)) if tile[..., 3].any()}
            return replace(
                found,
                pictures=list(shown),
                sizes=source.sizes | dict.fromkeys(shown, source.sizes[sheet]),
                times=source.times | dict.fromkeys(shown, source.times[sheet]),
                content=lambda name: as_png(shown[name]) if name in shown else source.content(name),
            )
        except (OSError, ValueError) as error:
            problems.add(sheet, str(error).removeprefix(": "))
    return found


def as_png(tile: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(tile).save(file, format="PNG", compress_level=0)
    return file.getvalue()
