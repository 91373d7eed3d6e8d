"""Samplers: one step of the reverse process, from noise level t to a lower one s.

A sampler is called `step(schedule, denoise, x_t, t, s, noise, memory) -> (x_s, memory)` with 0 <= s < t <= T.
`denoise(x_t, t)` gives the prediction (x_0, eps), `noise()` fresh N(0, I) of x_t's shape, image by image from
each image's own seed, and `memory` is whatever the sampler returned at the step before (None at the first).
Samplers hold settings only, never state, so that one object can serve many images at once.

A sampler `renoises` if a step is x_0 with noise along eps, which may then be another eps than the one in x_t: CFG++.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from diffusion.guidance import Denoise
from diffusion.schedule import NoiseSchedule

Noise = Callable[[], Tensor]
VARIANCES = ("posterior", "beta")


class Sampler(Protocol):
    renoises: ClassVar[bool]

    def step(
        self, schedule: NoiseSchedule, denoise: Denoise, x_t: Tensor, t: int, s: int, noise: Noise, memory: Any
    ) -> tuple[Tensor, Any]: ...


def refuse_eta(eta: float) -> None:
    if not isinstance(eta, int | float) or not 0.0 <= eta <= 1.0:
        raise ValueError(f"sampler.eta={eta!r}: must lie in [0, 1]; 0 is deterministic, 1 equals DDPM")


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2), over any pair of times.

    variance : "posterior", that of q(x_s | x_t, x_0), or "beta", that of q(x_t | x_s): the two extremes of
               Ho et al. 2020, section 3.2
    """

    variance: str = "posterior"
    renoises: ClassVar[bool] = False

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
    renoises: ClassVar[bool] = True

    def __post_init__(self):
        refuse_eta(self.eta)

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        x_0, eps = denoise(x_t, t)
        sigma = self.eta * math.sqrt(schedule.posterior(t, s)[2])
        direction = math.sqrt(max(1 - schedule.alpha_bar[s].item() - sigma**2, 0.0))
        x_s = schedule.signal(s, x_t) * x_0 + direction * eps
        return (x_s + sigma * noise() if sigma > 0 else x_s), None


# The next three see the reverse process as an ordinary differential equation of the picture y = x / sqrt(alpha_bar),
# which the noise level sigma = sqrt((1 - alpha_bar) / alpha_bar) drives: dy / dsigma = eps (Karras et al. 2022,
# equation 1 with its s(t) = 1; Song et al. 2021, equation 14).


@dataclass(frozen=True)
class Euler:
    """Euler's method on that equation, y_t + (sigma_s - sigma_t) eps with y_t = x_0 + sigma_t eps.

    The same steps as DDIM with eta = 0, written differently.
    """

    renoises: ClassVar[bool] = True

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        x_0, eps = denoise(x_t, t)
        return schedule.signal(s, x_t) * (x_0 + schedule.sigma(s) * eps), None


@dataclass(frozen=True)
class EulerAncestral:
    """An Euler step to below the noise level of s, and fresh noise up to it; the same steps as DDIM with this eta.

    eta : share of the posterior's standard deviation that is drawn anew; 1 equals DDPM with the posterior variance
    """

    eta: float = 1.0
    renoises: ClassVar[bool] = True

    def __post_init__(self):
        refuse_eta(self.eta)

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        sigma_t, sigma_s = schedule.sigma(t), schedule.sigma(s)
        up = self.eta * sigma_s * math.sqrt(1 - (sigma_s / sigma_t) ** 2)
        x_0, eps = denoise(x_t, t)
        y_s = x_0 + math.sqrt(sigma_s**2 - up**2) * eps
        return schedule.signal(s, x_t) * (y_s + up * noise() if up > 0 else y_s), None


@dataclass(frozen=True)
class Heun:
    """Heun's method, of second order (Karras et al. 2022, algorithm 1): the mean of the slopes at both ends of a step.

    It looks at the picture twice per step, but once in the last, where sigma is 0 and has no slope.
    """

    renoises: ClassVar[bool] = False

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        sigma_t, sigma_s = schedule.sigma(t), schedule.sigma(s)
        y_t, slope = x_t / schedule.signal(t, x_t), denoise(x_t, t).eps
        x_s = schedule.signal(s, x_t) * (y_t + (sigma_s - sigma_t) * slope)
        if s == 0:
            return x_s, None
        slope = (slope + denoise(x_s, s).eps) / 2
        return schedule.signal(s, x_t) * (y_t + (sigma_s - sigma_t) * slope), None
