"""Guidance: the formula, the number of network evaluations, and its independence of what the network predicts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.guidance import (
    CFG,
    DynamicThresholding,
    Fade,
    Interval,
    guided,
)
from tests.diffusion.spy import COND, DIFFUSION, SCHEDULE, UNKNOWN, X_T, Spy, output_of, unguided

PREDICTIONS = ("eps", "x_0", "v")


@pytest.mark.parametrize(("w", "cond"), [(1.0, COND), (0.0, UNKNOWN)], ids=["w=1", "w=0"])
def test_without_extrapolation_one_branch_is_evaluated(w, cond):
    """w = 1 is the condition alone, w = 0 the reference alone."""
    spy = Spy()
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=w, clip=False)(X_T, 40)
    assert spy.batches == [3]
    expected = unguided(output_of(Spy(), cond))
    assert torch.equal(found.x_0, expected.x_0) and torch.equal(found.eps, expected.eps)


@given(w=st.floats(-2, 12).filter(lambda w: min(abs(w), abs(w - 1)) > 1e-6), t=st.integers(1, 100))
def test_guidance_is_ref_plus_w_times_the_difference_in_one_batch(w, t):
    """output = ref + w (main - ref), against two separate evaluations."""
    spy = Spy()
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=w, clip=False)(X_T, t)
    assert spy.batches == [6]
    main, ref = output_of(Spy(), COND, t), output_of(Spy(), UNKNOWN, t)
    expected = unguided((1 - w) * ref + w * main, t)
    assert_close(found.eps, expected.eps, rtol=1e-9, atol=1e-9)
    assert_close(found.x_0, expected.x_0, rtol=1e-9, atol=1e-8)


def test_denoiser_gets_the_time_of_every_image():
    spy = Spy()
    guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=3.0)(X_T, 17)
    _, t, cond = spy.calls[0]
    assert t.dtype == torch.int64 and t.tolist() == [17] * 6
    assert sorted(cond.tolist()) == sorted(COND.tolist() + UNKNOWN.tolist())


def test_negative_condition_moves_away_from_its_label():
    avoid = torch.tensor([[1, -1], [-1, 2], [1, 1]])
    found = guided(DIFFUSION, Spy(), COND, ref_cond=avoid, w=4.0, clip=False)(X_T, 40)
    main, ref = output_of(Spy(), COND), output_of(Spy(), avoid)
    assert_close(found.eps, unguided(main + 3 * (main - ref)).eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ref_cond", [None, UNKNOWN], ids=["same label", "no label"])
def test_autoguidance_compares_with_another_denoiser(ref_cond):
    """The weaker network gets the same label unless given another; each network is evaluated once."""
    main, weak = Spy(), Spy(strength=0.6)
    found = guided(DIFFUSION, main, COND, ref=weak, ref_cond=ref_cond, w=2.0, clip=False)(X_T, 40)
    assert main.batches == [3] and weak.batches == [3]
    of_ref = output_of(Spy(strength=0.6), COND if ref_cond is None else ref_cond)
    assert_close(found.eps, unguided(2 * output_of(Spy(), COND) - of_ref).eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("w", "batches"), [(0.0, ([], [3])), (1.0, ([3], []))], ids=["w=0", "w=1"])
def test_autoguidance_without_extrapolation_evaluates_one_network(w, batches):
    main, weak = Spy(), Spy(strength=0.6)
    guided(DIFFUSION, main, COND, ref=weak, w=w)(X_T, 40)
    assert (main.batches, weak.batches) == batches


def test_autoguidance_with_several_conditions_compares_each_with_the_reference():
    main, weak, other = Spy(), Spy(strength=0.6), COND + 1
    found = guided(DIFFUSION, main, COND, ref=weak, w=2.0, also=[(other, 1.5)], clip=False)(X_T, 40)
    assert main.batches == [6] and weak.batches == [3]
    ref, one, two = output_of(Spy(0.6), COND), output_of(Spy(), COND), output_of(Spy(), other)
    assert_close(found.eps, unguided(ref + 2.0 * (one - ref) + 1.5 * (two - ref)).eps, rtol=1e-9, atol=1e-9)
    assert weak.calls[0][1].tolist() == [40] * 3 and weak.calls[0][1].dtype == torch.int64


def test_outputs_are_combined_in_the_type_of_x_t():
    """A network under autocast returns fewer bits; guidance is not computed in them."""

    def coarse(spy):
        return lambda x_t, t, cond: spy(x_t, t, cond).bfloat16()

    found = guided(DIFFUSION, coarse(Spy()), COND, ref=coarse(Spy(0.6)), w=2.7, clip=False)(X_T, 40)
    main, ref = (output_of(coarse(spy), COND).double() for spy in (Spy(), Spy(0.6)))
    assert_close(found.eps, unguided(ref + 2.7 * (main - ref)).eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("w", [0.0, 0.5, 3.0])
def test_guidance_without_a_reference_is_refused(w):
    with pytest.raises(ValueError, match=r"ref_cond \(all UNKNOWN for CFG\)") as refused:
        guided(DIFFUSION, Spy(), COND, w=w)
    assert f"w={w}" in str(refused.value) and "\n" not in str(refused.value)


def test_further_conditions_without_a_reference_are_refused():
    with pytest.raises(ValueError, match=r"^w=1\.0: guidance needs a reference"):
        guided(DIFFUSION, Spy(), COND, also=[(COND + 1, 0.5)])


def test_no_guidance_needs_no_reference():
    found = guided(DIFFUSION, Spy(), COND, clip=False)(X_T, 40)
    assert torch.equal(found.eps, unguided(output_of(Spy(), COND)).eps)


@pytest.mark.parametrize("t", [1, 40, 100])
def test_guidance_gives_the_same_picture_for_every_kind_of_prediction(t):
    """eps, x_0 and v are affine in one another at a given x_t, so extrapolating any of them is the same."""
    belief = Spy(strength=0.8)
    signal, noise = SCHEDULE.alpha_bar[t].sqrt(), (1 - SCHEDULE.alpha_bar[t]).sqrt()

    def network(prediction):
        def denoiser(x_t, t, cond):
            x_0 = belief(x_t, t, cond)
            eps = (x_t - signal * x_0) / noise
            return {"eps": eps, "x_0": x_0, "v": signal * eps - noise * x_0}[prediction]

        return denoiser

    found = [
        guided(
            GaussianDiffusion(SCHEDULE, Objective(prediction=p)), network(p), COND, ref_cond=UNKNOWN, w=3.0, clip=False
        )(X_T, t)
        for p in PREDICTIONS
    ]
    by_hand = 3 * output_of(Spy(0.8), COND, t) - 2 * output_of(Spy(0.8), UNKNOWN, t)
    for prediction in found:
        assert_close(prediction.x_0, by_hand, rtol=0, atol=1e-9)
        assert_close(prediction.eps, (X_T - signal * by_hand) / noise, rtol=0, atol=1e-9)


def test_clipping_is_on_by_default_and_limits_the_guided_picture():
    free = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=8.0, clip=False)(X_T, 60).x_0
    found = guided(DIFFUSION, Spy(), COND, ref_cond=UNKNOWN, w=8.0)(X_T, 60).x_0
    assert free.abs().max() > 1
    assert torch.equal(found, free.clamp(-1, 1))


def test_several_conditions_add_up_in_one_batch():
    """ref + w (main - ref) + v (other - ref) (Liu et al. 2022, equation 11)."""
    spy, other, third = Spy(), torch.tensor([[1, 2], [0, -1], [2, 2]]), torch.tensor([[0, 1], [1, -1], [-1, 2]])
    found = guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=2.5, also=[(other, 1.5), (third, -0.7)], clip=False)
    eps = found(X_T, 40).eps
    assert spy.batches == [12]
    ref, main, more, less = (output_of(Spy(), label) for label in (UNKNOWN, COND, other, third))
    expected = ref + 2.5 * (main - ref) + 1.5 * (more - ref) - 0.7 * (less - ref)
    assert_close(eps, unguided(expected).eps, rtol=1e-9, atol=1e-9)


def test_a_branch_without_weight_is_not_evaluated():
    """1.5 of one and -0.5 of another leave nothing of the reference."""
    spy, other = Spy(), COND.flip(0)
    guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=1.5, also=[(other, -0.5)])(X_T, 40)
    assert spy.batches == [6]
    assert sorted(spy.calls[0][2].tolist()) == sorted(COND.tolist() + other.tolist())


@pytest.mark.parametrize("kind", [CFG, Fade, Interval, DynamicThresholding], ids=lambda kind: kind.__name__)
def test_a_condition_without_weight_is_not_evaluated_beside_others(kind):
    spy = Spy()
    guided(DIFFUSION, spy, COND, ref_cond=UNKNOWN, w=0.0, also=[(COND + 1, 3.0)], guidance=kind())(X_T, 40)
    assert spy.batches == [6]
