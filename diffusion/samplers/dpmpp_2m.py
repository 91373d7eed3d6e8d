"""DPM-Solver++(2M), a multistep sampler: it extrapolates from earlier predictions and so needs few steps.

It is written for x_0 in lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)), in which the exact solution of the
probability-flow equation is (Lu et al. 2022b, equation 8)

    x_s = noise_s / noise_t x_t + signal_s * integral of e^(lambda - lambda_s) x_0(lambda), from lambda_t to lambda_s

What remains is how to continue x_0(lambda) beyond the last evaluation.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from torch import Tensor

from diffusion.samplers.base import Sampler


class Evaluation(NamedTuple):
    """A time, and the x_0 predicted there."""

    t: int
    x_0: Tensor


class DPMSolverPP2M(Sampler):
    """DPM-Solver++(2M): second order with one network evaluation per step

    x_0 continues along the line through the last two evaluations (Lu et al. 2022b, algorithm 2). The first step, which
    has one, and the last, to infinite lambda, take x_0 as constant, as DDIM does.
    """

    name: Literal["dpmpp_2m"] = "dpmpp_2m"

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        now = Evaluation(t, denoise(x_t, t).x_0)
        if s == 0:
            return now.x_0, None
        h = schedule.half_log_snr(s) - schedule.half_log_snr(t)
        x_0 = now.x_0
        if memory is not None:
            r = (schedule.half_log_snr(t) - schedule.half_log_snr(memory.t)) / h
            x_0 = x_0 + (now.x_0 - memory.x_0) / (2 * r)
        decay = schedule.noise(s, x_t) / schedule.noise(t, x_t)
        return decay * x_t - schedule.signal(s, x_t) * math.expm1(-h) * x_0, now
