"""Pictures that could not be held in memory are refused before any is sampled."""

from __future__ import annotations

import math

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
