"""Implicit sampling."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from conf import setting
from diffusion.samplers.base import Sampler


class DDIM(Sampler):
    """implicit sampling, good with few steps

    Song et al. 2021, equations 12 and 16; eta is the share of the posterior's standard deviation that is fresh noise.
    """

    name: Literal["ddim"] = "ddim"
    eta: float = setting(0.0, "share of fresh noise: 0 is deterministic, 1 equals ddpm", ge=0, le=1)
    renoises: ClassVar[bool] = True

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        x_0, eps = denoise(x_t, t)
        sigma = self.eta * math.sqrt(schedule.posterior(t, s)[2])
        direction = math.sqrt(max(1 - schedule.alpha_bar[s].item() - sigma**2, 0.0))
        x_s = schedule.signal(s, x_t) * x_0 + direction * eps
        return (x_s + sigma * noise() if sigma > 0 else x_s), None
