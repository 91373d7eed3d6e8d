"""Memory: what is refused before it is asked for, and what a device has not got."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager

from inference.settings import JobSettings

MOST_BYTES = 2_000_000_000  # of the pictures of one command


def refuse_large(settings: JobSettings, image_shape: tuple[int, int, int]) -> None:
    """Raises ValueError for more pictures than can be held in memory, before any is sampled."""
    each, count = math.prod(image_shape), len(getattr(settings, "seeds", ()))
    if count * each > MOST_BYTES:
        name = "of" if getattr(settings, "rank", None) is not None else "n"
        raise ValueError(
            f"{name}={count}: that many pictures would take {count * each / 1e9:.1f} GB of memory; "
            f"at most {MOST_BYTES // each} are sampled at once, then go on with another seed"
        )


@contextmanager
def telling_of_memory(count: int) -> Iterator[None]:
    """Raises ValueError where a device has no memory for `count` pictures at once."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError among them; on the CPU, there is no class for it
        if not re.search("out of memory|can't allocate memory", str(error)):
            raise
        raise ValueError(f"batch_size={count}: no memory for that many pictures at once; give fewer") from error
