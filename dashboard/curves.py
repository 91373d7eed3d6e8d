"""Curves as they are plotted: smoothed, and of no more points than a screen shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def smoothed(values: np.ndarray, share: float) -> np.ndarray:
    """An exponential average in which each point keeps `share`, from 0 to below 1, of what came before it.

    Corrected for its beginning (Kingma & Ba 2015, section 3), so that it starts at the first value.
    """
    if share == 0 or len(values) == 0:
        return values
    out, mean = np.empty(len(values)), 0.0
    for i, value in enumerate(values):
        mean = share * mean + (1 - share) * value
        out[i] = mean / (1 - share ** (i + 1))
    return out


def thinned(count: int, most: int = 600) -> Sequence[int]:
    """Rows of a curve of `count` points to plot: at most `most`, evenly spread, the first and the last among them."""
    return range(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)
