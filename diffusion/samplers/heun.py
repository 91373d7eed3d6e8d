"""Heun's method."""

from __future__ import annotations

from typing import Literal

from diffusion.samplers.base import Sampler


class Heun(Sampler):
    """second order, two network evaluations per step

    The mean of the slopes at both ends of a step (Karras et al. 2022, algorithm 1), on the equation of `Euler`. The
    last step has one evaluation: there sigma is 0 and has no slope.
    """

    name: Literal["heun"] = "heun"

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        sigma_t, sigma_s = schedule.sigma(t), schedule.sigma(s)
        y_t, slope = x_t / schedule.signal(t, x_t), denoise(x_t, t).eps
        x_s = schedule.signal(s, x_t) * (y_t + (sigma_s - sigma_t) * slope)
        if s == 0:
            return x_s, None
        slope = (slope + denoise(x_s, s).eps) / 2
        return schedule.signal(s, x_t) * (y_t + (sigma_s - sigma_t) * slope), None
