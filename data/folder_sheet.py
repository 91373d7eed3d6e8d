"""A sprite sheet as a folder of its tiles, each a file that is called after its number, row by row from 0."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from data.folder_source import Problems, Source
from data.pictures import decoded, rgba, tiles

ID = "id"  # the column that says which tile a line is about


def name_of(number: str) -> str:
    """The file that stands for a tile; what is no number stays as it is written, and is then found nowhere."""
    return f"{int(number) if number.isdecimal() else number}.png"


def number_of(name: str) -> int:
    """The inverse of `name_of`."""
    return int(PurePosixPath(name).stem)


def sheet_source(source: Source, sheet: str, size: Sequence[int] | None, problems: Problems) -> Source:
    """The folder with the tiles of `size` (height, width) in the place of its pictures; empty ones are left out.

    What is wrong goes to `problems`, and there are then no pictures.
    """
    about = {name: of for name, of in source.sizes.items() if name not in source.pictures}
    found = replace(source, sizes=about, left=[*source.left, *(set(source.pictures) - {sheet})])
    if sheet not in source.pictures:
        problems.add(sheet, "no such picture in the folder; name the sheet by its path from there, as in sheet=all.png")
    elif not size:
        problems.add(sheet, "of tiles of which size? Add dataset.size=24, for example")
    else:
        try:
            pixels = np.asarray(rgba(decoded(io.BytesIO(source.read(sheet)), "")))
            shown = {name_of(str(i)): tile for i, tile in enumerate(tiles(pixels, *size)) if tile[..., 3].any()}
            names = dict.fromkeys(shown, source.sizes[sheet]), dict.fromkeys(shown, source.times[sheet])
            return replace(
                found,
                sizes=about | names[0],
                times=source.times | names[1],
                content=lambda name: as_png(shown[name]) if name in shown else source.content(name),
            )
        except (OSError, ValueError) as error:
            problems.add(sheet, str(error).removeprefix(": "))
    return found


def as_png(tile: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(tile).save(file, format="PNG", compress_level=0)
    return file.getvalue()
