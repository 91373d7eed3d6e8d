"""Estimates with the interval that says how far chance alone could have moved them: 95 % throughout."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
RESAMPLES = 2000


class Estimate(NamedTuple):
    """A figure, the ends of its interval, and of how many observations it is; all NaN of none."""

    value: float
    low: float
    high: float
    n: int

    @property
    def percent(self) -> str:
        """Such as "88.1 % (86.0 to 90.0)"."""
        return self._shown(100, ".1f", " %")

    @property
    def number(self) -> str:
        """Such as "1.25 (0.91 to 1.73)"."""
        return self._shown(1, ".2f", "")

    def _shown(self, factor: float, form: str, unit: str) -> str:
        if not self.n:
            return ""
        value, low, high = (f"{factor * x:{form}}" for x in self[:3])
        return f"{value}{unit} ({low} to {high})"


def wilson(hits: float, n: int) -> Estimate:
    """The share of `hits` among n independent observations, with the score interval (Wilson 1927)."""
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    share, spread = hits / n, Z**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    low, high = max(0.0, centre - half), min(1.0, centre + half)  # rounding can lead beyond
    return Estimate(share, min(share, low), max(share, high), int(n))


def share(right: Tensor) -> Estimate:
    """`wilson` of (N,) observations that are 0 or 1; NaN ones are left out."""
    right = right.double()
    right = right[~right.isnan()]
    return wilson(right.sum().item(), len(right))


def mean_of_shares(groups: Sequence[Tensor], seed: int = 0) -> Estimate:
    """The mean over groups, such as values, of the share within each, such as of the requests for it.

    Entries lie in [0, 1]; NaN ones are left out, and groups without others. The interval is that of `bootstrap`; where
    all entries are 0, or all 1, and would stay so however they are resampled, that of `wilson`.
    """
    every = torch.cat([entries[~entries.isnan()] for entries in groups]) if groups else torch.zeros(0)
    if len(every) and (every == every[0]).all() and every[0] in (0, 1):
        return wilson(every.sum().item(), len(every))
    return bootstrap(groups, seed)


def share_over_groups(groups: Sequence[Tensor], seed: int = 0) -> Estimate:
    """`mean_of_shares` of entries that are 0 or 1, a thousand times faster: resampled, they are binomial."""
    kept = [entries[~entries.isnan()].double() for entries in groups]
    kept = [entries for entries in kept if len(entries)]
    n, hits = np.array([len(entries) for entries in kept]), np.array([entries.sum().item() for entries in kept])
    if not len(kept) or hits.sum() in (0, n.sum()):
        return wilson(hits.sum(), int(n.sum()))
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(kept), size=(RESAMPLES, len(kept)))
    means = (rng.binomial(n[chosen], (hits / n)[chosen]) / n[chosen]).mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float((hits / n).mean()), float(low), float(high), int(n.sum()))


def mean(values: Tensor, seed: int = 0) -> Estimate:
    """The mean of (N,) observations; of differences, a paired comparison. The interval is that of `bootstrap`."""
    return bootstrap([values.double()], seed)


def bootstrap(groups: Sequence[Tensor], seed: int = 0) -> Estimate:
    """The mean over groups of the mean within each, NaN left out, with the percentile interval of the bootstrap.

    It resamples groups, then the entries within each (Efron 1979).
    """
    kept = [entries[~entries.isnan()].double() for entries in groups]
    kept = [entries for entries in kept if len(entries)]
    if not kept:
        return Estimate(math.nan, math.nan, math.nan, 0)
    rng = np.random.default_rng(seed)
    counts = np.array([len(entries) for entries in kept])
    values = np.stack([np.pad(entries.numpy(), (0, counts.max() - len(entries))) for entries in kept])
    means, at_once = [], max(1, 2**17 // values.size)  # few enough to stay in the processor's cache
    for begun in range(0, RESAMPLES, at_once):
        draws = [
            (rng.integers(len(kept), size=len(kept)), rng.random(values.shape))
            for _ in range(begun, min(begun + at_once, RESAMPLES))
        ]
        chosen, places = (np.stack(drawn) for drawn in zip(*draws, strict=True))
        size = counts[chosen][..., None]
        entries = values[chosen[..., None], (places * size).astype(int)] * (np.arange(counts.max()) < size)
        means.append((entries.sum(-1) / counts[chosen]).mean(-1))
    value = torch.stack([entries.mean() for entries in kept]).mean().item()
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), int(counts.sum()))


def bootstrap_of(statistic: Callable[[Tensor], Tensor], rows: Tensor, seed: int = 0) -> Estimate:
    """A figure of observations (N, ...), N at least 1, that is no mean, with the percentile interval of the bootstrap.

    statistic : (..., N, ...) -> (...), for all resamples at once

    The interval is widened to hold the figure, which resampling may bias, as it does an entropy.
    """
    rng, value = np.random.default_rng(seed), statistic(rows).item()
    values = statistic(rows[torch.from_numpy(rng.integers(len(rows), size=(RESAMPLES, len(rows))))])
    low, high = np.quantile(values.numpy(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(value, float(low)), max(value, float(high)), len(rows))


def rate_ratio(hits: int, size: int, other_hits: int, other_size: int) -> Estimate:
    """(hits / size) / (other_hits / other_size): how much more often each member of one set is hit than of another.

    Given how many hits there are in all, those of the first set are binomial with p = r size / (r size + other_size)
    at a ratio of r (Przyborowski & Wilenski 1940); the interval of p, by `wilson`, becomes that of r.
    """
    p = wilson(hits, hits + other_hits)
    if not p.n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    low, value, high = (x / (1 - x) * other_size / size if x < 1 else math.inf for x in (p.low, p.value, p.high))
    return Estimate(value, low, high, p.n)
