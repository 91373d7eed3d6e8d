"""The grid of times, the noise of each image, and the loop from noise to pictures."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from diffusion.gaussian import GaussianDiffusion, Objective, Prediction
from diffusion.guidance import GUIDANCE, guided
from diffusion.inpainting import Edit
from diffusion.samplers import DDIM, DDPM, SAMPLERS, Heun
from diffusion.sampling import Between, ImageNoise, SamplingOptions, generate, refined, sample, timesteps
from diffusion.schedule import NoiseSchedule
from models.unet import UNet, UNetSettings
from tests.diffusion.oracle import GaussianData, seeded_noise, solve

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


SCHEDULE = NoiseSchedule.named("cosine", 100)
DATA = GaussianData(0.3, 0.5)


class Countdown:
    """A sampler that takes 1 from x and counts its steps in the memory."""

    def __init__(self):
        self.seen = []

    def step(self, schedule, denoise, x_t, t, s, noise, memory):
        self.seen.append((t, s, memory))
        return x_t - 1, (memory or 0) + 1


def test_renoising_averages_errors_away_that_depend_on_the_noise():
    """A network that is off by half the noise: the mean of K predictions is off by 1/sqrt(K) of that, whatever K."""
    truth, times, current = torch.full((1, 1, 100, 100), 0.3), [], []

    def denoise(x_t, t):
        times.append(t)
        eps = (x_t - SCHEDULE.signal(t, x_t) * current[0]) / SCHEDULE.noise(t, x_t)
        return Prediction(truth + 0.5 * eps, eps)

    def follow(x_0):
        current[:] = [x_0]  # so that `denoise` can tell the noise from the picture

    for count in (1, 4, 16):
        current[:], times[:] = [truth], []
        noise = ImageNoise([0], truth.shape[1:])
        found = refined(SCHEDULE, denoise, truth, noise, count, SCHEDULE.T, on_renoised=follow)
        assert (found - truth).std().item() == pytest.approx(0.5 / count**0.5, rel=0.05)
        assert times == [t for t in (6, 3, 2) for _ in range(count)]


def test_renoising_leaves_out_more_noise_than_sampling_began_with_and_keeps_what_is_constrained():
    times, renoised, x_0 = [], [], torch.zeros(1, 1, 2, 2)

    def denoise(x_t, t):
        times.append(t)
        return Prediction(torch.ones_like(x_t), x_t)

    noise = ImageNoise([0], (1, 2, 2))
    assert torch.equal(refined(SCHEDULE, denoise, x_0, noise, 0, SCHEDULE.T), x_0) and times == []
    found = refined(SCHEDULE, denoise, x_0, noise, 2, 3, lambda x, s: (7 + s) * x, lambda x: renoised.append(x.mean()))
    assert times == [3, 3, 2, 2] and torch.equal(found, torch.full_like(x_0, 7.0))
    assert renoised == [0, 7, 7]  # also after the one that was left out, for a progress bar that counts them
    times.clear()
    refined(NoiseSchedule.named("cosine", 40), denoise, x_0, noise, 1, 40)
    assert times == [3, 2, 1]  # 2.4, 1.2 and 0.8, rounded up


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


def test_loop_hands_each_step_its_times_and_the_memory_of_the_step_before():
    sampler = Countdown()
    x_0 = sample(SCHEDULE, sampler, None, [100, 60, 7, 0], torch.tensor([10.0]), None)
    assert sampler.seen == [(100, 60, None), (60, 7, 1), (7, 0, 2)]
    assert x_0.item() == 7


def test_constrain_follows_every_step_and_on_step_sees_its_result():
    constrained, watched = [], []

    def constrain(x_s, s):
        constrained.append((x_s.item(), s))
        return 10 * x_s

    x_0 = sample(
        SCHEDULE,
        Countdown(),
        None,
        [100, 60, 0],
        torch.tensor([3.0]),
        None,
        constrain=constrain,
        on_step=lambda done, s, x, x_0: watched.append((done, s, x.item())),
    )
    assert constrained == [(2, 60), (19, 0)]
    assert watched == [(1, 60, 20), (2, 0, 190)]
    assert x_0.item() == 190


def test_on_step_gets_the_last_prediction_of_each_step():
    """Heun's second one, at the end of the step; its last step has one."""
    predictions, watched = [], []

    def denoise(x_t, t):
        predictions.append(DATA.denoise(SCHEDULE)(x_t, t))
        return predictions[-1]

    x = seeded_noise((3,), 0)()
    sample(SCHEDULE, Heun(), denoise, [100, 50, 0], x, None, on_step=lambda done, s, x_s, x_0: watched.append(x_0))
    assert len(predictions) == 3
    assert torch.equal(watched[0], predictions[1].x_0) and torch.equal(watched[1], predictions[2].x_0)


@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DDIM(eta=0.5)], ids=str)
@pytest.mark.parametrize("start", [100, 50, 1])
def test_loop_starts_from_any_noise_level(sampler, start):
    """The same as a loop written out, from T or (image to image) from a picture noised to `start`."""
    noise, again = seeded_noise((5,), 0), seeded_noise((5,), 0)
    x_t = SCHEDULE.add_noise(DATA.samples((5,), seed=1), start, noise())
    grid, denoise = timesteps(SCHEDULE, min(start, 10), start=start), DATA.denoise(SCHEDULE)
    again()
    assert torch.equal(
        sample(SCHEDULE, sampler, denoise, grid, x_t, noise), solve(sampler, SCHEDULE, denoise, grid, x_t, again)
    )


def test_constrain_keeps_known_pixels_for_inpainting():
    """Known pixels are reset to q(x_s | x_0) at every step, so at s = 0 they are the picture itself."""
    known = torch.tensor([True, False] * 3)
    picture, eps, noise = DATA.samples((6,), seed=1), seeded_noise((6,), 2)(), seeded_noise((6,), 3)

    def constrain(x_s, s):
        return torch.where(known, SCHEDULE.add_noise(picture, s, eps), x_s)

    grid = timesteps(SCHEDULE, 20, start=100)
    x_0 = sample(SCHEDULE, DDPM(), DATA.denoise(SCHEDULE), grid, noise(), noise, constrain=constrain)
    assert torch.equal(x_0[known], picture[known])
    assert not torch.isclose(x_0[~known], picture[~known]).any()


def test_times_that_rise_are_refused():
    with pytest.raises(ValueError, match="0 <= s < t"):
        sample(SCHEDULE, DDIM(), DATA.denoise(SCHEDULE), [50, 60, 0], torch.zeros(1), None)


SHAPE = (2, 8, 8)
COND = torch.tensor([[0, 2], [1, -1], [-1, 0]])
UNKNOWN = torch.full_like(COND, -1)
SEEDS = [11, 12, 13]
ANCESTRAL = DDPM()


@pytest.fixture(scope="module")
def network() -> UNet:
    """A small untrained network with random values also in the layers that start at zero."""
    torch.manual_seed(0)
    settings = UNetSettings(channels=16, channel_mults=[1, 2], blocks=1, attention_levels=[], head_dim=16)
    unet = UNet(SHAPE, (2, 3), settings)
    for parameter in unet.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return unet.eval()


def sampled(network, rows=(0, 1, 2), seeds=SEEDS, sampler=ANCESTRAL, w=2.0, **more):
    rows = list(rows)
    diffusion = GaussianDiffusion(SCHEDULE, Objective(prediction="v"))
    seeds = [seeds[i] for i in rows]
    denoise = guided(diffusion, network, COND[rows], ref_cond=UNKNOWN[rows], w=w)
    return generate(SCHEDULE, denoise, seeds, SHAPE, SamplingOptions(sampler=sampler, steps=5), **more)


@pytest.mark.parametrize("w", [1.0, 3.0])
@pytest.mark.parametrize("sampler", [DDPM(), DDIM()], ids=str)
def test_a_picture_is_the_same_alone_and_in_any_batch(network, sampler, w):
    batch = sampled(network, sampler=sampler, w=w)
    for i in range(3):
        assert_close(sampled(network, [i], sampler=sampler, w=w)[0], batch[i], rtol=0, atol=1e-4)
    assert_close(sampled(network, [2, 0], sampler=sampler, w=w), batch[[2, 0]], rtol=0, atol=1e-4)


def test_pictures_have_their_shape_and_range_and_carry_no_gradient(network):
    pictures = sampled(network)
    assert pictures.shape == (3, *SHAPE) and pictures.dtype == torch.float32
    assert pictures.abs().max() <= 1 and pictures.std() > 0.1
    assert not pictures.requires_grad


def test_same_seeds_give_the_same_pictures_and_other_seeds_others(network):
    torch.manual_seed(3)
    pictures = sampled(network)
    torch.manual_seed(4)
    assert torch.equal(sampled(network), pictures)
    other = sampled(network, seeds=[21, 22, 23])
    assert ((other - pictures).abs().amax(dim=(1, 2, 3)) > 0.1).all()


def test_label_and_guidance_change_the_picture(network):
    known = slice(0, 2)
    assert not torch.allclose(sampled(network, w=1.0)[known], sampled(network, w=0.0)[known], atol=1e-3)
    assert not torch.allclose(sampled(network, w=1.0)[known], sampled(network, w=4.0)[known], atol=1e-3)


def test_generate_is_the_loop_over_the_guided_denoiser_from_the_noise_of_the_seeds(network):
    diffusion, noise, watched = GaussianDiffusion(SCHEDULE, Objective(prediction="v")), ImageNoise(SEEDS, SHAPE), []
    with torch.no_grad():
        denoise = guided(diffusion, network, COND, ref_cond=UNKNOWN, w=2.0)
        by_hand = solve(DDPM(), SCHEDULE, denoise, [100, 80, 60, 40, 20, 0], noise(), noise)
    pictures = sampled(network, on_step=lambda done, s, x, x_0: watched.append((done, s, tuple(x.shape))))
    assert torch.equal(pictures, by_hand)
    assert watched == [(i + 1, 80 - 20 * i, (3, *SHAPE)) for i in range(5)]


# -- all of it: generate ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refine", [None, 0, 2])
def test_generate_ends_with_the_renoising_steps_and_counts_them(refine):
    options, denoise, watched = SamplingOptions(sampler=DDPM(), steps=4, refine=refine), DATA.denoise(SCHEDULE), []
    noise = ImageNoise(SEEDS, SHAPE)
    expected = [solve(DDPM(), SCHEDULE, denoise, [100, 75, 50, 25, 0], noise(), noise)]
    if refine:
        refined(SCHEDULE, denoise, expected[0], noise, refine, 100, on_renoised=expected.append)
    found = generate(
        SCHEDULE, denoise, SEEDS, SHAPE, options, on_step=lambda done, s, x, x_0: watched.append((done, s, x, x_0))
    )
    assert torch.equal(found, expected[-1])
    assert [(done, s) for done, s, _, _ in watched] == [(1, 75), (2, 50), (3, 25), (4, 0), (5, 0), (6, 0), (7, 0)][
        : 7 if refine else 4
    ]
    for (*_, x, x_0), picture in zip(watched[4:], expected[1:], strict=True):
        assert torch.equal(x, picture) and torch.equal(x_0, picture)
    assert torch.equal(generate(SCHEDULE, denoise, SEEDS, SHAPE, options), found)


def test_renoising_starts_no_higher_than_an_edit_and_keeps_its_known_pixels():
    times, init = [], torch.linspace(-1, 1, 3 * 128).view(3, *SHAPE)
    mask = torch.zeros(8, 8)
    mask[:4] = 1

    def denoise(x_t, t):
        times.append(t)
        return DATA.denoise(SCHEDULE)(x_t, t)

    options = SamplingOptions(sampler=DDIM(), steps=50, refine=2)
    found = generate(SCHEDULE, denoise, SEEDS, SHAPE, options, edit=Edit(init, 0.04, mask))
    assert times == [4, 2, 3, 3, 2, 2]
    assert torch.equal(found[..., 4:, :], init[..., 4:, :])
    assert not torch.isclose(found[..., :4, :], init[..., :4, :]).all()


def test_an_edit_without_strength_returns_its_pictures_without_an_evaluation():
    init = torch.zeros(3, *SHAPE)
    assert generate(SCHEDULE, None, SEEDS, SHAPE, SamplingOptions(), edit=Edit(init, 0.0)) is init


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("guidance", GUIDANCE, ids=lambda kind: kind.__name__)
def test_options_are_the_same_after_being_written_and_read(sampler, guidance):
    options = SamplingOptions(sampler=sampler(), guidance=guidance(), steps=7, spacing="karras", refine=3)
    assert SamplingOptions.parse(options.plain()) == options


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spacing": "even"}, "spacing='even': unknown; choose one of trailing, linspace, leading, karras"),
        ({"steps": 0}, "steps=0: must be a whole number of at least 1"),
        ({"w": -1.0}, "w=-1.0: must be a number of at least 0"),
        ({"refine": -1}, "refine=-1: must be a whole number from 0 to 1,000 or null"),
        ({"sampler": {"name": "ddim", "eta": 2.0}}, "sampler.eta=2.0: must be a number from 0 to 1"),
    ],
    ids=str,
)
def test_impossible_options_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refused:
        SamplingOptions(**settings)
    assert str(refused.value) == message
