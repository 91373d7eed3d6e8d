"""Ancestral sampling, as in DDPM."""

from __future__ import annotations

import math
from typing import Literal

from conf import setting
from diffusion.samplers.base import Sampler


class DDPM(Sampler):
    """ancestral sampling, for many steps

    Ho et al. 2020, algorithm 2, over any pair of times. The variances are that of q(x_s | x_t, x_0) and that of
    q(x_t | x_s), the two extremes of their section 3.2.
    """

    name: Literal["ddpm"] = "ddpm"
    variance: Literal["posterior", "beta"] = setting("posterior", "of a step: the two extremes of the DDPM paper")

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        a, b, variance = schedule.posterior(t, s)
        x_s = a * denoise(x_t, t).x_0 + b * x_t
        if s == 0:  # the last step returns the mean: data carries no noise
            return x_s, None
        if self.variance == "beta":
            variance = 1 - (schedule.alpha_bar[t] / schedule.alpha_bar[s]).item()
        return x_s + math.sqrt(variance) * noise(), None
