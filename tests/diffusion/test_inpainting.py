"""Inpainting: what is kept, what is inpainted, and the two ends of strength."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion.gaussian import Prediction
from diffusion.inpainting import Edit, differing, feathered
from diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Heun, UniPC
from diffusion.sampling import ImageNoise, generate
from diffusion.spacing import timesteps
from tests.diffusion.edited import DATA, INIT, RIGHT, SCHEDULE, SEEDS, SHAPE, options


def sampled(edit, sampler=None, seeds=SEEDS):
    return generate(SCHEDULE, DATA.denoise(SCHEDULE), seeds, SHAPE, options(sampler), edit=edit)


def test_strength_zero_returns_the_picture_and_one_ignores_it():
    assert torch.equal(sampled(Edit(INIT, 0.0)), INIT)
    assert torch.equal(sampled(Edit(INIT, 1.0)), sampled(None))


@given(st.floats(0.01, 0.99), st.integers(1, 60))
def test_strength_is_the_noise_level_begun_at(strength, steps):
    edit = Edit(INIT, strength)
    start = edit.start(200)
    assert start - 1 < strength * 200 <= start + 1e-9  # 0.14 * 200 is a little more than 28 in floating point
    assert 1 <= edit.steps(steps, 200) <= min(start, steps)
    eps = torch.randn(2, *SHAPE)
    assert_close(edit.begin(SCHEDULE, eps, start), SCHEDULE.add_noise(INIT, start, eps))


def test_round_strengths_begin_at_the_time_that_they_name():
    """0.07 * 100 is a little more than 7 in floating point."""
    assert [Edit(INIT, k / 100).start(100) for k in range(101)] == list(range(101))


def test_steps_that_remain_are_the_share_of_the_strength():
    assert [Edit(INIT, strength).steps(20, 200) for strength in (0.01, 0.27, 0.33, 0.5, 0.96, 1.0)] == [
        1,
        5,
        7,
        10,
        19,
        20,
    ]
    assert [Edit(INIT, share).steps(200, 100) for share in (0.01, 0.02)] == [1, 2]  # there are no more times than that
    assert Edit(INIT, 0.0).steps(20, 200) == 1


def test_known_pixels_are_those_with_a_mask_of_zero_or_all_without_strength():
    assert Edit(INIT).known is None
    assert torch.equal(Edit(INIT, 0.7, RIGHT / 2).known, RIGHT == 0)
    everywhere = Edit(INIT, 0.0, RIGHT).known
    assert everywhere.dtype == torch.bool and everywhere.all()


def test_strength_one_begins_from_pure_noise():
    eps = torch.randn(2, *SHAPE)
    assert torch.equal(Edit(INIT, 1.0).begin(SCHEDULE, eps, 200), eps)


def test_more_strength_leaves_less_of_the_picture():
    gaps = [(sampled(Edit(INIT, strength)) - INIT).square().mean() for strength in (0.05, 0.2, 0.4, 0.7, 1.0)]
    assert all(a < b for a, b in pairwise(gaps))


@pytest.mark.parametrize("resample", [1, 3])
@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("sampler", [DDIM(), DDPM(), Heun(), DPMSolverPP2M(), UniPC()], ids=str)
def test_known_pixels_come_back_exactly_and_the_others_do_not(sampler, strength, resample):
    picture = sampled(Edit(INIT, strength, RIGHT, resample), sampler)
    assert torch.equal(picture[..., :5], INIT[..., :5])
    assert not torch.isclose(picture[..., 5:], INIT[..., 5:], atol=1e-3).any()


def test_each_picture_may_have_a_mask_of_its_own():
    masks = torch.stack([RIGHT, 1 - RIGHT])[:, None]
    picture = sampled(Edit(INIT, 1.0, masks))
    for i, mask in enumerate((RIGHT, 1 - RIGHT)):
        alone = sampled(Edit(INIT[:1], 1.0, mask), seeds=SEEDS[i : i + 1])
        assert torch.equal(picture[i : i + 1], alone)
        assert torch.equal(Edit(INIT, 1.0, masks).of(torch.tensor([i])).mask, masks[i : i + 1])


def test_one_edit_serves_several_pictures():
    masks = torch.stack([RIGHT, 1 - RIGHT])[:, None]
    one = Edit(INIT[:1], 0.7, RIGHT, 3)
    for edit, mask in ((one, RIGHT), (Edit(INIT[:1], 0.7, masks[:1], 3), masks[:1].expand(2, -1, -1, -1)),
                       (Edit(INIT[:1], 0.7, None, 3), None), (Edit(INIT, 0.7, masks, 3), masks)):  # fmt: skip
        several = edit.expanded(2)
        assert torch.equal(several.init, INIT) and (several.strength, several.resample) == (0.7, 3)
        assert several.mask is None if mask is None else torch.equal(several.mask, mask)
    rows = Edit(torch.stack([INIT[0], -INIT[0]]), 0.7, RIGHT, 3).of(torch.tensor([1]))
    assert torch.equal(rows.init, -INIT[:1]) and torch.equal(rows.mask, RIGHT)
    assert Edit(INIT, 0.7).of(torch.tensor([1])).mask is None


@pytest.mark.parametrize("mask", [None, RIGHT, RIGHT[None, None]], ids=["no mask", "(H, W)", "(1, 1, H, W)"])
@pytest.mark.parametrize("n", [1, 3])
def test_one_edit_serves_any_number_of_pictures_in_colour(n, mask):
    init = torch.stack([INIT[0, 0], -INIT[0, 0], INIT[0, 0] / 2])[None]
    several = Edit(init, mask=mask).expanded(n)
    assert torch.equal(several.init, torch.cat([init] * n))
    if mask is not None:
        assert torch.equal(several.mask.expand(n, 1, 6, 8), RIGHT.expand(n, 1, 6, 8))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(INIT), "init: 2 for 3 seeds; give one, or one for each seed"),
        (Edit(INIT[:1], mask=torch.ones(2, 1, 6, 8)), "mask: 2 for 3 seeds; give one, or one for each seed"),
    ],
    ids=["init", "mask"],
)
def test_another_number_of_pictures_than_seeds_is_refused(edit, message):
    with pytest.raises(ValueError) as refused:
        edit.expanded(3)
    assert str(refused.value) == message


def test_labels_differ_where_their_pictures_do():
    """Two denoisers that know their picture: they disagree where the pictures do, by more than the threshold."""
    other = INIT.clone()
    other[0, :, 2, 3] += 0.5
    other[1, :, 0] -= 0.2
    other[1, :, 5] += 0.01
    denoisers = [lambda x_t, t, x_0=x_0: Prediction(x_0, x_t) for x_0 in (INIT, other)]
    seen = []
    noise = ImageNoise(SEEDS, SHAPE)
    mask = differing(SCHEDULE, *denoisers, INIT, lambda: seen.append(0) or noise(), tries=3)
    assert len(seen) == 3
    expected = torch.zeros(2, 6, 8)
    expected[0, 2, 3] = 1
    expected[1, 0] = 1
    assert torch.equal(mask, expected)
    assert not differing(SCHEDULE, denoisers[0], denoisers[0], INIT, noise, threshold=0.0).any()  # both agree


def test_difference_of_labels_is_the_mean_over_noises_of_the_strongest_channel():
    """By default of two noises at half of T, against 8 of the 255 levels of a colour, which has the range of 2."""
    init, times = torch.zeros(1, 3, 1, 4), []
    level = 2 / 255

    def before(x_t, t):
        times.append(t)
        assert_close(x_t, SCHEDULE.add_noise(init, 100, torch.full_like(init, 0.3)))
        return Prediction(torch.zeros_like(x_t), x_t)

    def after(x_t, t):
        x_0 = torch.zeros_like(x_t)
        x_0[0, 1, 0] = level * torch.tensor([10.0, -20.0, 7.5, 0.0])
        if times:  # the second noise: 5 and 10 on average, and still 7.5
            x_0[0, 1, 0] = level * torch.tensor([0.0, 0.0, -7.5, 0.0])
        x_0[0, 2, 0, 3] = 8.5 * level
        times.append(t)
        return Prediction(x_0, x_t)

    found = differing(SCHEDULE, before, after, init, lambda: torch.full_like(init, 0.3))
    assert times == [100] * 4  # two evaluations for each noise
    assert found.tolist() == [[[0.0, 1.0, 0.0, 1.0]]] and found.dtype == torch.float32
    early = []
    differing(SCHEDULE, lambda x, t: early.append(t) or Prediction(x, x), lambda x, t: Prediction(x, x), init,
              lambda: init, level=0.123, tries=1)  # fmt: skip
    assert early == [25]  # 24.6, rounded up


def test_a_mask_of_ones_is_no_mask():
    assert_close(sampled(Edit(INIT, 0.6, torch.ones(6, 8))), sampled(Edit(INIT, 0.6)))


def test_feathering_softens_inside_the_inpainted_part_alone():
    soft = feathered(RIGHT, 2)
    assert soft[0].tolist() == pytest.approx([0, 0, 0, 0, 0, 1 / 3, 2 / 3, 1])
    assert torch.equal(feathered(RIGHT, 0), RIGHT)
    mask = torch.ones(9, 11)
    mask[2, 3] = mask[7, 9] = 0
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(11), indexing="ij")
    distance = torch.minimum(*(torch.maximum((rows - y).abs(), (columns - x).abs()) for y, x in ((2, 3), (7, 9))))
    assert_close(feathered(mask, 3), (distance / 4).clamp(max=1))
    assert torch.equal(sampled(Edit(INIT, 1.0, soft))[..., :5], INIT[..., :5])


def test_a_soft_mask_is_a_strength_for_every_pixel():
    """The denoiser of Gaussian data treats each pixel by itself, so that each is sampled as if all had its strength."""
    sampler, mask = DDIM(), torch.full((6, 8), 0.5)
    mask[:, :4] = 0.25
    found = sampled(Edit(INIT, 0.8, mask), sampler)
    times = timesteps(SCHEDULE, 16, start=160)
    for part, start in ((slice(0, 4), 40), (slice(4, 8), 80)):  # 0.25 and 0.5 of the strength of 0.8, of T = 200
        x = SCHEDULE.add_noise(INIT, start, ImageNoise(SEEDS, SHAPE)())
        for t, s in pairwise(t for t in times if t <= start):
            x, _ = sampler.step(SCHEDULE, DATA.denoise(SCHEDULE), x, t, s, None, None)
        assert torch.equal(found[..., part], x[..., part])


@pytest.mark.parametrize("spacing", ["trailing", "linspace", "leading", "power", "karras"])
def test_the_picture_is_noised_to_the_first_time(spacing):
    evaluations = []

    def denoise(x_t, t):
        evaluations.append((x_t, t))
        return DATA.denoise(SCHEDULE)(x_t, t)

    generate(SCHEDULE, denoise, SEEDS, SHAPE, options(steps=7, spacing=spacing), edit=Edit(INIT, 0.5))
    x_t, t = evaluations[0]
    assert torch.equal(x_t, SCHEDULE.add_noise(INIT, t, ImageNoise(SEEDS, SHAPE)()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 1.2}, r"strength=1.2: a noise level from 0, no change, to 1, which ignores the picture"),
        ({"strength": -0.1}, r"strength=-0.1: "),
        ({"strength": float("nan")}, r"strength=nan: "),
        ({"mask": torch.ones(5, 7)}, r"mask: 7 x 5 pixels, but the picture has 8 x 6; give it in the same size"),
        *(({"resample": v}, f"resample={v!r}: must be a whole number of at least 1; 1 takes each step once")
          for v in (0, -1, 2.0, True)),
    ],
    ids=["strength above", "below", "nan", "mask", "0", "-1", "2.0", "True"],
)  # fmt: skip
def test_impossible_edits_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refused:
        Edit(INIT, **settings)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)


def test_the_grid_of_an_edit_begins_at_its_start():
    seen = []
    generate(SCHEDULE, DATA.denoise(SCHEDULE), SEEDS, SHAPE, options(), edit=Edit(INIT, 0.5),
             on_step=lambda done, s, x, x_0: seen.append(s))  # fmt: skip
    assert seen == timesteps(SCHEDULE, 10, start=100)[1:]


@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DPMSolverPP2M(), UniPC()], ids=str)
def test_what_is_put_back_after_a_step_is_what_the_next_step_sees(sampler):
    """Known pixels have their noised values in every network evaluation."""
    edit, seen = Edit(INIT, 1.0, RIGHT), []
    eps = ImageNoise(SEEDS, SHAPE)()
    inner = DATA.denoise(SCHEDULE)

    def denoise(x_t, t):
        seen.append((t, x_t[..., :5]))
        return inner(x_t, t)

    generate(SCHEDULE, denoise, SEEDS, SHAPE, options(sampler, 10), edit=edit)
    assert [t for t, _ in seen] == list(range(200, 0, -20))
    for t, known in seen[1:]:
        assert_close(known, SCHEDULE.add_noise(INIT, t, eps)[..., :5], rtol=0, atol=1e-5)
