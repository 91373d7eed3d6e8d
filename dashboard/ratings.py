"""Blind ratings: pictures of two settings in a random order, what a person says of them, what follows."""

from __future__ import annotations

import csv
import datetime
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

CRITERIA = ("adherence", "realism", "artefacts")  # each 0 to 2, 2 the best: for artefacts, that there are none
WAYS = ("scores", "pairs")
Z = 1.96  # of a 95 % interval


class Item(NamedTuple):
    """What is shown at once: rows of a setting's pictures, as (setting, row), one for scores and two for a pair."""

    shown: tuple[tuple[int, int], ...]


@dataclass
class Rating:
    """One sitting.

    settings : the overrides of sample.py of both settings
    images   : their pictures (N, C, H, W) uint8, of the same seeds
    answers  : for scores, a number for each criterion; for pairs, the setting preferred, or None for neither
    """

    way: str
    settings: tuple[tuple[str, ...], tuple[str, ...]]
    images: tuple[Tensor, Tensor]
    seeds: list[int]
    items: list[Item]
    answers: list[tuple[int, ...] | int | None] = field(default_factory=list)

    def copy(self) -> Rating:
        """Another sitting with the answers so far."""
        return replace(self, answers=[*self.answers])

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.items)


def begin(
    way: str,
    settings: tuple[tuple[str, ...], tuple[str, ...]],
    images: tuple[Tensor, Tensor],
    seeds: Sequence[int],
    order: random.Random,
) -> Rating:
    """A sitting in which `order` decides what comes when, and on which side."""
    rows = range(len(seeds))
    if way == "scores":
        items = [Item(((setting, row),)) for setting in (0, 1) for row in rows]
    else:
        items = [Item(tuple(order.sample([(0, row), (1, row)], 2))) for row in rows]
    order.shuffle(items)
    return Rating(way, settings, images, list(seeds), items)


class Mean(NamedTuple):
    """A mean of n scores with its standard error, which is not a number for fewer than two."""

    mean: float
    error: float
    n: int


def means(rating: Rating) -> dict[str, tuple[Mean, Mean]]:
    """For each criterion, the mean score of both settings; only of what has been answered."""
    by_criterion = {}
    for c, criterion in enumerate(CRITERIA):
        scores: tuple[list, list] = ([], [])
        for item, answer in zip(rating.items, rating.answers, strict=False):
            scores[item.shown[0][0]].append(answer[c])
        by_criterion[criterion] = (mean(scores[0]), mean(scores[1]))
    return by_criterion


def mean(scores: Sequence[float]) -> Mean:
    n = len(scores)
    if n == 0:
        return Mean(math.nan, math.nan, 0)
    average = sum(scores) / n
    if n == 1:
        return Mean(average, math.nan, 1)
    variance = sum((score - average) ** 2 for score in scores) / (n - 1)
    return Mean(average, math.sqrt(variance / n), n)


class Preference(NamedTuple):
    """How often each setting was preferred and neither was; the share of the first among decided, with an interval."""

    first: int
    second: int
    neither: int
    share: float
    low: float
    high: float


def preference(rating: Rating) -> Preference:
    """The outcome of pairs, with Wilson's interval (Wilson 1927), which holds for small numbers."""
    first, second = (rating.answers.count(setting) for setting in (0, 1))
    low, high = wilson(first, first + second)
    share = first / (first + second) if first + second else math.nan
    return Preference(first, second, rating.answers.count(None), share, low, high)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `hits` of `n` were seen."""
    if n == 0:
        return 0.0, 1.0
    p = hits / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def save(rating: Rating, folder: Path) -> Path:
    """Write a line for each answer, with the settings, into a new CSV file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}-{rating.way}"
    path = next(p for i in range(10_000) if not (p := folder / f"{stem}{f'-{i}' if i else ''}.csv").exists())
    with path.open("x", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        typed = [" ".join(overrides) for overrides in rating.settings]
        if rating.way == "scores":
            table.writerow(["place", "seed", "setting", *CRITERIA, "overrides"])
            for place, (item, answer) in enumerate(zip(rating.items, rating.answers, strict=False), 1):
                ((setting, row),) = item.shown
                table.writerow([place, rating.seeds[row], "AB"[setting], *answer, typed[setting]])
        else:
            table.writerow(["place", "seed", "left", "preferred", "A", "B"])
            for place, (item, answer) in enumerate(zip(rating.items, rating.answers, strict=False), 1):
                (left, row), _ = item.shown
                preferred = "neither" if answer is None else "AB"[answer]
                table.writerow([place, rating.seeds[row], "AB"[left], preferred, *typed])
    return path
