"""Grids of times: where the steps of sampling lie."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.schedule import NoiseSchedule
from diffusion.spacing import SPACINGS, Karras, Leading, Linspace, Listed, Power, Trailing, falling, timesteps

by_name = pytest.mark.parametrize(
    "spacing", [kind() for kind in SPACINGS if kind is not Listed], ids=lambda spacing: spacing.name
)


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


@given(
    st.sampled_from([kind() for kind in SPACINGS if kind is not Listed]),
    st.sampled_from(["linear", "cosine"]),
    st.integers(21, 1000),
    st.data(),
)
def test_every_spacing_takes_as_many_falling_steps_as_asked(spacing, name, T, data):
    start = data.draw(st.integers(1, T))
    steps = data.draw(st.integers(1, start))
    grid = timesteps(NoiseSchedule.named(name, T), steps, spacing, start)
    assert all(type(t) is int for t in grid)
    assert len(grid) == steps + 1 and grid[-1] == 0
    assert all(t > s for t, s in pairwise(grid))
    assert grid[0] == start or (spacing.name == "leading" and grid[0] <= start)


@given(st.integers(1, 1000), st.data())
def test_even_spacings_round_down_from_the_exact_times(start, data):
    """Trailing from start to 0, linspace from start to 1, leading by the whole part of start / steps up from 1."""
    steps, schedule = data.draw(st.integers(1, start)), NoiseSchedule.named("linear", 1000)
    trailing, linspace, leading = (timesteps(schedule, steps, s, start) for s in (Trailing(), Linspace(), Leading()))
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
    assert timesteps(schedule, 10, Leading()) == [901, 801, 701, 601, 501, 401, 301, 201, 101, 1, 0]
    assert timesteps(schedule, 10, Linspace()) == [1000, 889, 778, 667, 556, 445, 334, 223, 112, 1, 0]
    assert timesteps(schedule, 10) == [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 0]


@pytest.mark.parametrize("rho", [3, 7])
def test_karras_steps_are_even_in_a_root_of_sigma(rho):
    """At the nearest of the times of the schedule; on the linear one each finds a time of its own."""
    schedule = NoiseSchedule.named("linear", 1000)
    grid = timesteps(schedule, 8, Karras(rho=rho))[:-1]
    root = [schedule.sigma(t) ** (1 / rho) for t in range(1001)]
    even = np.linspace(root[1000], root[1], 8)
    for t, wanted in zip(grid, even, strict=True):
        assert t == min(range(1, 1001), key=lambda near: abs(root[near] ** rho - wanted**rho))


@pytest.mark.parametrize("T", [1, 2, 50, 1000])
@by_name
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


@given(st.integers(2, 1000), st.floats(0.1, 10), st.data())
def test_power_spacing_is_that_power_of_what_is_left_where_times_are_free(start, exponent, data):
    """Rounded, and moved by those before and after alone; at an exponent of 1 it is trailing, within rounding."""
    steps, schedule = data.draw(st.integers(2, start)), NoiseSchedule.named("linear", 1000)
    grid = timesteps(schedule, steps, Power(exponent=exponent), start)
    wanted = [start * (1 - i / steps) ** exponent for i in range(steps)] + [0]
    for i, (t, exact) in enumerate(zip(grid, wanted, strict=True)):
        free = t == steps - i or (i > 0 and t == grid[i - 1] - 1)  # the room that others need
        assert free or abs(t - exact) <= 0.5
    even = timesteps(schedule, steps, Power(exponent=1.0), start)
    assert all(abs(t - s) <= 1 for t, s in zip(even, timesteps(schedule, steps, Trailing(), start), strict=True))


def test_quadratic_spacing():
    """Song et al. 2021, appendix D.2: times that are a constant times i^2."""
    assert timesteps(NoiseSchedule.named("linear", 1000), 10, Power()) == [i * i * 10 for i in range(10, -1, -1)]


def test_times_that_are_taken_move_and_others_stay():
    assert falling([9, 9, 9, 4, 2, 0], 9) == [9, 8, 7, 4, 2, 1]
    assert falling([3, 1, 1, 1], 9) == [4, 3, 2, 1]


def test_listed_times_are_taken_as_they_are():
    schedule = NoiseSchedule.named("linear", 1000)
    assert timesteps(schedule, 3, Listed(times=[1000, 125, 7])) == [1000, 125, 7, 0]
    assert timesteps(schedule, 1, Listed(times=[600]), 700) == [600, 0]


@pytest.mark.parametrize(
    ("times", "steps", "start"),
    [([1000, 125], 3, 1000), ([125, 1000], 2, 1000), ([500, 500], 2, 1000), ([1000, 125], 2, 600), ([1001], 1, 1000)],
    ids=["too few", "rising", "twice", "beyond the start", "beyond T"],
)
def test_listed_times_that_are_no_grid_are_refused(times, steps, start):
    with pytest.raises(ValueError, match=rf"must be {steps} falling times from {start} at most, one for each step"):
        timesteps(NoiseSchedule.named("linear", 1000), steps, Listed(times=times), start)
