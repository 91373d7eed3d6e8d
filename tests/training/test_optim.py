"""The learning rate as a function of the step, the moving average, and which weights decay."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from training.ema import EMA, decay_at
from training.optim import AdamW, Muon, MuonSettings

SCHEDULES = ("constant", "cosine", "trapezoid")
CONSTANT = AdamW(lr=2.0, warmup=10, schedule="constant")
COSINE = AdamW(lr=2.0, warmup=10, schedule="cosine")
MUON = MuonSettings(lr=0.01, weight_decay=0.1)


def test_warm_up_is_linear_and_reaches_the_peak():
    rates = [CONSTANT.rate(k, 100) for k in range(12)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[10:] == [2.0, 2.0]


def test_cosine_is_half_at_half_way_and_zero_at_the_end():
    assert COSINE.rate(10, 110) == pytest.approx(2.0)
    assert COSINE.rate(60, 110) == pytest.approx(1.0)
    assert COSINE.rate(110, 110) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(1, 500), st.integers(0, 600), st.sampled_from(SCHEDULES))
def test_learning_rate_never_leaves_its_range(steps, warmup, schedule):
    optim = AdamW(lr=1.0, warmup=warmup, schedule=schedule, cooldown=0.2)
    for k in range(0, steps, max(1, steps // 20)):
        assert 0 <= optim.rate(k, steps) <= 1.0


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
    optimizer = AdamW(lr=1.0, weight_decay=0.1).build(model)
    decaying = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decaying == {id(model["conv"].weight)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 5


def test_trapezoid_stays_then_falls_to_zero_and_before_that_does_not_know_the_end():
    optim = AdamW(lr=2.0, warmup=10, schedule="trapezoid", cooldown=0.25)
    rates = [optim.rate(k, 100) for k in range(101)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[10:76] == [2.0] * 66
    assert rates[75:] == pytest.approx([2.0 * (100 - k) / 25 for k in range(75, 101)])
    assert rates[:75] == [optim.rate(k, 1000) for k in range(75)]


def test_muon_learns_all_directions_at_the_same_pace():
    """The update of a kernel is close to orthogonal, however unequal the directions of its gradient, and of AdamW's
    size; Jordan et al. 2024 promise singular values between 0.7 and 1.2."""
    kernel = torch.nn.Conv2d(6, 16, 3, bias=False)
    before = kernel.weight.detach().clone()
    optimizer = MUON.replace(weight_decay=0.0).build(torch.nn.ModuleDict({"layer": kernel}))
    u, _, v = torch.linalg.svd(torch.randn(16, 54), full_matrices=False)
    kernel.weight.grad = (u * torch.logspace(0, -2, 16) @ v).view_as(kernel.weight)
    optimizer.step()
    update = (before - kernel.weight.detach()).flatten(1) / (MUON.lr * 0.2 * math.sqrt(54))
    singular = torch.linalg.svdvals(update)
    assert singular.min() > 0.6 and singular.max() < 1.3
    assert torch.linalg.svdvals(kernel.weight.grad.flatten(1)).min() < 0.02


@pytest.mark.parametrize("shape", [(6, 20), (20, 6)])
def test_muon_takes_the_steps_of_that_of_torch(shape):
    """Which computes in bf16, so that they agree to its precision."""
    ours, theirs = (torch.nn.Parameter(torch.ones(shape)) for _ in range(2))
    optim = MUON.replace(lr=0.01, weight_decay=0.1).filled({})
    optimizer = Muon([ours], [], [], optim)
    reference = torch.optim.Muon([theirs], 0.01, 0.1, optim.momentum, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        theirs.grad = ours.grad = torch.randn(shape)
        optimizer.step()
        reference.step()
    assert_close(ours, theirs, rtol=0, atol=5e-4)
    assert (ours - 1).abs().mean() > 5e-3


def test_muon_leaves_colours_biases_and_tables_to_adamw():
    model = torch.nn.ModuleDict({name: torch.nn.Conv2d(3, 3, 3) for name in ("stem", "layer", "head")})
    model["table"] = torch.nn.Embedding(3, 2)
    optimizer = MUON.build(model)
    assert [id(p) for p in optimizer.hidden["params"]] == [id(model["layer"].weight)]
    by_adamw = {id(p) for group in optimizer.adamw.param_groups for p in group["params"]}
    assert by_adamw | {id(model["layer"].weight)} == {id(p) for p in model.parameters()}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 7


def test_muon_minimises_and_continues_exactly_from_its_state():
    def start():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 8))
        return model, MUON.build(model)

    def steps(model, optimizer, ks):
        losses = []
        for k in ks:
            x = torch.randn(32, 8, generator=torch.Generator().manual_seed(k))
            loss = (model(x) - x.flip(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    straight, optimizer = start()
    losses = steps(straight, optimizer, range(60))
    assert losses[-1] < 0.5 * losses[0]
    first, optimizer = start()
    steps(first, optimizer, range(30))
    second, other = start()
    second.load_state_dict(first.state_dict())
    other.load_state_dict(optimizer.state_dict())
    assert steps(second, other, range(30, 60)) == losses[30:]


@pytest.mark.parametrize("optim", [AdamW(), MuonSettings()], ids=["adamw", "muon"])
def test_the_declared_number_of_moments_is_that_of_a_hidden_weight(optim):
    """The estimate of memory counts on it."""
    model = torch.nn.ModuleDict({"layer": torch.nn.Linear(8, 8, bias=False)})
    optimizer = optim.build(model)
    model["layer"].weight.grad = torch.ones(8, 8)
    optimizer.step()
    if isinstance(optim, MuonSettings):
        kept = optimizer.averages
    else:
        kept = [value for value in optimizer.state[model["layer"].weight].values() if value.ndim == 2]
    assert sum(value.numel() for value in kept) == 64 * optim.moments
