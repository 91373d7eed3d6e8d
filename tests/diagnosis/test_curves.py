"""Checks of what a training logged, on curves that are written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from diagnosis import curves
from diagnosis.findings import FAULT, LOOK, OK, UNCHECKED
from runtime.settings import compose
from training.settings import TrainSettings

STEPS = np.arange(50, 2001, 50)


def case(losses, lr=1e-3, norm=0.5, state="finished", message="", steps=STEPS, typed=()):
    """A run of 2000 steps that logged these losses, of a network whose loss was 1 before its first step."""
    settings = compose(TrainSettings, ["train.steps=2000", *typed])
    logged = {curves.LOSS: losses, curves.RATE: lr, curves.NORM: norm}
    logged = {name: np.broadcast_to(np.asarray(values, float), steps.shape) for name, values in logged.items()}
    return SimpleNamespace(
        settings=settings, state=state, step=int(steps[-1]), planned=2000, untrained=1.0, run="runs/a",
        status={"state": state, "message": message},
        curves={name: (steps, values) for name, values in logged.items()},
    )  # fmt: skip


FALLING = STEPS**-0.5  # by a tenth from one fifth of the steps to the next, as losses do


def test_a_loss_that_falls_as_losses_do_is_fine():
    assert curves.length(case(FALLING)).verdict == curves.learning_rate(case(FALLING)).verdict == OK


def test_a_loss_in_full_fall_wants_more_steps():
    outcome = curves.length(case(np.exp(-STEPS / 500)))
    assert (
        outcome.verdict == LOOK and str(outcome.remedy) == "train longer: python train.py run=runs/a train.steps=4000"
    )
    # means over 1650 to 2000 and 1250 to 1600, eight points each, 400 steps apart
    assert outcome.figure.values["fall"] == pytest.approx(1 - np.exp(-400 / 500))


def test_a_run_that_goes_by_the_clock_gets_more_minutes():
    outcome = curves.length(case(np.exp(-STEPS / 500), typed=["train.minutes=30"]))
    assert str(outcome.remedy).endswith("train.minutes=60")


def test_a_stop_before_the_learning_rate_fell_is_told():
    early = {"state": "stopped", "steps": STEPS[:20]}
    outcome = curves.length(case(FALLING[:20], **early))
    assert outcome.verdict == LOOK and str(outcome.remedy) == "continue it: python train.py run=runs/a"
    assert curves.length(case(FALLING[:20], **early, typed=["optim.schedule=constant"])).verdict == OK


def test_a_training_that_stopped_at_nan_says_so_before_any_curve():
    message = "FloatingPointError: step 3: the loss is nan and the gradient norm nan; stopped"
    outcome = curves.learning_rate(case(FALLING[:1], state="failed", message=message, steps=STEPS[:1]))
    assert (
        outcome.verdict == FAULT
        and "the loss is nan" in str(outcome.figure)
        and "lower optim.lr" in str(outcome.remedy)
    )


def test_a_training_that_failed_for_another_reason_is_not_blamed_on_its_learning_rate():
    assert curves.learning_rate(case(FALLING, state="failed", message="OSError: disk full")).verdict == OK


def test_a_loss_that_rose_and_came_back_is_to_be_looked_at():
    burst = np.where(STEPS == 100, 2.5, FALLING)
    assert curves.learning_rate(case(burst)).verdict == LOOK
    assert curves.learning_rate(case(np.maximum(burst, 0.8))).verdict == FAULT


@pytest.mark.parametrize("norm", [5.0, 0.01])
def test_a_loss_that_never_fell_is_too_high_a_rate_where_gradients_are_clipped_and_too_low_a_one_elsewhere(norm):
    outcome = curves.learning_rate(case(np.full(len(STEPS), 0.99), norm=norm))
    assert outcome.verdict == FAULT
    assert str(outcome.remedy).startswith("lower optim.lr" if norm > 1 else "raise optim.lr")


def test_weights_of_another_training_start_with_a_low_loss():
    """So a loss that is what an untrained network has says nothing of the rate."""
    assert curves.learning_rate(case(np.full(len(STEPS), 0.99), typed=["init_from=a.safetensors"])).verdict == OK


def test_a_single_spike_is_noticed_and_noise_is_not():
    noisy = 0.1 * (1 + 0.3 * np.random.default_rng(0).standard_normal(len(STEPS)).clip(-2, 2))
    assert curves.learning_rate(case(noisy)).verdict == OK
    outcome = curves.learning_rate(case(np.where(STEPS == 1500, 0.5, 0.1)))
    assert outcome.verdict == LOOK and outcome.figure.values["spike"] == pytest.approx(5)


def test_a_warm_up_longer_than_the_run_is_told():
    few = STEPS[:5]  # 250 of 500 steps of warm-up
    outcome = curves.learning_rate(case(FALLING[:5], lr=few / 500 * 1e-3 * 0.9, steps=few))
    assert outcome.verdict == LOOK and "warm-up takes 500 steps" in str(outcome.figure)


def test_curves_of_few_points_say_nothing():
    few = case(FALLING[:3], steps=STEPS[:3])
    assert curves.length(few).verdict == curves.learning_rate(few).verdict == UNCHECKED
