"""Pictures of a folder, prepared once: a memory-mapped file below data_root, made anew when the folder has changed."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from data.atomic import atomic
from data.folder_pictures import decode, refuse_filtered_art
from data.folder_prepared import Prepared, hashed, prepare
from data.folder_settings import FolderSchema
from data.folder_sheet import number_of
from data.folder_source import Problems, Source

FOLDER = "decoded"  # below data_root
VERSION = 4  # of how pictures are prepared
WORTH, WORTH_BYTES = 2000, 20_000_000  # pictures, and bytes of their files; less is decoded as fast as it is read


def prepared_once(
    source: Source, name: str, settings: FolderSchema, background: Sequence[int] | None, data_root: str,
    problems: Problems,
) -> Prepared | None:  # fmt: skip
    """The pictures of a folder, from the file where there is one; it is written whole or not at all.

    name       : of the folder
    background : the colour to lay pictures on; None to keep their transparency

    A file is called after the folder's `name`, and after all that decoding depends on: names, sizes and times of the
    pictures, and which size they are brought to. Where none can be written, or only into the folder itself, the
    pictures are decoded each time. None where anything is wrong, also before; `problems` then says so.
    """
    names = source.pictures
    path = None if problems.lines else _place(source, name, settings, data_root)
    if path and (found := _found(path, len(names))) and found.is_laid(background):
        _refuse_filtered(found.few, found.rows[found.filtered], source, settings, problems)
        return None if problems.lines else found
    decoded = decode(source, names, settings, problems)
    _refuse_filtered(decoded.few, decoded.filtered.nonzero()[0], source, settings, problems)
    if problems.lines:
        return None
    prepared = prepare(decoded, names, number_of if settings.sheet else hashed, background)
    if path:
        with suppress(OSError):
            _write(path, name, prepared)
    return prepared


def _refuse_filtered(
    few: np.ndarray, rows: np.ndarray, source: Source, settings: FolderSchema, problems: Problems
) -> None:
    """Where the pictures are pixel art, those at `rows` of the names, which a filter has scaled, are problems.

    few : () bool, whether they have as few colours, where settings do not say whether they are pixel art
    """
    if few if settings.pixel_art is None else settings.pixel_art:
        refuse_filtered_art(source, [source.pictures[row] for row in sorted(rows)], problems)


def _place(source: Source, name: str, settings: FolderSchema, data_root: str) -> Path | None:
    """Where the file is, or would be; None where it is not worth it, or would be written into the folder."""
    names, inside = source.pictures, Path(data_root).resolve().is_relative_to(source.top.resolve())
    if inside or (len(names) < WORTH and sum(source.sizes[n] for n in names) < WORTH_BYTES):
        return None
    about = [[n, source.sizes[n], source.times[n]] for n in names]
    known = json.dumps([VERSION, bool(settings.sheet), settings.size, settings.resize, about])
    return Path(data_root) / FOLDER / f"{name}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.npy"


def _found(path: Path, count: int) -> Prepared | None:
    """What the file holds; None where there is none, or it is damaged.

    The pictures are mapped, copy on write; the rest is read. One array stands after another, as np.save writes them.
    """
    with suppress(OSError, ValueError, EOFError):
        images = np.load(path, mmap_mode="c", allow_pickle=False)
        with path.open("rb") as file:
            file.seek(images.offset + images.nbytes)
            found = Prepared(images, *(np.load(file, allow_pickle=False) for _ in Prepared._fields[1:]))
        if images.ndim == 4 and images.dtype == np.uint8 and len(images) == len(found.rows) == count:
            return found
    return None


def _write(path: Path, name: str, prepared: Prepared) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        for array in prepared:
            np.save(file, array, allow_pickle=False)
    for old in path.parent.glob(f"{glob.escape(name)}-{'?' * 16}.npy"):  # of the folder as it was before
        if old != path:
            old.unlink()
