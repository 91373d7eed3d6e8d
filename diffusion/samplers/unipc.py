"""UniPC, a multistep predictor-corrector for the equation of dpmpp_2m.py."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from conf import setting
from diffusion.samplers.base import Sampler
from diffusion.samplers.dpmpp_2m import Evaluation
from diffusion.schedule import NoiseSchedule


class Trail(NamedTuple):
    """The corrected x at the last time, the last evaluations, newest first, and the x predicted from them."""

    x: Tensor
    evaluations: tuple[Evaluation, ...]
    predicted: Tensor | None = None


class UniPC(Sampler):
    """UniPC: predictor and corrector, for few steps, from about eight

    Zhao et al. 2023, algorithms 5 and 6, with B(h) = e^h - 1. A predictor step is corrected once the network has been
    evaluated at its end, which the next step needs anyway, so the correction costs nothing. The corrector's order is
    one more than the predictor's. The paper advises 2 with guidance; higher orders than 3 are not stable.
    """

    name: Literal["unipc"] = "unipc"
    order: int = setting(2, "of the predictor", ge=1, le=3)

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        now = Evaluation(t, denoise(x_t, t).x_0)
        if s == 0:
            return now.x_0, None
        earlier = ()
        if memory is not None:  # as a difference, so that changes to the picture since, as by inpainting, stay
            x_t, earlier = x_t + advance(schedule, memory, t, now.x_0) - memory.predicted, memory.evaluations
        trail = Trail(x_t, (now, *earlier)[: self.order])
        x_s = advance(schedule, trail, s)
        return x_s, trail._replace(predicted=x_s)


def advance(schedule: NoiseSchedule, trail: Trail, s: int, x_0_at_s: Tensor | None = None) -> Tensor:
    """From the end of the trail to time s, along the polynomial through its evaluations, and the one at s if given.

    Zhao et al. 2023, equations 3 and 8, for x_0: x_s = constant part - signal_s B sum of rho_m (x_0_m - x_0) / r_m.
    """
    (t, x_0), *earlier = trail.evaluations
    h = schedule.half_log_snr(s) - schedule.half_log_snr(t)
    ratios = [(schedule.half_log_snr(e.t) - schedule.half_log_snr(t)) / h for e in earlier]
    slopes = [(e.x_0 - x_0) / r for e, r in zip(earlier, ratios, strict=True)]
    if x_0_at_s is not None:
        ratios, slopes = [*ratios, 1.0], [*slopes, x_0_at_s - x_0]
    signal, decay = schedule.signal(s, x_0), schedule.noise(s, x_0) / schedule.noise(t, x_0)
    constant = decay * trail.x - signal * math.expm1(-h) * x_0
    correction = sum(rho * slope for rho, slope in zip(weights(h, ratios), slopes, strict=True))
    return constant - signal * math.expm1(-h) * correction


def weights(h: float, ratios: list[float]) -> list[float]:
    """rho of Zhao et al. 2023, theorem 3.1: with them the step is exact for polynomials through all evaluations.

    A single evaluation gets 1/2, its limit for small h, as the paper recommends.
    """
    if len(ratios) < 2:
        return [0.5] * len(ratios)
    phi, goals = math.expm1(-h) / -h - 1, []
    for k in range(1, len(ratios) + 1):
        goals.append(math.factorial(k) * phi / math.expm1(-h))
        phi = phi / -h - 1 / math.factorial(k + 1)
    powers = np.vander(ratios, increasing=True).T  # row k holds the ratios to the power of k
    return np.linalg.solve(powers, goals).tolist()
