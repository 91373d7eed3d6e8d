"""The grid of times, the noise of each image, and the loop from noise to pictures."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from diffusion.gaussian import GaussianDiffusion, Objective, Prediction
from diffusion.guidance import GUIDANCE, guided
from diffusion.inpainting import Edit
from diffusion.samplers import DDIM, DDPM, SAMPLERS, Heun
from diffusion.sampling import ImageNoise, SamplingOptions, generate, refined, sample
from diffusion.schedule import NoiseSchedule
from diffusion.spacing import timesteps
from models.unet import UNet, UNetSettings
from tests.diffusion.oracle import GaussianData, seeded_noise, solve

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
    unet = settings.build(SHAPE, (2, 3))
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
        (
            {"spacing": "even"},
            "spacing='even': unknown; choose one of trailing, linspace, leading, power, karras, listed",
        ),
        ({"steps": 0}, "steps=0: must be a whole number of at least 1 or null"),
        ({"w": -1.0}, "w=-1.0: must be a number from 0 to 20"),
        ({"refine": -1}, "refine=-1: must be a whole number from 0 to 1,000 or null"),
        ({"sampler": {"name": "ddim", "eta": 2.0}}, "sampler.eta=2.0: must be a number from 0 to 1"),
    ],
    ids=str,
)
def test_impossible_options_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refused:
        SamplingOptions(**settings)
    assert str(refused.value) == message
