"""Timing: cases take turns, round after round, so that a machine that slows down or speeds up does so for all alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch

SHORTEST = 0.1  # seconds; what takes less is repeated within one timing, so that the clock's own cost does not count
LONG = 1.0  # seconds; what takes more has warmed up after one run


@dataclass(frozen=True)
class Case:
    """Something to time.

    run    : does it once
    count  : how much that is, such as the images of a training step
    around : what holds while it runs, and is not timed itself
    """

    name: str
    run: Callable[[], object]
    count: float = 1.0
    around: Callable[[], AbstractContextManager] = nullcontext


class Spread(NamedTuple):
    """The median of n timings, and their quartiles."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Quartiles by linear interpolation between ordered values, as numpy.percentile has them."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def head(self, what: str) -> str:
        """Of a column of such figures."""
        return f"{what}, median of {self.n} (quartiles)"

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)})"


def number(value: float) -> str:
    """Three digits, and no exponent for large numbers."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Stopwatch:
    """Times cases in turns, for so many rounds, or fewer where the time for all measurements would not suffice.

    seconds      : for all measurements together; each has an equal share of what those before it left over
    measurements : that will be made
    """

    def __init__(self, device: torch.device, rounds: int, seconds: float, measurements: int):
        self.device, self.rounds, self.left = device, rounds, measurements
        self.end = time.perf_counter() + seconds

    def turns(self) -> Iterator[int]:
        """The rounds of the next measurement: at least one, and no further one that would exceed its share."""
        now = time.perf_counter()
        until = now + (self.end - now) / self.left
        self.left -= 1
        for i in range(self.rounds):
            began = time.perf_counter()
            yield i
            ended = time.perf_counter()
            if ended + (ended - began) > until:
                return

    def time(self, cases: Sequence[Case]) -> dict[str, list[float]]:
        """Seconds for one run of each case, one value for each round."""
        repeats = {case.name: self._warmed_up(case) for case in cases}
        seconds: dict[str, list[float]] = {case.name: [] for case in cases}
        for _ in self.turns():
            for case in cases:
                seconds[case.name].append(self._seconds(case, repeats[case.name]))
        return seconds

    def rates(self, cases: Sequence[Case]) -> dict[str, Spread]:
        """How much each case does in a second."""
        seconds = self.time(cases)
        return {case.name: Spread.of([case.count / s for s in seconds[case.name]]) for case in cases}

    def _warmed_up(self, case: Case) -> int:
        """Run a case until it is warm; returns how often it has to run for one timing."""
        first = self._seconds(case, 1)
        return math.ceil(SHORTEST / max(first if first > LONG else self._seconds(case, 1), 1e-9))

    def _seconds(self, case: Case, repeats: int) -> float:
        with case.around():
            self.synchronise()
            began = time.perf_counter()
            for _ in range(repeats):
                case.run()
            self.synchronise()
            return (time.perf_counter() - began) / repeats

    def synchronise(self) -> None:
        """Wait for all that was asked of the device; on a CPU there is nothing to wait for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()
