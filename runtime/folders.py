"""Folders for results, which never touch what is there already."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(out: str | None, parent: Path, name: str) -> Iterator[Path]:
    """The folder `out`, or <parent>/<time>-<name> if it is None, made and empty; taken away again if it stays so.

    Raises ValueError rather than write among other files, or where nothing can be written.
    """
    if out is None:
        stem = f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}-{name}"
        candidates = (parent / (stem + (f"-{i}" if i else "")) for i in itertools.count())
        folder = next(candidate for candidate in candidates if not candidate.exists())
    else:
        folder = Path(out)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"out={folder}: holds files already; name a new folder, nothing was touched")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"out={folder}: cannot be written ({error.strerror}); name another folder") from error
    try:
        yield folder
    finally:
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()
