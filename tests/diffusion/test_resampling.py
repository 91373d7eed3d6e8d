"""Resampling steps of RePaint: back to more noise and down again, several times."""

import pytest
import torch
from torch.testing import assert_close

from diffusion.inpainting import Edit, Resampled
from diffusion.samplers import DDPM, DPMSolverPP2M, UniPC
from diffusion.sampling import ImageNoise, generate
from tests.diffusion.edited import DATA, INIT, RIGHT, SCHEDULE, SEEDS, SHAPE, options
from tests.diffusion.oracle import solve


def test_going_back_keeps_the_noise_level():
    """After x_s is led back to t, pictures of known data have the variance of time t again."""
    n = 40_000
    x_s = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    begun = []

    class ToMarginal:
        def step(self, schedule, denoise, x_t, t, s, noise, memory):
            begun.append(x_t)
            mean, variance = DATA.marginal(schedule, s)
            return mean + variance**0.5 * x_s, memory

    generator = torch.Generator().manual_seed(1)
    noise = lambda: torch.randn(n, generator=generator, dtype=torch.float64)  # noqa: E731
    Resampled(ToMarginal(), None, 2).step(SCHEDULE, None, torch.zeros(n), 120, 60, noise, None)
    mean, variance = DATA.marginal(SCHEDULE, 120)
    assert len(begun) == 2
    assert abs(begun[1].mean() - mean) < 5 * (variance / n) ** 0.5
    assert abs(begun[1].var() / variance - 1) < 5 * (2 / n) ** 0.5


@pytest.mark.parametrize("sampler", [DPMSolverPP2M(), UniPC(), UniPC(order=3)], ids=str)
def test_memory_of_earlier_evaluations_ends_where_noise_leads_back(sampler):
    """Pictures of known data keep their spread, however often a step is taken; DDIM's first-order steps lose some."""
    edit = Edit(torch.zeros(2, 1, 40, 40), 1.0, None, resample=10)
    found = generate(SCHEDULE, DATA.denoise(SCHEDULE), SEEDS, (1, 40, 40), options(sampler, 50), edit=edit)
    assert abs(found.std() / DATA.std - 1) < 0.25


def test_resampling_puts_known_pixels_back_and_leads_from_s_to_t_with_fresh_noise():
    """x_t = sqrt(alpha_bar_t / alpha_bar_s) x_s + sqrt(1 - alpha_bar_t / alpha_bar_s) noise, from the kept x_s."""
    calls, fresh = [], [torch.full((3,), 0.5), torch.full((3,), -2.0)]

    class Halving:
        def step(self, schedule, denoise, x_t, t, s, noise, memory):
            calls.append((x_t, t, s, memory))
            return x_t / 2, "new"

    def keep(x_s, s):
        assert s == 60
        return x_s + torch.tensor([1.0, 0.0, 0.0])

    x_t = torch.tensor([4.0, 2.0, 0.0])
    noise = iter(fresh)
    found = Resampled(Halving(), keep, 3).step(SCHEDULE, None, x_t, 120, 60, lambda: next(noise), "old")
    share = (SCHEDULE.alpha_bar[120] / SCHEDULE.alpha_bar[60]).item()
    expected = [x_t]
    for eps in fresh:
        expected.append(share**0.5 * keep(expected[-1] / 2, 60) + (1 - share) ** 0.5 * eps)
    assert [(t, s, memory) for _, t, s, memory in calls] == [(120, 60, "old"), (120, 60, None), (120, 60, None)]
    for (begun, *_), x in zip(calls, expected, strict=True):
        assert_close(begun, x)
    assert_close(found[0], expected[-1] / 2)
    assert found[1] == "new"


def test_every_step_is_taken_as_often_as_asked():
    times = []

    def denoise(x_t, t):
        times.append(t)
        return DATA.denoise(SCHEDULE)(x_t, t)

    generate(SCHEDULE, denoise, SEEDS, SHAPE, options(steps=4), edit=Edit(INIT, 1.0, RIGHT, resample=3))
    assert times == [t for t in (200, 150, 100, 50) for _ in range(3)]


@pytest.mark.parametrize("sampler", [DDPM(), DPMSolverPP2M(), UniPC()], ids=str)
def test_resampling_once_is_the_sampler_itself_with_its_memory(sampler):
    pictures = []
    for each in (sampler, Resampled(sampler, None, 1)):
        noise = ImageNoise(SEEDS, SHAPE)
        pictures.append(solve(each, SCHEDULE, DATA.denoise(SCHEDULE), [200, 150, 100, 50, 0], noise(), noise))
    assert torch.equal(*pictures)
