"""A data distribution whose perfect denoiser is known in closed form, and what can be computed exactly with it.

For data x_0 ~ N(mean, std^2 I), every quantity that a sampler approximates has a formula: the posterior mean
E[x_0 | x_t], the law of x_t, and the solution of the probability-flow ODE. The formulas below use only
alpha_bar, so that a sampler is tested against something other than itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from diffusion.gaussian import Prediction
from diffusion.schedule import NoiseSchedule


@dataclass(frozen=True)
class GaussianData:
    """Data x_0 ~ N(mean, std^2) in every pixel."""

    mean: float = 0.3
    std: float = 0.5

    def samples(self, shape: Sequence[int], seed: int) -> Tensor:
        """Samples of the data, float64."""
        return self.mean + self.std * seeded_noise(shape, seed)()

    def marginal(self, schedule: NoiseSchedule, t: int) -> tuple[float, float]:
        """Mean and variance of x_t: sqrt(alpha_bar) mean and alpha_bar std^2 + 1 - alpha_bar."""
        alpha_bar = schedule.alpha_bar[t].item()
        return math.sqrt(alpha_bar) * self.mean, alpha_bar * self.std**2 + 1 - alpha_bar

    def denoise(self, schedule: NoiseSchedule) -> Callable[[Tensor, int], Prediction]:
        """The perfect denoiser (x_t, t) -> (E[x_0 | x_t], E[eps | x_t]).

        E[x_0 | x_t] = mean + sqrt(alpha_bar) std^2 / Var[x_t] (x_t - sqrt(alpha_bar) mean)
        """

        def denoise(x_t: Tensor, t: int) -> Prediction:
            signal = math.sqrt(schedule.alpha_bar[t].item())
            mean, variance = self.marginal(schedule, t)
            x_0 = self.mean + signal * self.std**2 / variance * (x_t - mean)
            return Prediction(x_0, (x_t - signal * x_0) / math.sqrt(1 - signal**2))

        return denoise

    def flow(self, schedule: NoiseSchedule, x_t: Tensor, t: int, s: int) -> Tensor:
        """Where the probability-flow ODE takes x_t at time s.

        For Gaussian data the ODE keeps the number of standard deviations from the mean of the marginal.
        """
        mean_t, variance_t = self.marginal(schedule, t)
        mean_s, variance_s = self.marginal(schedule, s)
        return mean_s + math.sqrt(variance_s / variance_t) * (x_t - mean_t)


def seeded_noise(shape: Sequence[int], seed: int) -> Callable[[], Tensor]:
    """A source of float64 N(0, I) that gives the same sequence for the same seed, as samplers expect it."""
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def no_noise() -> Tensor:
    """For samplers that must not ask for any."""
    raise AssertionError("a deterministic sampler asked for noise")


def solve(sampler, schedule: NoiseSchedule, denoise, timesteps: Sequence[int], x: Tensor, noise=no_noise) -> Tensor:
    """The loop over the steps, written out here so that a sampler's test needs nothing but the sampler."""
    memory = None
    for t, s in pairwise(timesteps):
        x, memory = sampler.step(schedule, denoise, x, t, s, noise, memory)
    return x


def propagate(
    sampler, schedule: NoiseSchedule, denoise, timesteps: Sequence[int], mean: float, variance: float
) -> tuple[float, float]:
    """Exact mean and variance of a sampler's result, for a memoryless sampler and a denoiser affine in x_t.

    One step is then x_s = offset + slope x_t + scale noise, read off by stepping from 0 and from 1 without
    noise and from 0 with noise 1.
    """
    probes = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    noise = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    for t, s in pairwise(timesteps):
        offset, at_one, with_noise = sampler.step(schedule, denoise, probes, t, s, lambda: noise, None)[0].tolist()
        slope, scale = at_one - offset, with_noise - offset
        mean, variance = offset + slope * mean, slope**2 * variance + scale**2
    return mean, variance


def measured_order(sampler, schedule: NoiseSchedule, data: GaussianData, start: int, end: int, step_counts) -> float:
    """Order of convergence of a deterministic sampler to the probability-flow ODE between two times.

    The slope of log(error) against log(step size), by least squares; each count must divide start - end.
    """
    x_t = torch.linspace(-2, 2, 9, dtype=torch.float64)
    exact = data.flow(schedule, x_t, start, end)
    errors = []
    for steps in step_counts:
        grid = list(range(start, end - 1, -((start - end) // steps)))
        assert len(grid) == steps + 1, f"{steps} steps do not divide {start} - {end}"
        errors.append((solve(sampler, schedule, data.denoise(schedule), grid, x_t) - exact).abs().max())
    log_step = -torch.tensor(step_counts, dtype=torch.float64).log()
    log_error = torch.stack(errors).log()
    deviation = log_step - log_step.mean()
    return ((deviation * log_error).sum() / deviation.square().sum()).item()
