"""Where the steps of sampling lie: grids of falling times. A new one is a class and an entry in SPACINGS.

With few steps, this counts more than how many there are or of which order: the last colours of pixel art are decided
below t/T = 0.1.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from conf import Settings, one_of, setting
from diffusion.schedule import NoiseSchedule


class Spacing(Settings):
    """Where the times of the steps lie."""

    def grid(self, schedule: NoiseSchedule, steps: int, start: int) -> list[int]:
        """`steps` falling times from `start` or below it to 1 or above it, for 2 <= steps <= start."""
        raise NotImplementedError


class Trailing(Spacing):
    """evenly spaced from the first time to 0"""

    name: Literal["trailing"] = "trailing"

    def grid(self, schedule, steps, start):
        return [start * (steps - i) // steps for i in range(steps)]


class Linspace(Spacing):
    """evenly spaced from the first time to 1"""

    name: Literal["linspace"] = "linspace"

    def grid(self, schedule, steps, start):
        last = steps - 1
        return [1 + (start - 1) * (last - i) // last for i in range(steps)]


class Leading(Spacing):
    """evenly spaced from below the first time, as in many published samplers

    The model then expects less noise at the first time than there is, which trailing spacing avoids (Lin et al. 2024,
    table 2).
    """

    name: Literal["leading"] = "leading"

    def grid(self, schedule, steps, start):
        return [1 + start // steps * (steps - 1 - i) for i in range(steps)]


class Power(Spacing):
    """at the first time times a power of what is left, so that steps grow shorter towards 0

    t_i = start ((n - i) / n)^exponent, rounded to times that are still free; 1 is trailing, 2 the quadratic spacing of
    Song et al. 2021, appendix D.2.
    """

    name: Literal["power"] = "power"
    exponent: float = setting(2.0, "1 is even; more puts more steps at low noise", ge=0.1, le=10)

    def grid(self, schedule, steps, start):
        return falling([round(start * ((steps - i) / steps) ** self.exponent) for i in range(steps)], start)


class Karras(Spacing):
    """even in a root of sigma, from the first time to 1

    Steps of equal size in sigma^(1/rho) (Karras et al. 2022, equation 5), at the nearest times of the schedule that are
    still free.
    """

    name: Literal["karras"] = "karras"
    rho: float = setting(7.0, "more puts more steps at low noise", ge=1, le=100)

    def grid(self, schedule, steps, start):
        levels = [schedule.sigma(t) for t in range(start + 1)]
        first, last = levels[-1] ** (1 / self.rho), levels[1] ** (1 / self.rho)
        wanted = [(first + i / (steps - 1) * (last - first)) ** self.rho for i in range(steps)]
        return falling([_nearest(levels, sigma) for sigma in wanted], start)


class Listed(Spacing):
    """at the times given, for weights that were trained at these alone"""

    name: Literal["listed"] = "listed"
    times: list[Annotated[int, Field(ge=1)]] = setting([1000], "falling, one for each step", min_length=1)

    def grid(self, schedule, steps, start):
        if steps != len(self.times) or self.times[0] > start or self.times != sorted(set(self.times), reverse=True):
            raise ValueError(
                f"spacing.times={self.times}: must be {steps} falling times from {start} at most, one for each step"
            )
        return list(self.times)


def _nearest(levels: Sequence[float], sigma: float) -> int:
    """The time with the level nearest to `sigma`, which is at least levels[1]; of two as near, the earlier one."""
    at = min(bisect.bisect_left(levels, sigma), len(levels) - 1)  # rounding could exceed the last
    return at if levels[at] - sigma < sigma - levels[at - 1] else at - 1


def falling(times: Sequence[int], start: int) -> list[int]:
    """Each time moved as little as it takes for all to fall, with room for those that follow."""
    found, above = [], start + 1
    for i, t in enumerate(times):
        above = min(max(t, len(times) - i), above - 1)
        found.append(above)
    return found


SPACINGS = (Trailing, Linspace, Leading, Power, Karras, Listed)
AnySpacing = one_of(SPACINGS)
EVEN = Trailing()


def timesteps(schedule: NoiseSchedule, steps: int, spacing: Spacing = EVEN, start: int | None = None) -> list[int]:
    """`steps` + 1 strictly falling times from `start`, T if left out, the last of them 0.

    Raises ValueError unless 1 <= steps <= start.
    """
    start = schedule.T if start is None else start
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= start:
        most = f"T = {start}" if start == schedule.T else f"{start}, the time at which sampling starts"
        raise ValueError(f"steps={steps!r}: must be a whole number from 1 to {most}")
    alone = steps == 1 and not isinstance(spacing, Listed)
    return [*([start] if alone else spacing.grid(schedule, steps, start)), 0]
