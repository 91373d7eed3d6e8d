"""The learning rate as a function of the step, the moving average, and which weights decay."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.ema import EMA, decay_at
from training.optim import build_optimizer, learning_rate

CONSTANT = {"lr": 2.0, "warmup": 10, "schedule": "constant"}
COSINE = {"lr": 2.0, "warmup": 10, "schedule": "cosine"}


def test_warm_up_is_linear_and_reaches_the_peak():
    rates = [learning_rate(k, 100, **CONSTANT) for k in range(12)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[10:] == [2.0, 2.0]


def test_cosine_is_half_at_half_way_and_zero_at_the_end():
    assert learning_rate(10, 110, **COSINE) == pytest.approx(2.0)
    assert learning_rate(60, 110, **COSINE) == pytest.approx(1.0)
    assert learning_rate(110, 110, **COSINE) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(1, 500), st.integers(0, 600), st.sampled_from(["constant", "cosine"]))
def test_learning_rate_never_leaves_its_range(steps, warmup, schedule):
    for k in range(0, steps, max(1, steps // 20)):
        assert 0 <= learning_rate(k, steps, 1.0, warmup, schedule) <= 1.0


def test_average_follows_its_closed_form():
    """After constant decay d, the average of 1, 2, ..., n is d^n x_0 + (1 - d) sum d^(n-k) k."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 0.0)
    ema, d, start = EMA(layer, 0.5), 0.5, 1000  # far from the warm-up
    for k in range(1, 11):
        torch.nn.init.constant_(layer.weight, float(k))
        ema.update(layer, start)
    expected = sum((1 - d) * d ** (10 - k) * k for k in range(1, 11))
    assert ema.model.weight.item() == pytest.approx(expected, rel=1e-6)


def test_short_runs_forget_the_random_start():
    """With a fixed decay of 0.999, 100 steps would leave 90 % of the start; the warm-up leaves next to nothing."""
    left = math.prod(decay_at(k, 0.999) for k in range(100))
    assert left < 1e-6
    assert decay_at(10**6, 0.999) == 0.999


def test_average_shares_no_memory_with_the_model():
    layer = torch.nn.Linear(2, 2)
    ema = EMA(layer, 0.9)
    before = ema.model.weight.clone()
    with torch.no_grad():
        layer.weight.add_(1.0)
    assert torch.equal(ema.model.weight, before)
    assert not ema.model.weight.requires_grad


def test_only_matrices_and_kernels_decay():
    model = torch.nn.ModuleDict({"conv": torch.nn.Conv2d(2, 2, 3), "norm": torch.nn.GroupNorm(1, 2)})
    model["table"] = torch.nn.Embedding(3, 2)
    optimizer = build_optimizer(model, {"lr": 1.0, "betas": [0.9, 0.99], "weight_decay": 0.1})
    decaying = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decaying == {id(model["conv"].weight)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 5
