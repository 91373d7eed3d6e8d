"""Kinds of guidance: where they act, and what they do to the guided output."""

import pytest
import torch
from torch.testing import assert_close

from diffusion.guidance import (
    CFG,
    GUIDANCE,
    CFGPlusPlus,
    DynamicThresholding,
    Fade,
    Interval,
    Rescale,
    base_weights,
    guided,
)
from tests.diffusion.spy import COND, DIFFUSION, SCHEDULE, UNKNOWN, X_T, Spy, output_of, unguided


@pytest.mark.parametrize(("t", "active"), [(19, False), (20, True), (45, True), (60, True), (61, False)])
@pytest.mark.parametrize("w", [0.0, 5.0])
def test_guidance_holds_inside_its_interval_and_is_off_outside(t, active, w):
    limited = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=w, guidance=Interval(interval=[0.2, 0.6]), clip=False)(
        X_T, t
    )
    expected = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=w if active else min(w, 1.0), clip=False)(X_T, t)
    assert torch.equal(limited.x_0, expected.x_0)


def test_outside_the_interval_several_weights_keep_their_proportion():
    """Weights 3 and 1 become 3/4 and 1/4: the mean of the two conditional outputs, without the reference."""
    other, guidance = COND + 1, Interval(interval=[0.0, 0.1])
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=3.0, also=[(other, 1.0)], guidance=guidance, clip=False)(
        X_T, 60
    )
    one, two = (guided(DIFFUSION, Spy(), label, clip=False)(X_T, 60).x_0 for label in (COND, other))
    torch.testing.assert_close(found.x_0, 0.75 * one + 0.25 * two)


@pytest.mark.parametrize(("t", "held"), [(1, 1.2), (5, 2.0), (10, 3.0), (20, 5.0), (90, 5.0)])
def test_fading_guidance_falls_linearly_to_the_plain_model(t, held):
    """With fade 0.2 and T = 100, w = 5 is 1 + 4 t / 20 below t = 20."""
    guidance = Fade(fade=0.2)
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=5.0, guidance=guidance, clip=False)(X_T, t)
    expected = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=held, clip=False)(X_T, t)
    torch.testing.assert_close(found.x_0, expected.x_0)


def test_where_it_fades_a_weight_below_one_stays_and_several_keep_their_proportion():
    guidance, at = Fade(fade=0.2), lambda level, weights: guidance.at(level, weights, base_weights(weights))
    assert at(0.1, [0.5]) == [0.5]
    assert at(0.1, [3.0, 1.0]) == pytest.approx([(3 + 3 / 4) / 2, (1 + 1 / 4) / 2])
    assert at(0.0, [3.0, 1.0]) == pytest.approx([3 / 4, 1 / 4])


def test_where_it_fades_nothing_is_taken_away():
    assert base_weights([5.0, -4.0]) == [1.0, 0.0]
    assert base_weights([0.5, -2.0]) == [0.5, 0.0]
    assert Fade(fade=0.2).at(0.1, [5.0, -4.0], [1.0, 0.0]) == [3.0, -2.0]


def test_weights_without_guidance_may_be_given():
    """Two branches, of 1 and 2 with guidance, of which the first alone is the plain model."""
    other = COND + 1
    common = {"ref_cond": UNKNOWN, "w": 1.0, "also": [(other, 2.0)], "clip": False}
    found = guided(DIFFUSION, Spy(), COND, **common, base=[1.0, 0.0], guidance=Interval(interval=[0.5, 1.0]))
    plain = guided(DIFFUSION, Spy(), COND, clip=False)
    torch.testing.assert_close(found(X_T, 40).x_0, plain(X_T, 40).x_0)
    torch.testing.assert_close(found(X_T, 60).x_0, guided(DIFFUSION, Spy(), COND, **common)(X_T, 60).x_0)


def test_as_many_weights_without_guidance_as_with_it():
    with pytest.raises(ValueError):
        CFG().at(0.5, [3.0, 1.0], [1.0])


@pytest.mark.parametrize("weights", [[0.0], [0.8], [1.0], [0.5, 0.5], [0.0, 1.0], [0.6, 0.3, 0.1 + 1e-15]])
def test_cfgpp_goes_from_the_reference_to_the_condition(weights):
    CFGPlusPlus().refuse(weights)


@pytest.mark.parametrize(
    ("weights", "given"),
    [([1.2], "1.2"), ([3.0], "3"), ([0.8, 0.8], "0.8 and 0.8"), ([0.8, -0.4], "0.8 and -0.4")],
)
def test_cfgpp_refuses_to_go_beyond(weights, given):
    with pytest.raises(ValueError) as refused:
        CFGPlusPlus().refuse(weights)
    expected = f"w={given}: with guidance=cfgpp, w lies in [0, 1], and so does the sum of several; 0.8 is strong"
    assert str(refused.value) == expected
    for kind in (CFG, Fade, Interval, Rescale, DynamicThresholding):
        kind().refuse(weights)


@pytest.mark.parametrize(("w", "others"), [(0.0, [1.0]), (0.0, []), (1.0, []), (0.4, [0.4])], ids=str)
def test_cfgpp_evaluates_the_reference_whatever_its_weight(w, others):
    also = [(COND + 1, v) for v in others]
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=w, also=also, guidance=CFGPlusPlus(), clip=False)
    main, ref, other = (output_of(Spy(), label) for label in (COND, UNKNOWN, COND + 1))
    combined = ref + w * (main - ref) + sum(others) * (other - ref)
    assert_close(found(X_T, 40).x_0, unguided(combined).x_0, rtol=1e-9, atol=1e-9)
    assert_close(found(X_T, 40).eps, unguided(ref).eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("phi", [0.3, 0.7, 1.0])
def test_rescale_brings_the_deviation_back_to_the_conditional_one(phi):
    """Its share phi of the way: the output stays in its direction, and its deviation becomes the mean of both."""
    guidance = Rescale(rescale=phi)
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=6.0, guidance=guidance, clip=False)(X_T, 40)
    main, ref = output_of(Spy(), COND), output_of(Spy(), UNKNOWN)
    plain = ref + 6 * (main - ref)
    raw = found.eps  # the network predicts eps
    wanted = phi * main.flatten(1).std(dim=1) + (1 - phi) * plain.flatten(1).std(dim=1)
    assert_close(raw.flatten(1).std(dim=1), wanted, rtol=1e-7, atol=1e-9)
    assert_close(raw / plain, (raw / plain)[:, :1, :1, :1].expand_as(raw), rtol=1e-6, atol=1e-6)


def test_an_interval_may_be_a_single_level():
    at = Interval(interval=[0.3, 0.3]).at
    assert [at(level, [5.0], [1.0]) for level in (0.29, 0.3, 0.31)] == [[1.0], [5.0], [1.0]]


def test_a_weight_next_to_nothing_counts_as_none():
    spy = Spy()
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=1 + 1e-10, clip=False)(X_T, 40)
    assert spy.batches == [3]
    assert_close(found.eps, unguided(output_of(Spy(), COND)).eps, rtol=1e-9, atol=1e-9)


def test_rescale_changes_nothing_without_extrapolation():
    spy = Spy()
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=1.0, guidance=Rescale(), clip=False)(X_T, 40)
    assert spy.batches == [3]
    assert torch.equal(found.eps, unguided(output_of(Spy(), COND)).eps)


def test_rescale_by_nothing_is_plain_guidance():
    common = {"ref_cond": UNKNOWN, "w": 6.0, "clip": False}
    found = guided(DIFFUSION, Spy(), COND, **common, guidance=Rescale(rescale=0.0))(X_T, 40)
    assert torch.equal(found.eps, guided(DIFFUSION, Spy(), COND, **common)(X_T, 40).eps)


def test_rescale_evaluates_the_condition_also_where_others_alone_have_weight():
    spy, other = Spy(), COND + 1
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=0.0, also=[(other, 3.0)],
                   guidance=Rescale(rescale=1.0), clip=False)(X_T, 40)  # fmt: skip
    assert spy.batches == [9]
    wanted = output_of(Spy(), COND).flatten(1).std(dim=1)
    assert_close(found.eps.flatten(1).std(dim=1), wanted, rtol=1e-7, atol=1e-9)


def test_rescale_changes_nothing_where_another_condition_alone_has_weight():
    spy, other = Spy(), COND + 1
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=0.0, also=[(other, 1.0)],
                   guidance=Rescale(rescale=1.0), clip=False)(X_T, 40)  # fmt: skip
    assert spy.batches == [3]
    assert torch.equal(found.eps, unguided(output_of(Spy(), other)).eps)


def test_dynamic_thresholding_divides_by_the_percentile_where_it_exceeds_one():
    guidance = DynamicThresholding(percentile=0.9)
    x_0 = torch.stack([torch.linspace(-3, 2, 101), torch.linspace(-0.5, 0.8, 101)]).double()
    limited = guidance.limit(x_0)
    bound = x_0[0].abs().sort().values[90]
    assert_close(limited[0], (x_0[0] / bound).clamp(-1, 1), rtol=1e-6, atol=1e-6)
    assert torch.equal(limited[1], x_0[1])
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=9.0, guidance=guidance)(X_T, 60)
    assert found.x_0.abs().max() <= 1
    signal, noise = SCHEDULE.signal(60, X_T), SCHEDULE.noise(60, X_T)
    assert_close(signal * found.x_0 + noise * found.eps, X_T, rtol=1e-9, atol=1e-9)


def test_dynamic_thresholding_at_the_maximum_clips():
    x_0 = torch.linspace(-3, 2, 10).view(1, 10)
    assert torch.equal(DynamicThresholding(percentile=1.0).limit(x_0), x_0.clamp(-1, 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", GUIDANCE, ids=lambda kind: kind.__name__)
def test_every_kind_keeps_x_0_in_range_and_its_type(kind, dtype):
    x_0 = 3 * X_T.to(dtype)
    limited = kind().limit(x_0)
    assert limited.dtype == dtype and limited.abs().max() <= 1
    assert torch.equal(kind().limit(x_0 / 100), x_0 / 100)


@pytest.mark.parametrize("w", [0.6, 1.0])
def test_cfg_plus_plus_goes_on_with_the_noise_of_the_reference(w):
    """x_0 of the interpolated output, eps of the unconditional one (Chung et al. 2024, algorithm 2)."""
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=w, guidance=CFGPlusPlus(), clip=False)(X_T, 40)
    main, ref = output_of(Spy(), COND), output_of(Spy(), UNKNOWN)
    assert_close(found.x_0, unguided(ref + w * (main - ref)).x_0, rtol=1e-9, atol=1e-9)
    assert_close(found.eps, unguided(ref).eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        *((Rescale, {"rescale": v}, "must be a number from 0 to 1") for v in (1.5, -0.1, float("nan"))),
        (Interval, {"interval": [0.6, 0.2]}, "must be two noise levels, 0 <= low <= high <= 1"),
        *((kind, {"interval": v}, "must be a list in brackets of 2 numbers from 0 to 1") for kind in (CFG, Interval)
          for v in ([0.1], [0.1, 0.2, 0.3], [0.1, 1.2], [-0.1, 1.0], 0.5)),
        *((kind, {"fade": v}, "must be a number from 0 to 1") for kind in (CFG, Fade) for v in (-0.1, 1.1)),
        *((DynamicThresholding, {"percentile": v}, "must be a number above 0 and of at most 1") for v in (0.0, 1.01)),
    ],
    ids=str,
)  # fmt: skip
def test_impossible_settings_are_refused_in_one_line(kind, settings, message):
    with pytest.raises(ValueError) as refused:
        kind(**settings)
    ((name, value),) = settings.items()
    assert str(refused.value) == f"{name}={value!r}: {message}"


@pytest.mark.parametrize(
    ("guidance", "described"),
    [
        (CFG(), []),
        (CFG(fade=0.1), ["fade 0.1"]),
        (Fade(), ["fade 0.05"]),
        (Fade(fade=0.0), ["fade"]),
        (Interval(fade=0.2), ["interval [0.3, 1.0]", "fade 0.2"]),
        (Rescale(), ["rescale 0.7"]),
        (DynamicThresholding(percentile=0.9), ["percentile 0.9"]),
        (CFGPlusPlus(), ["cfgpp"]),
    ],
    ids=str,
)
def test_guidance_is_described_by_what_is_not_plain(guidance, described):
    assert guidance.described == described
