"""Samplers: against each other with the same noise, and against Gaussian data where the exact result is known."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion import samplers
from diffusion.gaussian import Prediction
from diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Euler, EulerAncestral, Heun, Sampler, UniPC
from diffusion.schedule import NoiseSchedule
from tests.diffusion.oracle import GaussianData, measured_order, no_noise, propagate, seeded_noise, solve

SCHEDULE = NoiseSchedule.named("linear", 1000)
DATA = GaussianData(mean=0.3, std=0.5)
SHAPE = (4, 1, 3, 3)
STOCHASTIC = [DDPM(), DDPM(variance="beta"), DDIM(eta=0.5), DDIM(eta=1.0), EulerAncestral(), EulerAncestral(eta=0.4)]
DETERMINISTIC = [DDIM(), Euler(), Heun(), DPMSolverPP2M(), UniPC(order=1), UniPC(order=2), UniPC(order=3)]
SAMPLERS = STOCHASTIC + DETERMINISTIC
REMEMBERING = (DPMSolverPP2M, UniPC)
EVERY_TIME = list(range(1000, -1, -1))
TWENTY_STEPS = list(range(1000, -1, -50))
UNEVEN = [1000, 997, 800, 799, 400, 30, 7, 1, 0]


def test_every_sampler_is_tested_here():
    assert {type(sampler) for sampler in SAMPLERS} == set(samplers.SAMPLERS)
    with pytest.raises(NotImplementedError):
        Sampler().step(SCHEDULE, None, None, 2, 1, no_noise, None)


@st.composite
def falling_times(draw, T: int) -> tuple[int, int]:
    """(t, s) with 0 <= s < t <= T."""
    s = draw(st.integers(0, T - 1))
    return draw(st.integers(s + 1, T)), s


def bent(schedule: NoiseSchedule):
    """A denoiser that is far from linear, to show that identities do not rest on Gaussian data."""

    def denoise(x_t, t):
        x_0 = torch.sin(3 * x_t + t)
        bar = schedule.alpha_bar[t].item()
        return Prediction(x_0, (x_t - math.sqrt(bar) * x_0) / math.sqrt(1 - bar))

    return denoise


@pytest.mark.parametrize("denoise", [DATA.denoise(SCHEDULE), bent(SCHEDULE)], ids=["gaussian", "bent"])
@pytest.mark.parametrize("grid", [EVERY_TIME, TWENTY_STEPS, UNEVEN], ids=["every time", "20 steps", "uneven"])
def test_ddpm_equals_ddim_with_eta_one_step_by_step(denoise, grid):
    x = y = seeded_noise(SHAPE, 0)()
    noise_x, noise_y = seeded_noise(SHAPE, 1), seeded_noise(SHAPE, 1)
    for t, s in pairwise(grid):
        x, _ = DDPM().step(SCHEDULE, denoise, x, t, s, noise_x, None)
        y, _ = DDIM(eta=1.0).step(SCHEDULE, denoise, y, t, s, noise_y, None)
        assert_close(x, y, rtol=1e-9, atol=1e-9)


@given(st.sampled_from(["linear", "cosine"]), falling_times(1000), st.sampled_from([DATA.denoise, bent]))
def test_ddim_is_an_euler_step_of_the_probability_flow_ode(name, times, denoiser_of):
    """With y = x / sqrt(alpha_bar), sigma = sqrt((1 - alpha_bar) / alpha_bar): dy / dsigma = (y - x_0) / sigma."""
    (t, s), schedule = times, NoiseSchedule.named(name, 1000)
    denoise = denoiser_of(schedule)
    bar_t, bar_s = schedule.alpha_bar[t].item(), schedule.alpha_bar[s].item()
    sigma_t, sigma_s = math.sqrt((1 - bar_t) / bar_t), math.sqrt((1 - bar_s) / bar_s)
    x_t = seeded_noise(SHAPE, 0)()
    y_t = x_t / math.sqrt(bar_t)
    y_s = y_t + (sigma_s - sigma_t) * (y_t - denoise(x_t, t).x_0) / sigma_t
    x_s, _ = DDIM().step(schedule, denoise, x_t, t, s, no_noise, None)
    assert_close(x_s, math.sqrt(bar_s) * y_s, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("denoise", [DATA.denoise(SCHEDULE), bent(SCHEDULE)], ids=["gaussian", "bent"])
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_euler_and_euler_ancestral_are_ddim(denoise, eta):
    """And with eta = 1, so DDPM; Euler itself where no noise is added."""
    x_t = seeded_noise(SHAPE, 0)()
    for t, s in pairwise(UNEVEN):
        expected, _ = DDIM(eta=eta).step(SCHEDULE, denoise, x_t, t, s, seeded_noise(SHAPE, 1), None)
        found, _ = EulerAncestral(eta=eta).step(SCHEDULE, denoise, x_t, t, s, seeded_noise(SHAPE, 1), None)
        assert_close(found, expected, rtol=1e-9, atol=1e-9)
        if eta == 0:
            assert_close(Euler().step(SCHEDULE, denoise, x_t, t, s, no_noise, None)[0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampler", [DPMSolverPP2M(), UniPC(order=1), UniPC(order=2), UniPC(order=3)], ids=str)
@pytest.mark.parametrize("denoise", [DATA.denoise(SCHEDULE), bent(SCHEDULE)], ids=["gaussian", "bent"])
def test_the_first_step_of_a_multistep_method_is_ddim(sampler, denoise):
    x_t = seeded_noise(SHAPE, 0)()
    for t, s in ((1000, 800), (500, 1), (300, 0)):
        found, _ = sampler.step(SCHEDULE, denoise, x_t, t, s, no_noise, None)
        assert_close(found, DDIM().step(SCHEDULE, denoise, x_t, t, s, no_noise, None)[0], rtol=1e-9, atol=1e-9)


ORDERS = [
    (DDIM(), 1),
    (Euler(), 1),
    (Heun(), 2),
    (DPMSolverPP2M(), 2),
    (UniPC(order=1), 2),
    (UniPC(order=2), 3),
    (UniPC(order=3), 4),
]


@pytest.mark.parametrize(("sampler", "order"), ORDERS, ids=str)
def test_order_of_convergence(sampler, order):
    """Error against the exact solution of the ODE, from t = 900 to t = 100. UniPC's corrector adds one to its order."""
    wide = GaussianData(mean=0.3, std=0.9)  # for others, second-order terms of 2M nearly vanish
    assert abs(measured_order(sampler, SCHEDULE, wide, 900, 100, (80, 160, 400)) - order) < 0.25


@pytest.mark.parametrize("sampler", DETERMINISTIC, ids=str)
def test_ten_steps_bring_pure_noise_near_the_exact_solution(sampler):
    x_T = torch.linspace(-2, 2, 9, dtype=torch.float64)
    exact = DATA.flow(SCHEDULE, x_T, 1000, 0)
    errors = [
        (solve(sampler, SCHEDULE, DATA.denoise(SCHEDULE), range(1000, -1, -1000 // n), x_T) - exact).abs().max()
        for n in (10, 50)
    ]
    assert errors[0] < 0.3 and errors[1] < 0.25 * errors[0]


def test_ddim_over_every_time_follows_the_exact_solution():
    x_T = torch.linspace(-2, 2, 9, dtype=torch.float64)
    x_0 = solve(DDIM(), SCHEDULE, DATA.denoise(SCHEDULE), EVERY_TIME, x_T)
    assert_close(x_0, DATA.flow(SCHEDULE, x_T, 1000, 0), rtol=0, atol=0.01)


@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DDIM(eta=0.3), DDIM(eta=1.0), EulerAncestral(), Heun()], ids=str)
@pytest.mark.parametrize("grid", [EVERY_TIME, TWENTY_STEPS, UNEVEN], ids=["every time", "20 steps", "uneven"])
def test_a_single_picture_is_noised_exactly_as_the_forward_process_noises_it(sampler, grid):
    """With one picture in the data, x_0 is known: each step has to lead from q(x_t | x_0) to q(x_s | x_0)."""
    one = GaussianData(mean=0.4, std=0.0)
    for t, s in pairwise(grid):
        found = propagate(sampler, SCHEDULE, one.denoise(SCHEDULE), [t, s], *one.marginal(SCHEDULE, t))
        assert_close(found, one.marginal(SCHEDULE, s), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("grid", [EVERY_TIME, TWENTY_STEPS, UNEVEN], ids=["every time", "20 steps", "uneven"])
def test_beta_variance_is_exact_for_data_of_unit_variance(grid):
    """Then Var[x_s | x_t] = 1 - alpha_bar_t / alpha_bar_s (Ho et al. 2020, section 3.2), so x_s has its marginal."""
    unit = GaussianData(mean=0.4, std=1.0)
    for t, s in pairwise(grid[:-1]):  # the last step adds no noise
        found = propagate(DDPM(variance="beta"), SCHEDULE, unit.denoise(SCHEDULE), [t, s], *unit.marginal(SCHEDULE, t))
        assert_close(found, unit.marginal(SCHEDULE, s), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("std", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_ddpm_over_every_time_brings_pure_noise_to_the_data(name, std):
    """Mean and variance carried through all 1000 affine steps from N(0, 1), without sampling error.

    The two variances are the lower and the upper bound of the true one, and meet as steps get smaller.
    """
    data, schedule = GaussianData(0.3, std), NoiseSchedule.named(name, 1000)
    low, high = (
        propagate(DDPM(variance=v), schedule, data.denoise(schedule), EVERY_TIME, 0.0, 1.0)
        for v in ("posterior", "beta")
    )
    assert abs(low[0] - 0.3) < 1e-3 and abs(high[0] - 0.3) < 1e-3
    assert 0.95 * std**2 < low[1] < std**2 < high[1] < 1.02 * std**2


def test_error_of_ddpm_halves_when_steps_double():
    errors = []
    for T in (250, 500, 1000):
        schedule = NoiseSchedule.named("linear", T)
        _, variance = propagate(DDPM(), schedule, DATA.denoise(schedule), range(T, -1, -1), 0.0, 1.0)
        errors.append(abs(variance - DATA.std**2))
    assert 1.7 < errors[0] / errors[1] < 2.3 and 1.7 < errors[1] / errors[2] < 2.3


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_samples_from_pure_noise_have_the_mean_and_variance_of_the_data(sampler):
    """20,000 numbers; five standard errors, beside 5 % of variance for 400 steps of finite size."""
    n, schedule = 20_000, NoiseSchedule.named("linear", 400)
    grid, noise = range(400, -1, -1), seeded_noise((n,), 0)
    x_0 = solve(sampler, schedule, DATA.denoise(schedule), grid, noise(), noise)
    assert abs(x_0.mean().item() - DATA.mean) < 5 * DATA.std / math.sqrt(n) + 1e-3
    assert abs(x_0.var().item() / DATA.std**2 - 1) < 5 * math.sqrt(2 / n) + 0.05
    if isinstance(sampler, REMEMBERING):
        return
    mean, variance = propagate(sampler, schedule, DATA.denoise(schedule), grid, 0.0, 1.0)
    assert abs(x_0.mean().item() - mean) < 5 * math.sqrt(variance / n)
    assert abs(x_0.var().item() / variance - 1) < 5 * math.sqrt(2 / n)


def test_full_eta_survives_rounding_where_no_signal_is_left():
    """There the posterior's variance is all of 1 - alpha_bar_s, and nothing remains for the predicted noise."""
    schedule = NoiseSchedule(torch.full((400,), 0.9, dtype=torch.float64))
    x_T = seeded_noise(SHAPE, 0)()
    for s in range(1, 60):
        x_s, _ = DDIM(eta=1.0).step(
            schedule, lambda x_t, t: Prediction(x_t, x_t), x_T, 400, s, seeded_noise(SHAPE, 1), None
        )
        assert x_s.isfinite().all()


@pytest.mark.parametrize("sampler", [UniPC(order=1), UniPC(order=2), UniPC(order=3)], ids=str)
def test_changes_to_the_picture_between_two_steps_are_carried_on(sampler):
    """Inpainting changes x_t after a step; where x_0 does not depend on x_t, x_s moves by noise_s / noise_t of that."""
    x_t, shift = seeded_noise(SHAPE, 0)(), seeded_noise(SHAPE, 1)()
    constant = {900: 0.5, 700: -0.2}

    def denoise(x_t, t):
        return Prediction(torch.full_like(x_t, constant[t]), x_t)

    x_t, memory = sampler.step(SCHEDULE, denoise, x_t, 900, 700, no_noise, None)
    plain, moved = (sampler.step(SCHEDULE, denoise, x, 700, 500, no_noise, memory)[0] for x in (x_t, x_t + shift))
    bar_t, bar_s = SCHEDULE.alpha_bar[700], SCHEDULE.alpha_bar[500]
    assert_close(moved - plain, ((1 - bar_s) / (1 - bar_t)).sqrt() * shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("t", [1, 37, 1000])
def test_last_step_returns_the_predicted_picture_without_noise(sampler, t):
    x_t = seeded_noise(SHAPE, 0)()
    x_0, _ = sampler.step(SCHEDULE, DATA.denoise(SCHEDULE), x_t, t, 0, no_noise, None)
    assert_close(x_0, DATA.denoise(SCHEDULE)(x_t, t).x_0, rtol=1e-12, atol=1e-12)


@given(st.floats(0.01, 1.0), falling_times(1000).filter(lambda times: times[1] > 0))
def test_eta_is_the_share_of_the_posterior_deviation_that_is_fresh_noise(eta, times):
    t, s = times
    _, variance = propagate(DDIM(eta=eta), SCHEDULE, DATA.denoise(SCHEDULE), [t, s], 0.0, 0.0)
    assert math.isclose(variance, eta**2 * SCHEDULE.posterior(t, s)[2], rel_tol=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_one_sampler_serves_several_trajectories_at_once(sampler):
    """Interleaved steps of two trajectories give what each gives alone: no state is kept in the sampler."""
    runs = [(GaussianData(0.3, 0.5), TWENTY_STEPS, 0), (GaussianData(-0.6, 0.2), EVERY_TIME[::25], 5)]
    alone = [
        solve(sampler, SCHEDULE, data.denoise(SCHEDULE), grid, seeded_noise(SHAPE, seed)(), seeded_noise(SHAPE, seed))
        for data, grid, seed in runs
    ]
    x = [seeded_noise(SHAPE, seed)() for _, _, seed in runs]
    noise = [seeded_noise(SHAPE, seed) for _, _, seed in runs]
    memory = [None, None]
    for step in range(max(len(grid) for _, grid, _ in runs) - 1):
        for i, (data, grid, _) in enumerate(runs):
            if step < len(grid) - 1:
                t, s = grid[step], grid[step + 1]
                x[i], memory[i] = sampler.step(SCHEDULE, data.denoise(SCHEDULE), x[i], t, s, noise[i], memory[i])
    assert torch.equal(x[0], alone[0]) and torch.equal(x[1], alone[1])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_the_type_of_x_is_kept_and_x_is_not_changed_in_place(sampler):
    x_t = torch.linspace(-1, 1, 9)
    before = x_t.clone()
    x_s, _ = sampler.step(SCHEDULE, DATA.denoise(SCHEDULE), x_t, 500, 400, lambda: torch.ones(9), None)
    assert x_s.dtype == torch.float32 and x_s.shape == x_t.shape
    assert torch.equal(x_t, before)


@pytest.mark.parametrize(
    ("sampler", "settings", "message"),
    [
        *((UniPC, {"order": v}, "must be a whole number from 1 to 3") for v in (0, 4, 2.0, True, "2")),
        *((kind, {"eta": v}, "must be a number from 0 to 1") for kind in (DDIM, EulerAncestral)
          for v in (-0.1, 1.01, math.nan, math.inf)),
        (DDPM, {"variance": "learned"}, "unknown; choose one of posterior, beta"),
    ],
    ids=str,
)  # fmt: skip
def test_impossible_settings_are_refused_in_one_line(sampler, settings, message):
    with pytest.raises(ValueError) as refused:
        sampler(**settings)
    ((name, value),) = settings.items()
    assert str(refused.value) == f"{name}={value!r}: {message}"


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_samplers_renoise_if_x_0_and_eps_reach_the_step_each_by_itself(sampler):
    """CFG++ needs x_s = signal_s x_0 + what depends on eps (Chung et al. 2024, algorithm 2)."""

    def moved(by_x_0: float, by_eps: float) -> float:
        """How far x_s moves where the prediction is another by this."""
        half, fifth = torch.tensor([0.5]), torch.tensor([0.2])
        before, after = (
            sampler.step(SCHEDULE, lambda x_t, t, k=k: Prediction(half + k * by_x_0, fifth + k * by_eps), half,
                         600, 300, lambda: fifth, None)[0].item()
            for k in (0, 1)
        )  # fmt: skip
        return after - before

    signal = SCHEDULE.alpha_bar[300].sqrt().item()
    assert sampler.renoises == (moved(0.1, 0) == pytest.approx(0.1 * signal, rel=1e-4) and abs(moved(0, 0.1)) > 1e-3)


@pytest.mark.parametrize("sampler", [DDIM(), Euler(), EulerAncestral(eta=0.0)], ids=str)
def test_renoising_follows_the_algorithm_of_cfg_plus_plus(sampler):
    x_0, eps = seeded_noise(SHAPE, 3)(), seeded_noise(SHAPE, 4)()
    found, _ = sampler.step(SCHEDULE, lambda *_: Prediction(x_0, eps), torch.zeros(SHAPE), 600, 300, no_noise, None)
    bar = SCHEDULE.alpha_bar[300]
    assert_close(found, bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, rtol=1e-5, atol=1e-6, check_dtype=False)
