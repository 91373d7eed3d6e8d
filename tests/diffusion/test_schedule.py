"""Noise schedules: the tables against the chain of single steps, and the posterior against Bayes' rule."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion.gaussian import DiffusionSettings
from diffusion.schedule import BETAS, NoiseSchedule

NAMED = [("linear", 25), ("linear", 250), ("linear", 1000), ("cosine", 1), ("cosine", 25), ("cosine", 1000)]
some_betas = st.lists(st.floats(1e-4, 0.9), min_size=1, max_size=40)


def schedule_of(betas) -> NoiseSchedule:
    return NoiseSchedule(torch.tensor(betas, dtype=torch.float64))


def assert_equals_chain(schedule: NoiseSchedule, betas) -> None:
    """x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps, composed, has the tables' mean and variance at every t."""
    signal, variance = 1.0, 0.0
    x = torch.zeros(1, dtype=torch.float64)
    for t, beta in enumerate(betas, start=1):
        signal, variance = math.sqrt(1 - beta) * signal, (1 - beta) * variance + beta
        assert math.isclose(schedule.signal(t, x).item(), signal, rel_tol=1e-9)
        assert math.isclose(schedule.noise(t, x).item() ** 2, variance, rel_tol=1e-9)


@pytest.mark.parametrize(("name", "T"), NAMED)
def test_named_tables_equal_the_composition_of_single_steps(name, T):
    assert_equals_chain(NoiseSchedule.named(name, T), BETAS[name](T).tolist())


@given(some_betas)
def test_any_tables_equal_the_composition_of_single_steps(betas):
    assert_equals_chain(schedule_of(betas), betas)


def test_samples_of_the_chain_follow_the_closed_form():
    """20,000 chains from one x_0: mean and variance at several t within five standard errors."""
    n, x_0, schedule = 20_000, 0.7, NoiseSchedule.named("cosine", 50)
    generator = torch.Generator().manual_seed(0)
    x = torch.full((n,), x_0, dtype=torch.float64)
    for t, beta in enumerate(BETAS["cosine"](50).tolist(), start=1):
        x = math.sqrt(1 - beta) * x + math.sqrt(beta) * torch.randn(n, generator=generator, dtype=x.dtype)
        if t in (1, 10, 25, 50):
            mean = schedule.add_noise(torch.tensor([x_0]).double(), t, torch.zeros(1).double()).item()
            variance = schedule.add_noise(torch.zeros(1).double(), t, torch.ones(1).double()).item() ** 2
            assert abs(x.mean().item() - mean) < 5 * math.sqrt(variance / n)
            assert abs(x.var().item() / variance - 1) < 5 * math.sqrt(2 / n)


@pytest.mark.parametrize(("name", "T"), NAMED)
def test_alpha_bar_falls_from_one_to_nearly_zero(name, T):
    alpha_bar = NoiseSchedule.named(name, T).alpha_bar
    assert alpha_bar.dtype == torch.float64 and alpha_bar.shape == (T + 1,)
    assert alpha_bar[0] == 1
    assert (alpha_bar.diff() < 0).all()
    assert 0 < alpha_bar[T] <= 0.001 + 1e-12


@given(st.integers(21, 3000))
def test_linear_schedule_ends_as_noisy_for_every_number_of_steps(T):
    """The scaled betas sum to 1000 (beta_start + beta_end) / 2 = 10.05 for every T, and log(1 - beta) <= -beta."""
    last = NoiseSchedule.named("linear", T).alpha_bar[-1].item()
    assert last <= math.exp(-10.05)
    if T >= 100:
        assert last > 0.4 * NoiseSchedule.named("linear", 1000).alpha_bar[-1].item()


def test_linear_betas_are_those_of_ho_et_al():
    assert_close(BETAS["linear"](1000).numpy(), np.linspace(1e-4, 0.02, 1000), rtol=1e-12, atol=0)


@pytest.mark.parametrize("T", [100, 300, 1000])
def test_published_betas_are_the_same_for_every_number_of_steps_and_leave_the_picture_visible_after_few(T):
    """Their sum is T (beta_start + beta_end) / 2 = 0.01005 T, and -log alpha_bar is a little more."""
    alpha_bar = NoiseSchedule.named("linear", T, scaled=False).alpha_bar.numpy()
    assert_close(1 - alpha_bar[1:] / alpha_bar[:-1], np.linspace(1e-4, 0.02, T), rtol=0, atol=1e-12)
    assert 0.01005 * T <= -math.log(alpha_bar[-1]) <= 0.0102 * T


def test_only_linear_betas_are_scaled():
    with pytest.raises(ValueError, match="scale_betas=false: for the linear schedule alone"):
        DiffusionSettings(schedule="cosine", scale_betas=False)
    assert DiffusionSettings(T=100, scale_betas=False).build().schedule.alpha_bar[-1] > 0.3


@pytest.mark.parametrize("T", [2, 10, 1000])
def test_cosine_schedule_is_nichol_and_dhariwal_equation_17(T):
    """alpha_bar_t = f(t) / f(0), f(t) = cos^2((t/T + 0.008) / 1.008 * pi/2); the last beta, 1, is cut to 0.999."""
    u = np.arange(T + 1) / T
    f = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
    schedule = NoiseSchedule.named("cosine", T)
    np.testing.assert_allclose(schedule.alpha_bar.numpy()[:T], f[:T] / f[0], rtol=1e-9)
    assert math.isclose(1 - (schedule.alpha_bar[T] / schedule.alpha_bar[T - 1]).item(), 0.999, rel_tol=1e-12)


def bayes(schedule: NoiseSchedule, t: int, s: int) -> tuple[float, float, float]:
    """q(x_s | x_t, x_0) as the product of q(x_s | x_0) and q(x_t | x_s), precisions added: (a, b, variance)."""
    bar_s = schedule.alpha_bar[s].item()
    alpha = (schedule.alpha_bar[s + 1 : t + 1] / schedule.alpha_bar[s:t]).prod().item()
    precision = 1 / (1 - bar_s) + alpha / (1 - alpha)
    return math.sqrt(bar_s) / (1 - bar_s) / precision, math.sqrt(alpha) / (1 - alpha) / precision, 1 / precision


@pytest.mark.parametrize(("name", "T"), NAMED)
def test_one_step_posterior_is_bayes_rule_at_every_time(name, T):
    schedule = NoiseSchedule.named(name, T)
    for t in range(2, T + 1):
        assert np.allclose(schedule.posterior(t, t - 1), bayes(schedule, t, t - 1), rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_posterior_over_several_steps_is_bayes_rule_for_every_pair_of_times(name):
    schedule = NoiseSchedule.named(name, 40)
    for t in range(2, 41):
        for s in range(1, t):
            assert np.allclose(schedule.posterior(t, s), bayes(schedule, t, s), rtol=1e-9, atol=0)


@pytest.mark.parametrize(("t", "s"), [(2, 1), (20, 19), (25, 3), (40, 30)])
def test_posterior_has_the_moments_of_the_product_of_densities(t, s):
    """Mean and variance of q(x_s | x_0) q(x_t | x_s), integrated numerically over x_s."""
    schedule, x_0, x_t = NoiseSchedule.named("linear", 40), 0.4, -0.9
    bar_t, bar_s = schedule.alpha_bar[t].item(), schedule.alpha_bar[s].item()
    x_s = torch.linspace(-8, 8, 400_001, dtype=torch.float64)
    from_data = -((x_s - math.sqrt(bar_s) * x_0) ** 2) / (2 * (1 - bar_s))
    to_x_t = -((x_t - math.sqrt(bar_t / bar_s) * x_s) ** 2) / (2 * (1 - bar_t / bar_s))
    density = torch.softmax(from_data + to_x_t, dim=0)
    mean = (density * x_s).sum().item()
    variance = (density * (x_s - mean) ** 2).sum().item()
    a, b, posterior_variance = schedule.posterior(t, s)
    assert math.isclose(a * x_0 + b * x_t, mean, rel_tol=1e-7)
    assert math.isclose(posterior_variance, variance, rel_tol=1e-7)


@given(some_betas, st.data())
def test_posterior_at_time_zero_is_x_0_itself(betas, data):
    schedule = schedule_of(betas)
    assert schedule.posterior(data.draw(st.integers(1, schedule.T)), 0) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(("t", "s"), [(3, 3), (2, 3), (0, 0), (5, -1), (26, 25), (-1, 0)])
def test_posterior_refuses_times_that_do_not_fall(t, s):
    with pytest.raises(ValueError, match="0 <= s < t <= T = 25"):
        NoiseSchedule.named("linear", 25).posterior(t, s)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("table", ["signal", "noise"])
def test_tables_come_in_the_type_of_x_and_shaped_to_multiply_it(dtype, table):
    schedule = NoiseSchedule.named("linear", 100)
    x, t = torch.ones(3, 2, 5, 5, dtype=dtype), torch.tensor([0, 7, 100])
    entries = getattr(schedule, table)(t, x)
    exact = torch.tensor([{"signal": bar, "noise": 1 - bar}[table] for bar in schedule.alpha_bar[t].tolist()]).sqrt()
    assert entries.dtype == dtype and entries.shape == (3, 1, 1, 1)
    assert_close(entries.flatten().float(), exact, rtol=2 * torch.finfo(dtype).eps + 1e-6, atol=0)
    for at, entry in zip(t.tolist(), entries, strict=True):
        alone = getattr(schedule, table)(at, x)
        assert alone.dtype == dtype and alone == entry
    assert schedule.add_noise(x, t, x).dtype == dtype


def test_tables_of_two_types_do_not_get_mixed():
    """float64 after float32 must not be the float32 values widened."""
    schedule, t = NoiseSchedule.named("linear", 100), torch.arange(101)
    schedule.signal(t, torch.ones(1))
    assert torch.equal(schedule.signal(t, torch.ones(1).double()), schedule.alpha_bar.sqrt())


def test_tables_are_computed_in_float64_whatever_the_type_of_the_betas():
    betas = torch.linspace(1e-4, 0.02, 1000)
    assert torch.equal(NoiseSchedule(betas).alpha_bar, NoiseSchedule(betas.double()).alpha_bar)


def test_each_sample_is_noised_by_its_own_time():
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, sample by sample."""
    schedule = NoiseSchedule.named("linear", 100)
    x_0, eps = torch.randn(2, 4, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.tensor([0, 1, 60, 100])
    x_t = schedule.add_noise(x_0, t, eps)
    for i, at in enumerate(t.tolist()):
        bar = schedule.alpha_bar[at].item()
        assert_close(x_t[i], math.sqrt(bar) * x_0[i] + math.sqrt(1 - bar) * eps[i], rtol=1e-12, atol=1e-12)
    assert torch.equal(x_t[0], x_0[0])


@given(some_betas)
def test_snr_is_signal_over_noise_power(betas):
    schedule = schedule_of(betas)
    t, one = torch.arange(1, schedule.T + 1), torch.ones(1, dtype=torch.float64)
    assert_close(schedule.snr[t], (schedule.signal(t, one) / schedule.noise(t, one)) ** 2, rtol=1e-9, atol=0)


@given(some_betas)
def test_sigma_and_half_log_snr_are_those_of_karras_and_of_lu(betas):
    """sigma = noise / signal and lambda = log(signal / noise) = -log(sigma); without noise, 0 and infinite."""
    schedule = schedule_of(betas)
    one = torch.ones(1, dtype=torch.float64)
    for t in range(1, schedule.T + 1):
        ratio = (schedule.noise(t, one) / schedule.signal(t, one)).item()
        assert math.isclose(schedule.sigma(t), ratio, rel_tol=1e-9)
        assert math.isclose(schedule.half_log_snr(t), -math.log(ratio), rel_tol=1e-9, abs_tol=1e-12)
    assert schedule.sigma(0) == 0 and schedule.half_log_snr(0) == math.inf


def refusal(build, *args) -> str:
    with pytest.raises(ValueError) as refused:
        build(*args)
    message = str(refused.value)
    assert message and "\n" not in message
    return message


@pytest.mark.parametrize("T", [1, 2, 10, 20])
def test_linear_schedule_with_too_few_steps_is_refused_with_the_least_number(T):
    assert refusal(NoiseSchedule.named, "linear", T) == (
        f"diffusion.T={T}: too few steps for the linear schedule, its last beta would be {20 / T:.4g}; "
        "choose at least 21, or diffusion.schedule=cosine"
    )


@pytest.mark.parametrize(
    ("betas", "received"),
    [
        ([], "(0,) with none"),
        ([0.1, 0.0], "(2,) with 0 to 0.1"),
        ([0.1, 1.0], "(2,) with 0.1 to 1"),
        ([-0.1], "(1,) with -0.1 to -0.1"),
        ([1.5], "(1,) with 1.5 to 1.5"),
        ([float("nan")], "(1,) with nan to nan"),
        ([[0.1, 0.2]], "(1, 2) with 0.1 to 0.2"),
    ],
    ids=str,
)
def test_betas_outside_the_open_unit_interval_are_refused(betas, received):
    message = refusal(NoiseSchedule, torch.tensor(betas))
    assert message == f"betas: needs a row of numbers strictly between 0 and 1, got shape {received}"
