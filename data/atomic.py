"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A new file beside `path` to write to, which takes the place of `path` once all of it is on the disk.

    Nothing is left of it where that fails or is interrupted. Raises OSError.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")  # several processes may write the same file
    file = part.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
