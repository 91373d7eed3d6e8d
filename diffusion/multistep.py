"""Samplers that remember: they extrapolate the predicted pictures of earlier steps, and so need few steps.

All are written for x_0 in lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)), in which the exact solution of the
probability-flow equation is (Lu et al. 2022b, equation 8)

    x_s = noise_s / noise_t x_t + signal_s * integral of e^(lambda - lambda_s) x_0(lambda), from lambda_t to lambda_s

and differ in how they continue x_0(lambda) beyond the last look at the picture. They keep to samplers.Sampler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from torch import Tensor

from diffusion.schedule import NoiseSchedule


class Look(NamedTuple):
    """A time, and the picture that was predicted there."""

    t: int
    x_0: Tensor


@dataclass(frozen=True)
class DPMSolverPP2M:
    """DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2): x_0 continues along the line through the last two looks.

    The first step, which has one look, and the last, to infinite lambda, take x_0 as constant, as DDIM does.
    """

    renoises: ClassVar[bool] = False

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        look = Look(t, denoise(x_t, t).x_0)
        if s == 0:
            return look.x_0, None
        h = schedule.half_log_snr(s) - schedule.half_log_snr(t)
        x_0 = look.x_0
        if memory is not None:
            r = (schedule.half_log_snr(t) - schedule.half_log_snr(memory.t)) / h
            x_0 = x_0 + (look.x_0 - memory.x_0) / (2 * r)
        decay = schedule.noise(s, x_t) / schedule.noise(t, x_t)
        return decay * x_t - schedule.signal(s, x_t) * math.expm1(-h) * x_0, look


class Trail(NamedTuple):
    """Where UniPC was: the picture at the last time, the last looks, newest first, and what it foretold from them."""

    x: Tensor
    looks: tuple[Look, ...]
    foretold: Tensor | None = None


@dataclass(frozen=True)
class UniPC:
    """UniPC (Zhao et al. 2023, algorithms 5 and 6, with B(h) = e^h - 1): for few steps, but no fewer than about eight.

    A predictor step is corrected once the picture at its end has been looked at; the look is needed for the next step
    anyway, so the correction costs nothing.

    order : of the predictor, 1 to 3; the corrector adds one. The paper advises 2 with guidance
    """

    order: int = 2
    renoises: ClassVar[bool] = False

    def __post_init__(self):
        if type(self.order) is not int or self.order not in (1, 2, 3):
            raise ValueError(f"sampler.order={self.order!r}: must be 1, 2 or 3; higher orders are not stable")

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        look = Look(t, denoise(x_t, t).x_0)
        if s == 0:
            return look.x_0, None
        earlier = ()
        if memory is not None:  # as a difference, so that what was done to the picture since, as in inpainting, stays
            x_t, earlier = x_t + advance(schedule, memory, t, look.x_0) - memory.foretold, memory.looks
        trail = Trail(x_t, (look, *earlier)[: self.order])
        x_s = advance(schedule, trail, s)
        return x_s, trail._replace(foretold=x_s)


def advance(schedule: NoiseSchedule, trail: Trail, s: int, x_0_at_s: Tensor | None = None) -> Tensor:
    """From the end of the trail to time s, along the polynomial through its looks, and through the one at s if given.

    Zhao et al. 2023, equations 3 and 8, for x_0: x_s = constant part - signal_s B sum of rho_m (x_0_m - x_0) / r_m.
    """
    (t, x_0), *earlier = trail.looks
    h = schedule.half_log_snr(s) - schedule.half_log_snr(t)
    ratios = [(schedule.half_log_snr(look.t) - schedule.half_log_snr(t)) / h for look in earlier]
    slopes = [(look.x_0 - x_0) / r for look, r in zip(earlier, ratios, strict=True)]
    if x_0_at_s is not None:
        ratios, slopes = [*ratios, 1.0], [*slopes, x_0_at_s - x_0]
    signal, decay = schedule.signal(s, x_0), schedule.noise(s, x_0) / schedule.noise(t, x_0)
    constant = decay * trail.x - signal * math.expm1(-h) * x_0
    correction = sum(rho * slope for rho, slope in zip(weights(h, ratios), slopes, strict=True))
    return constant - signal * math.expm1(-h) * correction


def weights(h: float, ratios: list[float]) -> list[float]:
    """rho of Zhao et al. 2023, theorem 3.1: with them the step is exact for polynomials through all looks.

    A single look gets 1/2, its limit for small h, as the paper recommends.
    """
    if len(ratios) < 2:
        return [0.5] * len(ratios)
    phi, goals = math.expm1(-h) / -h - 1, []
    for k in range(1, len(ratios) + 1):
        goals.append(math.factorial(k) * phi / math.expm1(-h))
        phi = phi / -h - 1 / math.factorial(k + 1)
    powers = np.vander(ratios, increasing=True).T  # row k holds the ratios to the power of k
    return np.linalg.solve(powers, goals).tolist()
