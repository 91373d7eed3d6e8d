"""Classifier-free guidance, and at which noise levels it acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from torch import Tensor

from conf import Settings, setting

Level = Annotated[float, Field(ge=0, le=1)]
NEGLIGIBLE = 1e-9  # a smaller weight counts as zero


class CFG(Settings):
    """classifier-free guidance at every noise level

    Ho & Salimans 2022, equation 6. The other kinds build on it and change one thing each: what they override.

    renoise_reference : whether the predicted eps is that of the reference
    needs_condition   : whether `combine` uses the conditional output, which is then evaluated whatever its weight
    """

    name: Literal["cfg"] = "cfg"
    interval: list[Level] = setting(
        [0.0, 1.0], "noise levels t/T at which guidance acts: [low, high]", min_length=2, max_length=2
    )
    fade: Level = setting(0.0, "noise level t/T below which guidance fades out; 0 for never")
    renoise_reference: ClassVar[bool] = False
    needs_condition: ClassVar[bool] = False

    @field_validator("interval")
    @classmethod
    def _ordered(cls, interval: list[float]) -> list[float]:
        if interval[0] > interval[1]:
            raise ValueError("must be two noise levels, 0 <= low <= high <= 1")
        return interval

    def at(self, level: float, weights: Sequence[float], base: Sequence[float]) -> list[float]:
        """The weights of all conditions at a noise level: `weights`, `base` outside the interval, or between.

        Kynkaanniemi et al. 2024 for the interval; fading is linear in t, a weight schedule as in Wang et al. 2024.
        """
        low, high = self.interval
        share = min(level / self.fade, 1.0) if self.fade else 1.0
        share = share if low <= level <= high else 0.0
        return [b + share * (v - b) for v, b in zip(weights, base, strict=True)]

    def refuse(self, weights: Sequence[float]) -> None:
        """Raises ValueError for weights of conditions that this kind of guidance does not take."""

    def combine(self, output: Tensor, condition: Tensor | None) -> Tensor:
        """The raw output (B, ...) to go on with, given the guided one and that of the condition alone."""
        return output

    def limit(self, x_0: Tensor) -> Tensor:
        """x_0 (B, ...) brought into [-1, 1]."""
        return x_0.clamp(-1.0, 1.0)

    @property
    def described(self) -> list[str]:
        """In words, what sets this apart from plain classifier-free guidance."""
        plain = CFG()
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "name"}
        differing = [f"{name} {value}" for name, value in own.items() if value != getattr(plain, name, None)]
        return differing or [self.name] * (self.name != plain.name)


class Fade(CFG):
    """guidance that fades out at low noise: full weight there adds speckles, and none loses small details"""

    name: Literal["fade"] = "fade"
    fade: Level = setting(0.05, "noise level t/T below which guidance fades out; 0 for never")


class Interval(CFG):
    """guidance limited to an interval of noise levels"""

    name: Literal["interval"] = "interval"
    interval: list[Level] = setting(
        [0.3, 1.0], "noise levels t/T at which guidance acts: [low, high]", min_length=2, max_length=2
    )
