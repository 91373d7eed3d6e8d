"""Grids of times and the noise of each image: what sampling begins from."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.sampling import Between, ImageNoise, timesteps
from diffusion.schedule import NoiseSchedule

SPACINGS = ("trailing", "linspace", "leading", "karras")


def schedule_of(T: int) -> NoiseSchedule:
    return NoiseSchedule.named("cosine", T)


@given(st.integers(1, 4000), st.data())
def test_timesteps_fall_evenly_from_T_to_zero(T, data):
    steps = data.draw(st.integers(1, T))
    grid = timesteps(schedule_of(T), steps)
    gaps = {t - s for t, s in pairwise(grid)}
    assert all(type(t) is int for t in grid)
    assert len(grid) == steps + 1 and grid[0] == T and grid[-1] == 0
    assert min(gaps) >= 1 and max(gaps) - min(gaps) <= 1


@given(st.sampled_from(SPACINGS), st.sampled_from(["linear", "cosine"]), st.integers(21, 1000), st.data())
def test_every_spacing_takes_as_many_falling_steps_as_asked(spacing, name, T, data):
    start = data.draw(st.integers(1, T))
    steps = data.draw(st.integers(1, start))
    grid = timesteps(NoiseSchedule.named(name, T), steps, spacing, start)
    assert all(type(t) is int for t in grid)
    assert len(grid) == steps + 1 and grid[-1] == 0
    assert all(t > s for t, s in pairwise(grid))
    assert grid[0] == start or (spacing == "leading" and grid[0] <= start)


@given(st.integers(1, 1000), st.data())
def test_even_spacings_round_down_from_the_exact_times(start, data):
    """Trailing from start to 0, linspace from start to 1, leading by the whole part of start / steps up from 1."""
    steps, schedule = data.draw(st.integers(1, start)), NoiseSchedule.named("linear", 1000)
    trailing, linspace, leading = (timesteps(schedule, steps, s, start) for s in ("trailing", "linspace", "leading"))
    grids = [(np.linspace(start, 0, steps + 1), trailing)] + [(np.linspace(start, 1, steps), linspace[:-1])] * (
        steps > 1
    )
    for exact, times in grids:
        assert all(-1e-9 <= e - t < 1 - 1e-9 for e, t in zip(exact, times, strict=True))
    if steps > 1:
        assert {t - s for t, s in pairwise(leading[:-1])} == {start // steps} and leading[-2] == 1


def test_spacings_of_the_papers():
    """Lin et al. 2024, table 2, for T = 1000 and 10 steps; its times count from 0, ours from 1."""
    schedule = NoiseSchedule.named("linear", 1000)
    assert timesteps(schedule, 10, "leading") == [901, 801, 701, 601, 501, 401, 301, 201, 101, 1, 0]
    assert timesteps(schedule, 10, "linspace") == [1000, 889, 778, 667, 556, 445, 334, 223, 112, 1, 0]
    assert timesteps(schedule, 10) == [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 0]


def test_karras_steps_are_even_in_the_seventh_root_of_sigma():
    """At the nearest of the times of the schedule; on the linear one each finds a time of its own."""
    schedule = NoiseSchedule.named("linear", 1000)
    grid = timesteps(schedule, 8, "karras")[:-1]
    root = [schedule.sigma(t) ** (1 / 7) for t in range(1001)]
    even = np.linspace(root[1000], root[1], 8)
    for t, wanted in zip(grid, even, strict=True):
        assert t == min(range(1, 1001), key=lambda near: abs(root[near] ** 7 - wanted**7))


@pytest.mark.parametrize("T", [1, 2, 50, 1000])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_as_many_steps_as_T_visit_every_time(spacing, T):
    assert timesteps(schedule_of(T), T, spacing) == list(range(T, -1, -1))


@pytest.mark.parametrize("steps", [0, -1, 101, True, 10.0, "10", None])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(ValueError, match=f"steps={steps!r}.*T = 100") as refused:
        timesteps(schedule_of(100), steps)
    assert "\n" not in str(refused.value)


def test_more_steps_than_there_are_times_from_the_start_are_refused():
    with pytest.raises(ValueError) as refused:
        timesteps(schedule_of(100), 11, start=10)
    assert str(refused.value) == "steps=11: must be a whole number from 1 to 10, the time at which sampling starts"


def test_noise_is_that_of_torch_with_the_generator_of_each_seed():
    noise = ImageNoise([5, 0, 2**63 - 1], (2, 3, 4))
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 0, 2**63 - 1)]
    for _ in range(3):
        sampled = noise()
        assert sampled.shape == (3, 2, 3, 4) and sampled.dtype == torch.float32
        for image, generator in zip(sampled, generators, strict=True):
            assert torch.equal(image, torch.randn(2, 3, 4, generator=generator))


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6, unique=True), st.data())
def test_noise_of_an_image_does_not_depend_on_its_batch_or_its_place(seeds, data):
    shuffled = data.draw(st.permutations(seeds))
    batch, other_order, alone = (ImageNoise(s, (1, 2, 2)) for s in (seeds, shuffled, seeds[:1]))
    torch.manual_seed(data.draw(st.integers(0, 9)))  # the global generator plays no part
    for _ in range(2):
        of_batch, of_other, of_alone = batch(), other_order(), alone()
        assert torch.equal(of_batch[0], of_alone[0])
        for place, seed in enumerate(seeds):
            assert torch.equal(of_batch[place], of_other[shuffled.index(seed)])


def test_noise_differs_between_seeds_and_between_calls():
    noise = ImageNoise([0, 1], (1, 4, 4))
    first, second = noise(), noise()
    assert len({tuple(image.flatten().tolist()) for image in (*first, *second)}) == 4


def test_noise_is_on_the_device_asked_for():
    assert ImageNoise([0], (1, 2, 2), "meta")().device.type == "meta"
    assert ImageNoise([0], (1, 2, 2))().device.type == "cpu"


def test_noise_without_seeds_is_refused():
    with pytest.raises(ValueError, match=r"^seeds: at least one is needed, one for each image$"):
        ImageNoise([], (1, 2, 2))


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.0, "3", None])
def test_impossible_seeds_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed=.*2\^63 - 1") as refused:
        ImageNoise([0, seed], (1, 4, 4))
    assert repr(seed) in str(refused.value) and "\n" not in str(refused.value)


def test_noise_between_two_seeds_stays_standard_normal_and_ends_in_theirs():
    shape = (1, 100, 100)
    shares = (0.0, 0.25, 0.5, 1.0)
    noise, one, other = (
        ImageNoise([Between(3, 8, a) for a in shares], shape),
        ImageNoise([3], shape),
        ImageNoise([8], shape),
    )
    for _ in range(2):
        sampled, first, last = noise(), one()[0], other()[0]
        torch.testing.assert_close(sampled[0], first, atol=0, rtol=0)
        torch.testing.assert_close(sampled[3], last)
        assert (sampled.std(dim=(1, 2, 3)) - 1).abs().max() < 0.03  # three standard errors of 10,000 numbers are 0.02
        torch.testing.assert_close(sampled[1], math.cos(math.pi / 8) * first + math.sin(math.pi / 8) * last)
        torch.testing.assert_close(sampled[2], (first + last) / 2**0.5)


def test_between_a_seed_and_itself_is_that_seed():
    assert torch.equal(ImageNoise([Between(3, 3, 0.4)], (1, 4, 4))(), ImageNoise([3], (1, 4, 4))())
