"""Zip files of pictures that came through the browser: kept in a folder of the dashboard's own, and never replaced."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from data.folder import Folder
from runtime.checkpoint import write_atomically

FOLDER = Path("uploads")
MAX_MB = 200  # of one zip file, which the browser sends whole; a larger one is named by its path


def keep(name: str, content: bytes) -> Path:
    """Where the zip file is kept: under its own name, or with a number behind it where that one is of other content.

    Raises ValueError for what is no zip file, and for a name that pictures cannot have.
    """
    stem = re.sub(r"[^\w.-]+", "_", re.sub(r"\.zip$", "", name, flags=re.IGNORECASE)).strip("._-")[:80] or "pictures"
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError(f"{stem}: no zip file; make one of the folder that holds the pictures")
    _ = Folder(path=f"{stem}.zip").collection  # refuses names of other data sets
    FOLDER.mkdir(exist_ok=True)
    number = 1
    while True:
        path = FOLDER / (f"{stem}.zip" if number == 1 else f"{stem}-{number}.zip")
        try:
            path.touch(exist_ok=False)  # the name is then taken, whoever else keeps a file at the same moment
        except FileExistsError:
            if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
                return path
            number += 1
            continue
        try:
            write_atomically(path, lambda file: file.write(content))
        except BaseException:
            path.unlink()
            raise
        return path
