"""Euler's method, with and without fresh noise.

The probability-flow equation of y = x / sqrt(alpha_bar) in sigma = sqrt((1 - alpha_bar) / alpha_bar) is
dy / dsigma = eps (Karras et al. 2022, equation 1 with its s(t) = 1; Song et al. 2021, equation 14).
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from conf import setting
from diffusion.samplers.base import Sampler


class Euler(Sampler):
    """Euler's method on the probability-flow equation; the same steps as ddim

    y_t + (sigma_s - sigma_t) eps with y_t = x_0 + sigma_t eps: DDIM with eta = 0, written differently.
    """

    name: Literal["euler"] = "euler"
    renoises: ClassVar[bool] = True

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        x_0, eps = denoise(x_t, t)
        return schedule.signal(s, x_t) * (x_0 + schedule.sigma(s) * eps), None


class EulerAncestral(Sampler):
    """Euler steps with fresh noise; the same steps as ddim with this eta

    A step to below the noise level of s, and fresh noise up to it. eta is the share of the posterior's standard
    deviation that is fresh; 1 equals DDPM with the posterior variance.
    """

    name: Literal["euler_ancestral"] = "euler_ancestral"
    eta: float = setting(1.0, "share of fresh noise: 0 is deterministic, 1 equals ddpm", ge=0, le=1)
    renoises: ClassVar[bool] = True

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        sigma_t, sigma_s = schedule.sigma(t), schedule.sigma(s)
        up = self.eta * sigma_s * math.sqrt(1 - (sigma_s / sigma_t) ** 2)
        x_0, eps = denoise(x_t, t)
        y_s = x_0 + math.sqrt(sigma_s**2 - up**2) * eps
        return schedule.signal(s, x_t) * (y_s + up * noise() if up > 0 else y_s), None
