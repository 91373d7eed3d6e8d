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
from data.folder_pictures import Decoded, decode
from data.folder_settings import Preparation
from data.folder_source import Problems, Source

FOLDER = "decoded"  # below data_root
VERSION = 3  # of how pictures are decoded
WORTH, WORTH_BYTES = 2000, 20_000_000  # pictures, and bytes of their files; less is decoded as fast as it is read


def decoded_once(
    source: Source, name: str, names: Sequence[str], settings: Preparation, data_root: str, problems: Problems
) -> Decoded:
    """What `decode` returns, from the file where there is one; it is written whole or not at all.

    A file is called after the folder's `name`, and after all that decoding depends on: names, sizes and times of the
    pictures, and which size they are brought to. Where none can be written, or only into the folder itself, the
    pictures are decoded each time.
    """
    inside = Path(data_root).resolve().is_relative_to(source.top.resolve())
    few = len(names) < WORTH and sum(source.sizes[name] for name in names) < WORTH_BYTES
    if few or problems.lines or inside:
        return decode(source, names, settings, problems)
    known = [VERSION, settings.size, settings.resize, [[n, source.sizes[n], source.times[n]] for n in names]]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    path = Path(data_root) / FOLDER / f"{name}-{digest[:16]}.npy"
    with suppress(OSError, ValueError, EOFError):  # there is none, or it is damaged
        found = _read(path)
        if found.straight.shape[::3] == (len(names), 4) and found.straight.dtype == np.uint8:
            return found
    decoded = decode(source, names, settings, problems)
    if not problems.lines:
        with suppress(OSError):
            _write(path, name, decoded)
    return decoded


def _read(path: Path) -> Decoded:
    """The pictures are mapped, what is told of them is read; one array stands after another, as np.save writes them."""
    straight = np.load(path, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        file.seek(straight.offset + straight.nbytes)
        return Decoded(straight, *(np.load(file, allow_pickle=False) for _ in Decoded._fields[1:]))


def _write(path: Path, name: str, decoded: Decoded) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        for array in decoded:
            np.save(file, array, allow_pickle=False)
    for old in path.parent.glob(f"{glob.escape(name)}-{'?' * 16}.npy"):  # of the folder as it was before
        if old != path:
            old.unlink()
