"""Samplers step by step against the schedulers of the diffusers library: same outputs, same times, same noise.

There, time counts from 0, so its t is our t + 1. It keeps its tables of alpha_bar and sigma in float32, where ours are
float64: that, near T, is the reason for the tolerance. Some of its schedulers hold y = x / sqrt(alpha_bar).
"""

from itertools import pairwise

import diffusers
import pytest
import torch
from torch.testing import assert_close

from diffusion.gaussian import Prediction
from diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Euler, EulerAncestral, Heun, UniPC
from diffusion.schedule import NoiseSchedule
from diffusion.spacing import Leading, Linspace, Trailing, timesteps
from tests.diffusion.oracle import seeded_noise

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SCHEDULE = NoiseSchedule.named("linear", 1000)
SHAPE = (3, 1, 4, 4)
COMMON = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
TRAILING = {**COMMON, "timestep_spacing": "trailing"}
CLOSE = {"rtol": 2e-3, "atol": 2e-4}


def bent(x_t, t: int) -> Prediction:
    """A denoiser that is not linear and stays in [-1, 1]."""
    x_0 = torch.tanh(x_t + 0.3 * torch.sin(torch.tensor(t / 200.0)))
    signal, noise = SCHEDULE.signal(t, x_t), SCHEDULE.noise(t, x_t)
    return Prediction(x_0, (x_t - signal * x_0) / noise)


def ours(sampler, times, noise) -> list[torch.Tensor]:
    x, memory, path = noise(), None, []
    for t, s in pairwise(times):
        x, memory = sampler.step(SCHEDULE, bent, x, t, s, noise, memory)
        path.append(x)
    return path


def theirs(scheduler, steps: int, generator: torch.Generator, output: str, scaled: bool) -> tuple[list, list]:
    """Pictures x_s after each step, and the times; `output` is what the model is taken to predict."""
    scheduler.set_timesteps(steps)
    x = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    times = [int(t) + 1 for t in scheduler.timesteps]
    sample = x / SCHEDULE.signal(times[0], x) if scaled else x
    path = []
    for i, t in enumerate(scheduler.timesteps):
        x_t = sample * SCHEDULE.signal(times[i], x) if scaled else sample
        if scaled:
            scheduler.scale_model_input(sample, t)  # it insists
        prediction = getattr(bent(x_t, times[i]), output)
        more = {} if isinstance(scheduler, NO_GENERATOR) else {"generator": generator}
        sample = scheduler.step(prediction, t, sample, **more).prev_sample
        s = times[i + 1] if i + 1 < len(times) else 0
        path.append(sample * SCHEDULE.signal(s, x) if scaled else sample)
    return path, [*times, 0]


NO_GENERATOR = (diffusers.UniPCMultistepScheduler, diffusers.HeunDiscreteScheduler)
PAIRS = {
    "ddpm": (DDPM(), diffusers.DDPMScheduler, {**TRAILING, "clip_sample": False}, "eps", False),
    "ddim": (DDIM(), diffusers.DDIMScheduler, {**TRAILING, "clip_sample": False}, "eps", False),
    "euler": (Euler(), diffusers.EulerDiscreteScheduler, TRAILING, "eps", True),
    "ancestral": (EulerAncestral(), diffusers.EulerAncestralDiscreteScheduler, TRAILING, "eps", True),
    "dpmpp_2m": (DPMSolverPP2M(), diffusers.DPMSolverMultistepScheduler, TRAILING, "eps", False),
    "unipc 1": (UniPC(order=1), diffusers.UniPCMultistepScheduler, {**TRAILING, "solver_order": 1}, "eps", False),
    "unipc 2": (UniPC(order=2), diffusers.UniPCMultistepScheduler, {**TRAILING, "solver_order": 2}, "eps", False),
}


@pytest.mark.parametrize("steps", [5, 10, 20, 50])
@pytest.mark.parametrize("name", PAIRS)
def test_every_step_agrees(name, steps):
    sampler, make, settings, output, scaled = PAIRS[name]
    expected, times = theirs(make(**settings), steps, torch.Generator().manual_seed(0), output, scaled)
    found = ours(sampler, times, seeded_noise(SHAPE, 0))
    assert len(found) == len(expected) == steps
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other.double(), **CLOSE)


@pytest.mark.parametrize("steps", [10, 20])
def test_unipc_of_third_order_agrees_but_for_the_end(steps):
    """There, the order falls to 2 one step before the last; ours does not know how many steps will follow."""
    scheduler = diffusers.UniPCMultistepScheduler(**TRAILING, solver_order=3)
    expected, times = theirs(scheduler, steps, torch.Generator().manual_seed(0), "eps", False)
    found = ours(UniPC(order=3), times, seeded_noise(SHAPE, 0))
    for one, other in zip(found[:-2], expected[:-2], strict=True):
        assert_close(one, other.double(), **CLOSE)


def test_heun_agrees():
    """There, one of our steps is two calls, the second at the time of the end of the step."""
    scheduler = diffusers.HeunDiscreteScheduler(**TRAILING)
    scheduler.set_timesteps(10)
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y, ends = x / SCHEDULE.signal(1000, x), []
    for i, t in enumerate(scheduler.timesteps):
        time = int(t) + 1
        y = scheduler.step(bent(y * SCHEDULE.signal(time, x), time).eps, t, y).prev_sample
        if i % 2 == 1 or i == len(scheduler.timesteps) - 1:
            ends.append(y)
    times = [1000 - 100 * i for i in range(11)]
    for s, one, other in zip(times[1:], ours(Heun(), times, seeded_noise(SHAPE, 0)), ends, strict=True):
        assert_close(one, other.double() * SCHEDULE.signal(s, x), **CLOSE)


@pytest.mark.parametrize("spacing", [Trailing(), Linspace(), Leading()], ids=lambda spacing: spacing.name)
@pytest.mark.parametrize("steps", [7, 10, 25, 50, 333])
def test_times_agree(spacing, steps):
    """Its linspace and trailing times are rounded to even halves, ours are rounded down: one apart at most."""
    scheduler = diffusers.DDIMScheduler(**COMMON, timestep_spacing=spacing.name)
    scheduler.set_timesteps(steps)
    found = timesteps(SCHEDULE, steps, spacing)[:-1]
    expected = [int(t) + 1 for t in scheduler.timesteps][: len(found)]
    assert len(found) == steps
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= 1
