"""Samplers: one step of the reverse process, from noise level t to a lower one s.

A sampler is called `step(schedule, denoise, x_t, t, s, noise, memory) -> (x_s, memory)` with 0 <= s < t <= T.
`denoise(x_t, t)` gives the prediction (x_0, eps), `noise()` fresh N(0, I) of x_t's shape, image by image from
each image's own seed, and `memory` is whatever the sampler returned at the step before (None at the first).
Samplers hold settings only, never state, so that one object can serve many images at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from diffusion.guidance import Denoise
from diffusion.schedule import NoiseSchedule

Noise = Callable[[], Tensor]
VARIANCES = ("posterior", "beta")


class Sampler(Protocol):
    def step(
        self, schedule: NoiseSchedule, denoise: Denoise, x_t: Tensor, t: int, s: int, noise: Noise, memory: Any
    ) -> tuple[Tensor, Any]: ...


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2), over any pair of times.

    variance : "posterior", that of q(x_s | x_t, x_0), or "beta", that of q(x_t | x_s): the two extremes of
               Ho et al. 2020, section 3.2
    """

    variance: str = "posterior"

    def __post_init__(self):
        if self.variance not in VARIANCES:
            raise ValueError(f"sampler.variance={self.variance!r}: unknown, choose one of {', '.join(VARIANCES)}")

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        a, b, variance = schedule.posterior(t, s)
        x_s = a * denoise(x_t, t).x_0 + b * x_t
        if s == 0:  # the last step returns the mean: data carries no noise
            return x_s, None
        if self.variance == "beta":
            variance = 1 - (schedule.alpha_bar[t] / schedule.alpha_bar[s]).item()
        return x_s + math.sqrt(variance) * noise(), None


@dataclass(frozen=True)
class DDIM:
    """Implicit sampling (Song et al. 2021, equations 12 and 16).

    eta : share of the posterior's standard deviation that is drawn anew at each step; 0 is deterministic,
          1 equals DDPM
    """

    eta: float = 0.0

    def __post_init__(self):
        if not isinstance(self.eta, int | float) or not 0.0 <= self.eta <= 1.0:
            raise ValueError(f"sampler.eta={self.eta!r}: must lie in [0, 1]; 0 is deterministic, 1 equals DDPM")

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        x_0, eps = denoise(x_t, t)
        sigma = self.eta * math.sqrt(schedule.posterior(t, s)[2])
        direction = math.sqrt(max(1 - schedule.alpha_bar[s].item() - sigma**2, 0.0))
        x_s = schedule.signal(s, x_t) * x_0 + direction * eps
        return (x_s + sigma * noise() if sigma > 0 else x_s), None
