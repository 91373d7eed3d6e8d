"""Which rows a step trains on: a pure function of (seed, step), so there is nothing to save or restore."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


class BatchOrder:
    """Reads a data set of n rows in a fresh random order each epoch, batch after batch.

    Position p of the endless stream is row `permutation(p // n)[p % n]`, and step k takes the positions
    k * batch_size ... (k + 1) * batch_size - 1. Every row is seen once an epoch; a batch may span two epochs.
    With several processes, process `rank` takes each world_size-th position, so that together they see the
    same batch that one process would.

    batch_size is the number of images per step over all processes, a multiple of world_size.
    """

    def __init__(self, n: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1):
        if n < 1 or batch_size < 1:
            raise ValueError(f"n={n}, batch_size={batch_size}: both must be at least 1")
        if not 0 <= rank < world_size:
            raise ValueError(
                f"rank={rank}: with world_size={world_size} processes, ranks go from 0 to {world_size - 1}"
            )
        if batch_size % world_size:
            raise ValueError(
                f"train.batch_size={batch_size} counts the images of all processes and must be a multiple of "
                f"their number, {world_size}"
            )
        self.n, self.batch_size, self.seed, self.rank, self.world_size = n, batch_size, seed, rank, world_size
        self._permutation = lru_cache(maxsize=2)(self._draw)

    def _draw(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.seed, epoch)).permutation(self.n)

    def indices(self, step: int) -> Tensor:
        """(batch_size / world_size,) int64: this process's rows at `step`, counted from 0."""
        first = step * self.batch_size
        positions = np.arange(first + self.rank, first + self.batch_size, self.world_size)
        rows = np.empty_like(positions)
        for epoch in np.unique(positions // self.n):
            chosen = positions // self.n == epoch
            rows[chosen] = self._permutation(int(epoch))[positions[chosen] % self.n]
        return torch.from_numpy(rows)
