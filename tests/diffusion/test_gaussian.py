"""The training objective, and the conversion of a network's output to a clean picture and noise."""

import math
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion.gaussian import DiffusionSettings, GaussianDiffusion, Objective
from diffusion.schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.named("linear", 100)
NO_COND = torch.zeros(0)
PREDICTIONS = ("eps", "x_0", "v")
WEIGHTINGS = ("none", "min_snr")


def pictures(n: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures inside [-1, 1] and noise, (n, 2, 3, 3) float64."""
    generator = torch.Generator().manual_seed(seed)
    x_0 = torch.rand(n, 2, 3, 3, generator=generator, dtype=torch.float64) * 2 - 1
    return x_0, torch.randn(x_0.shape, generator=generator, dtype=torch.float64)


def output_for(prediction: str, x_0, x_t, t) -> torch.Tensor:
    """The output of a network of this kind that predicts x_0 from x_t, where x_t = signal x_0 + noise eps."""
    alpha_bar = SCHEDULE.alpha_bar[t].view(-1, 1, 1, 1)
    eps = (x_t - alpha_bar.sqrt() * x_0) / (1 - alpha_bar).sqrt()
    return {"eps": eps, "x_0": x_0, "v": alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0}[prediction]


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_predict_inverts_add_noise_at_every_time(name, prediction, clip):
    schedule = NoiseSchedule.named(name, 100)
    diffusion = GaussianDiffusion(schedule, Objective(prediction=prediction))
    x_0, eps = pictures(100)
    t = torch.arange(1, 101)
    x_t = schedule.add_noise(x_0, t, eps)
    target = diffusion.target(x_0, t, eps)
    found = diffusion.predict(target, x_t, t, clip)
    assert_close(found.x_0, x_0, rtol=0, atol=1e-9)
    assert_close(found.eps, eps, rtol=0, atol=1e-9)
    for i in (0, 49, 99):  # one time for the whole batch, as samplers ask
        assert_close(diffusion.predict(target[i], x_t[i], i + 1, clip).x_0, x_0[i], rtol=0, atol=1e-9)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@given(t=st.integers(1, 100), size=st.floats(0.1, 100), seed=st.integers(0, 99))
def test_clipped_x_0_and_its_noise_still_give_x_t(prediction, t, size, seed):
    """Whatever the network returns: |x_0| <= 1, and signal x_0 + noise eps = x_t."""
    output, x_t = pictures(2, seed)
    found = GaussianDiffusion(SCHEDULE, Objective(prediction=prediction)).predict(size * output, x_t, t, clip=True)
    bar = SCHEDULE.alpha_bar[t].item()
    assert found.x_0.abs().max() <= 1
    assert_close(math.sqrt(bar) * found.x_0 + math.sqrt(1 - bar) * found.eps, x_t, rtol=0, atol=1e-12)


def test_x_0_is_clipped_by_default():
    diffusion = GaussianDiffusion(SCHEDULE)
    output, x_t = pictures()
    default, clipped = diffusion.predict(3 * output, x_t, 60), diffusion.predict(3 * output, x_t, 60, clip=True)
    assert torch.equal(default.x_0, clipped.x_0) and torch.equal(default.eps, clipped.eps)
    assert default.x_0.abs().max() == 1


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_clipping_only_touches_what_leaves_the_range(prediction):
    diffusion, t = GaussianDiffusion(SCHEDULE, Objective(prediction=prediction)), torch.full((6,), 60)
    x_0, eps = pictures()
    believed = 2 * x_0
    x_t = SCHEDULE.add_noise(x_0, t, eps)
    output = output_for(prediction, believed, x_t, t)
    free, clipped = diffusion.predict(output, x_t, t, clip=False), diffusion.predict(output, x_t, t, clip=True)
    inside = believed.abs() < 1
    assert inside.any() and not inside.all()
    assert_close(free.x_0, believed, rtol=0, atol=1e-10)
    assert_close(clipped.x_0[inside], free.x_0[inside], rtol=0, atol=0)
    assert_close(clipped.x_0[~inside], believed[~inside].sign(), rtol=0, atol=0)


@pytest.mark.parametrize("t", [1, 30, 100])
def test_v_is_the_velocity_along_the_arc_from_data_to_noise(t):
    """With signal = cos(phi), noise = sin(phi): v = d x_t / d phi (Salimans & Ho 2022, appendix D)."""
    x_0, eps = pictures(1)
    phi, h = math.acos(SCHEDULE.signal(t, x_0).item()), 1e-5
    ahead, behind = (math.cos(p) * x_0 + math.sin(p) * eps for p in (phi + h, phi - h))
    v = GaussianDiffusion(SCHEDULE, Objective(prediction="v")).target(x_0, torch.tensor([t]), eps)
    assert_close(v, (ahead - behind) / (2 * h), rtol=0, atol=1e-8)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_perfect_denoiser_has_no_loss(prediction, weighting):
    """Only one picture exists, so x_0 is always known."""
    x_0 = pictures(1)[0].expand(50, -1, -1, -1)
    diffusion = GaussianDiffusion(SCHEDULE, Objective(prediction=prediction, weighting=weighting))
    loss = diffusion.loss(lambda x_t, t, cond: output_for(prediction, x_0, x_t, t), x_0, NO_COND)
    assert loss.shape == (50,)
    assert loss.max() < 1e-20


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_loss_of_a_zero_output_is_the_mean_square_of_the_target(prediction):
    x_0, eps = pictures()
    t = torch.tensor([1, 5, 20, 50, 80, 100])
    bar = SCHEDULE.alpha_bar[t].view(-1, 1, 1, 1)
    target = {"eps": eps, "x_0": x_0, "v": bar.sqrt() * eps - (1 - bar).sqrt() * x_0}[prediction]
    diffusion = GaussianDiffusion(SCHEDULE, Objective(prediction=prediction))
    loss = diffusion.loss_at(lambda x_t, t, cond: 0 * x_t, x_0, NO_COND, t, eps)
    assert_close(loss, target.square().mean(dim=(1, 2, 3)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("gamma", [1.0, 5.0])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_min_snr_weighting_is_the_capped_error_of_x_0(prediction, gamma):
    """loss = min(SNR, gamma) |x_0 - x_0_hat|^2, for every kind of prediction (Hang et al. 2023)."""
    x_0, eps = pictures(100)
    believed, _ = pictures(100, seed=1)
    t = torch.arange(1, 101)
    diffusion = GaussianDiffusion(SCHEDULE, Objective(prediction=prediction, weighting="min_snr", gamma=gamma))
    loss = diffusion.loss_at(lambda x_t, t, cond: output_for(prediction, believed, x_t, t), x_0, NO_COND, t, eps)
    snr = SCHEDULE.alpha_bar[1:] / (1 - SCHEDULE.alpha_bar[1:])
    assert (snr > gamma).any() and (snr < gamma).any()
    assert_close(loss, snr.clamp(max=gamma) * (x_0 - believed).square().mean(dim=(1, 2, 3)), rtol=1e-9, atol=0)


def test_denoiser_sees_the_noised_pictures_their_times_and_their_labels():
    x_0, eps = pictures()
    t, cond = torch.tensor([1, 5, 20, 50, 80, 100]), torch.arange(12).view(6, 2)
    seen = []

    def denoiser(*args):
        seen.extend(args)
        return args[0]

    diffusion = GaussianDiffusion(SCHEDULE)
    diffusion.loss_at(denoiser, x_0, cond, t, eps)
    diffusion.loss(denoiser, x_0, cond)
    assert_close(seen[0], SCHEDULE.add_noise(x_0, t, eps), rtol=0, atol=0)
    assert torch.equal(seen[1], t) and torch.equal(seen[2], cond) and torch.equal(seen[5], cond)


def test_loss_is_computed_in_the_type_of_the_pictures():
    """A network under autocast returns fewer bits; the difference to the target is not taken in them."""
    x_0, eps = pictures()
    t = torch.tensor([1, 5, 20, 50, 80, 100])
    losses = [
        GaussianDiffusion(SCHEDULE).loss_at(lambda x_t, t, cond, k=k: k(0.5 * x_t), x_0, NO_COND, t, eps)
        for k in (lambda output: output.bfloat16(), lambda output: output.bfloat16().double())
    ]
    assert losses[0].dtype == torch.float64 and torch.equal(*losses)


def test_times_are_uniform_from_one_to_T():
    """Chi-square over 20 cells: mean 19, standard deviation sqrt(38); the bound lies six of them above."""
    n, T = 20_000, 20
    diffusion = GaussianDiffusion(NoiseSchedule.named("cosine", T))
    t, _ = diffusion.sample_times_and_noise(torch.zeros(n, 1), torch.Generator().manual_seed(0))
    assert t.min() == 1 and t.max() == T
    counts = torch.bincount(t, minlength=T + 1)[1:].double()
    assert ((counts - n / T).square() / (n / T)).sum() < 19 + 6 * math.sqrt(38)


@pytest.mark.parametrize("power", [0.5, 2.0, 3.0])
def test_times_follow_their_power(power):
    """P(t <= k) = (k / T)^(1 / power), within five standard errors."""
    n, T = 20_000, 50
    diffusion = GaussianDiffusion(NoiseSchedule.named("cosine", T), Objective(time_power=power))
    t, _ = diffusion.sample_times_and_noise(torch.zeros(n, 1), torch.Generator().manual_seed(0))
    assert t.min() >= 1 and t.max() <= T
    for k in (1, 5, 20, 40):
        share = (k / T) ** (1 / power)
        assert abs((t <= k).double().mean().item() - share) < 5 * math.sqrt(share * (1 - share) / n)


def test_no_time_is_beyond_T_where_u_to_the_power_rounds_to_one():
    diffusion = GaussianDiffusion(NoiseSchedule.named("cosine", 25), Objective(time_power=0.01))
    t, _ = diffusion.sample_times_and_noise(torch.zeros(1_000_000, 1), torch.Generator().manual_seed(0))
    assert t.max() == 25


def test_sampled_noise_is_standard_normal_in_the_type_of_x_0():
    n = 40_000
    for dtype in (torch.float32, torch.float64):
        x_0 = torch.zeros(n // 4, 2, 2, dtype=dtype)
        _, eps = GaussianDiffusion(SCHEDULE).sample_times_and_noise(x_0, torch.Generator())
        assert eps.dtype == dtype and eps.shape == (n // 4, 2, 2)
        assert abs(eps.mean().item()) < 5 / math.sqrt(n)
        assert abs(eps.var().item() - 1) < 5 * math.sqrt(2 / n)


def test_loss_is_a_function_of_the_generator():
    x_0, _ = pictures()
    diffusion = GaussianDiffusion(SCHEDULE)

    def loss(seed: int, global_seed: int):
        torch.manual_seed(global_seed)
        return diffusion.loss(lambda x_t, t, cond: x_t, x_0, NO_COND, torch.Generator().manual_seed(seed))

    assert torch.equal(loss(1, 0), loss(1, 7))
    assert not torch.equal(loss(1, 0), loss(2, 0))


def test_losses_of_the_samples_are_independent_of_each_other():
    x_0, eps = pictures()
    t = torch.tensor([1, 5, 20, 50, 80, 100])
    diffusion = GaussianDiffusion(SCHEDULE, Objective(prediction="v", weighting="min_snr"))

    def denoiser(x_t, t, cond):
        return 0.5 * x_t

    together = diffusion.loss_at(denoiser, x_0, NO_COND, t, eps)
    for i in range(6):
        part = slice(i, i + 1)
        alone = diffusion.loss_at(denoiser, x_0[part], NO_COND, t[part], eps[part])
        assert_close(alone, together[part], rtol=1e-12, atol=0)


@pytest.fixture(scope="module")
def zero_terminal_snr() -> NoiseSchedule:
    """So many large betas that nothing of the signal is left in float64."""
    schedule = NoiseSchedule(torch.full((400,), 0.9, dtype=torch.float64))
    assert schedule.alpha_bar[-1] == 0
    return schedule


def test_eps_prediction_without_any_signal_at_T_is_refused(zero_terminal_snr):
    with pytest.raises(ValueError) as refused:
        GaussianDiffusion(zero_terminal_snr, Objective(prediction="eps"))
    assert str(refused.value) == (
        "diffusion.prediction=eps: at T this schedule has no signal left, and x_0 cannot be found from eps; "
        "use diffusion.prediction=v"
    )
    first = int((zero_terminal_snr.alpha_bar == 0).double().argmax())  # the first time without any
    for T in (first - 1, first):
        schedule = NoiseSchedule(torch.full((T,), 0.9, dtype=torch.float64))
        with pytest.raises(ValueError) if first == T else nullcontext():
            GaussianDiffusion(schedule)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("prediction", ["x_0", "v"])
def test_other_predictions_work_without_any_signal_at_T(zero_terminal_snr, prediction, weighting):
    """There v = -x_0 and x_t = eps."""
    diffusion = GaussianDiffusion(zero_terminal_snr, Objective(prediction=prediction, weighting=weighting))
    (x_0, eps), T = pictures(), zero_terminal_snr.T
    output = {"x_0": x_0, "v": -x_0}[prediction]
    found = diffusion.predict(output, eps, T)
    assert_close(found.x_0, x_0, rtol=0, atol=0)
    assert_close(found.eps, eps, rtol=0, atol=0)
    loss = diffusion.loss_at(lambda x_t, t, cond: 0 * x_t, x_0, NO_COND, torch.full((6,), T), eps)
    assert loss.isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prediction": "score"}, "unknown; choose one of eps, x_0, v, palette"),
        ({"weighting": "snr"}, "unknown; choose one of none, min_snr"),
        *(({"time_power": v}, "must be a number of at least 0.01") for v in (0.0, -1.0, math.nan)),
        ({"gamma": 0.0}, "must be a number of at least 1e-06"),
        ({"schedule": "sigmoid"}, "unknown; choose one of linear, cosine"),
        *(({"T": v}, "must be a whole number from 1 to 100,000") for v in (0, -5, True, 10.0, "100", None)),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refused:
        DiffusionSettings(**settings)
    ((name, value),) = settings.items()
    assert str(refused.value) == f"{name}={value!r}: {message}"


def test_settings_build_the_schedule_and_the_objective_that_they_name():
    built = DiffusionSettings(schedule="cosine", T=40, prediction="v", weighting="min_snr", gamma=2.0).build()
    objective = Objective(prediction="v", weighting="min_snr", gamma=2.0)
    alike = GaussianDiffusion(NoiseSchedule.named("cosine", 40), objective)
    assert torch.equal(built.schedule.alpha_bar, alike.schedule.alpha_bar) and built.prediction == "v"
    (x_0, eps), t = pictures(40), torch.arange(1, 41)
    losses = [d.loss_at(lambda x_t, t, cond: 0 * x_t, x_0, NO_COND, t, eps) for d in (built, alike)]
    assert torch.equal(*losses)


def test_settings_that_do_not_fit_together_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"^diffusion\.T=20: .*; choose at least 21, or diffusion\.schedule=cosine$"):
        DiffusionSettings(T=20).build()


def test_defaults_are_those_of_ddpm():
    """Linear betas, T = 1000, and eps-prediction with the plain squared error at uniform times (Ho et al. 2020)."""
    plain = DiffusionSettings()
    assert (plain.schedule, plain.T, plain.prediction) == ("linear", 1000, "eps")
    assert (plain.weighting, plain.time_power) == ("none", 1.0)
    assert plain.gamma == 5.0  # as Hang et al. 2023 recommend
