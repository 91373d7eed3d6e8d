"""Pictures of a folder, decoded once: a memory-mapped file below data_root, made anew when the folder has changed."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from data.atomic import atomic
from data.folder_pictures import decode
from data.folder_settings import FolderSchema
from data.folder_source import Problems, Source

FOLDER = "decoded"  # below data_root
VERSION = 2  # of how pictures are decoded
WORTH, WORTH_BYTES = 2000, 20_000_000  # pictures, and bytes of their files; less is decoded as fast as it is read


def decoded_once(
    source: Source, name: str, names: Sequence[str], settings: FolderSchema, data_root: str, problems: Problems
) -> np.ndarray:
    """What `decode` returns, from the file where there is one; it is written whole or not at all.

    A file is called after the folder's `name`, and after the names, sizes and times of all pictures in it. Where none
    can be written, or only into the folder itself, the pictures are decoded each time.
    """
    inside = Path(data_root).resolve().is_relative_to(source.top.resolve())
    few = len(names) < WORTH and sum(source.sizes[name] for name in names) < WORTH_BYTES
    if few or problems.lines or inside:
        return decode(source, names, settings, problems)
    how = [settings.size, settings.resize, settings.pixel_art]
    known = [VERSION, how, [[n, source.sizes[n], source.times[n]] for n in names]]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    path = Path(data_root) / FOLDER / f"{name}-{digest[:16]}.npy"
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.ndim == 4 and found.shape[0] == len(names) and found.shape[3] == 4 and found.dtype == np.uint8:
            return found
    except (OSError, ValueError, EOFError):
        pass
    pictures = decode(source, names, settings, problems)
    if not problems.lines:
        _write(path, name, pictures)
    return pictures


def _write(path: Path, name: str, pictures: np.ndarray) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as file:
            np.save(file, pictures, allow_pickle=False)
        for old in path.parent.glob(f"{glob.escape(name)}-{'?' * 16}.npy"):  # of the folder as it was before
            if old != path:
                old.unlink()
