"""What reaches the network in training: which pictures, which labels, which random numbers; and what is kept of it."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from conditions.schema import UNKNOWN
from data import PixelFaces
from data.images import to_uint8
from diffusion.gaussian import GaussianDiffusion
from runtime.checkpoint import load_state, load_tensors
from tests.conftest import TINY
from tests.training.conftest import ALONE
from training.ema import decay_at
from training.trainer import CHECK_EVERY, DROPOUT, NOISE, Trainer, step_seed


@pytest.fixture
def seen(monkeypatch):
    """The pictures (bytes) and labels that the training loss was computed on, filled while a training runs."""
    pictures, labels, loss_at = [], [], GaussianDiffusion.loss_at

    def recorded(self, denoiser, x_0, cond, t, eps):
        if torch.is_grad_enabled():
            pictures.append(to_uint8(x_0))
            labels.append(cond)
        return loss_at(self, denoiser, x_0, cond, t, eps)

    monkeypatch.setattr(GaussianDiffusion, "loss_at", recorded)
    return lambda: (torch.cat(pictures), torch.cat(labels))


def as_set(images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


# -- pictures -----------------------------------------------------------------------------------------------


def test_a_training_sees_all_training_pictures_and_no_held_out_one(train_tiny, compose, in_tmp, seen):
    """Held-out pictures that were trained on make every later measure of memory and exactness worthless."""
    splits = compose("train", TINY).dataset.load("")
    train_tiny("train.batch_size=27", "train.steps=4")  # 108 pictures in four steps: one epoch
    shown = as_set(seen()[0])
    assert shown == as_set(splits.train.images)
    assert not shown & (as_set(splits.validation.images) | as_set(splits.test.images))
    assert len(splits.validation) and len(splits.test)


# -- labels -------------------------------------------------------------------------------------------------


def test_whole_labels_are_dropped_as_often_as_cfg_drop_prob_says(train_tiny, in_tmp, seen):
    """Without dropped labels there is no unconditional model, and guidance moves away from something never trained."""
    train_tiny("cfg.drop_prob=0.5", "train.batch_size=50", "train.steps=4")
    share = (seen()[1] == UNKNOWN).all(dim=1).double().mean().item()
    assert abs(share - 0.5) < 0.14  # four standard errors


def test_labels_with_few_known_fields_are_common(train_tiny, in_tmp, seen):
    """People name one to five things; a network that only saw whole labels takes the rest for noise."""
    train_tiny("cfg.drop_prob=0", "cfg.partial_prob=0.5", "cfg.max_known=3", "train.batch_size=50", "train.steps=4")
    known = (seen()[1] != UNKNOWN).sum(dim=1)
    assert known.unique().tolist() == [1, 2, 3, seen()[1].shape[1]]
    assert abs((known <= 3).double().mean().item() - 0.5) < 0.14  # four standard errors


def test_without_dropout_labels_stay_whole_and_belong_to_their_pictures(train_tiny, compose, in_tmp, seen):
    """The control of the two tests above."""
    data = compose("train", TINY).dataset.load("").train
    train_tiny("cfg.drop_prob=0", "cfg.partial_prob=0", "train.batch_size=27", "train.steps=4")
    row = {image.numpy().tobytes(): i for i, image in enumerate(data.images)}
    pictures, labels = seen()
    rows = [row[image.numpy().tobytes()] for image in pictures]
    assert torch.equal(labels, data.labels[rows])


# -- random numbers -----------------------------------------------------------------------------------------


def test_every_seed_rank_and_step_has_random_numbers_of_its_own_for_noise_and_for_dropout():
    seeds = {
        step_seed(seed, rank, step, use)
        for seed in range(5)
        for rank in range(5)
        for step in range(50)
        for use in (NOISE, DROPOUT)
    }
    assert len(seeds) == 5 * 5 * 50 * 2
    assert 2**62 < max(seeds) < 2**63 and min(seeds) < 2**57  # all 63 bits of a signed whole number are used


def test_dropout_layers_and_noise_use_distinct_seeds(trainer, monkeypatch):
    """With one seed, which neurons are dropped would be decided by the very numbers that make the noise."""
    set_globally, of_generator, generator = [], [], torch.Generator

    class Recorded(generator):
        def manual_seed(self, seed):
            of_generator.append(seed)
            return super().manual_seed(seed)

    tiny = trainer("model.dropout=0.5")
    monkeypatch.setattr(torch, "manual_seed", set_globally.append)
    monkeypatch.setattr(torch, "Generator", Recorded)
    for step in range(3):
        tiny.step(step, 100)
    assert len({*set_globally, *of_generator}) == 6
    assert set_globally == [step_seed(0, 0, step, DROPOUT) for step in range(3)]
    assert of_generator == [step_seed(0, 0, step, NOISE) for step in range(3)]


def test_a_step_is_a_function_of_its_number(trainer):
    """However many steps a process has taken before: what resuming rests on."""
    one, other = trainer(), trainer()
    other.step(0, 100)
    other.load({**one.state(), "optimizer": trainer().state()["optimizer"]})
    torch.rand(7)
    losses = [t.step(5, 100).losses for t in (one, other)]
    assert torch.equal(*losses)


# -- the optimiser ------------------------------------------------------------------------------------------


def test_the_learning_rate_of_the_schedule_reaches_the_optimiser(trainer):
    """It would go on at the rate it was built with, without warm-up and without its fall at the end."""
    tiny = trainer("optim.warmup=10", "optim.schedule=cosine")
    (optimizer,) = tiny.optimizers.values()
    results = [tiny.step(step, 100) and optimizer.param_groups[0]["lr"] for step in (0, 9, 99)]
    assert results == [tiny.settings.optim.rate(step, 100) for step in (0, 9, 99)]
    assert results[0] == pytest.approx(results[1] / 10) and results[2] < results[1] / 10
    assert tiny.step(5, 100).lr == tiny.settings.optim.rate(5, 100)


def test_gradients_are_clipped_to_the_norm_that_is_set(trainer):
    """One batch of rare noise must not undo a thousand steps; what is reported is the norm before."""
    tiny = trainer("train.grad_clip=0.001")
    reported = tiny.step(0, 100).grad_norm
    norm = torch.stack([p.grad.norm() for p in tiny.model.parameters()]).norm()
    assert reported > 0.01 and norm.item() == pytest.approx(0.001, rel=1e-3)


# -- losses that are not finite -----------------------------------------------------------------------------


def poison(tiny, monkeypatch) -> None:
    """From now on the loss is NaN."""
    loss_at = GaussianDiffusion.loss_at
    monkeypatch.setattr(GaussianDiffusion, "loss_at", lambda *args: loss_at(*args) * float("nan"))


def test_on_the_cpu_a_loss_that_is_not_finite_does_not_reach_the_weights(trainer, monkeypatch):
    tiny = trainer()
    tiny.step(0, 100)
    poison(tiny, monkeypatch)
    with pytest.raises(FloatingPointError, match=r"^step 1: the loss is nan and the gradient norm") as stop:
        tiny.step(1, 100)
    assert str(stop.value).endswith(
        "stopped before this reached a checkpoint. Lower optim.lr, lengthen optim.warmup, or use precision=fp32"
    )
    assert all(tensor.isfinite().all() for model in ("model", "ema") for tensor in tiny.state()[model].values())


def test_a_gradient_that_is_not_finite_stops_it_though_the_loss_is(trainer):
    """In bf16 a backward pass can overflow where the forward pass did not."""
    tiny = trainer()
    next(tiny.model.parameters()).register_hook(lambda gradient: gradient * float("inf"))
    before = deepcopy(tiny.state()["model"])
    with pytest.raises(FloatingPointError, match=r"step 0: the loss is \d.* gradient norm (nan|inf);"):
        tiny.step(0, 100)
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny.state()["model"].items())


def test_on_a_gpu_it_is_found_some_steps_later_and_only_then_the_host_waits(trainer, monkeypatch):
    """Reading a number from a GPU waits for all that was launched before, so that it idles until the next launch."""
    tiny, waits, tolist = trainer(), [], torch.Tensor.tolist
    tiny.checks_at_once = False  # as on any device but the CPU
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: waits.append(self) or tolist(self))
    for step in range(CHECK_EVERY - 1):
        tiny.step(step, 100)
    assert not waits
    poison(tiny, monkeypatch)
    with pytest.raises(FloatingPointError, match=f"step {CHECK_EVERY - 1}: the loss is nan"):
        tiny.step(CHECK_EVERY - 1, 100)
    assert len(waits) == 1


def test_on_a_gpu_it_is_found_before_a_checkpoint(trainer, monkeypatch):
    tiny = trainer()
    tiny.checks_at_once = False
    poison(tiny, monkeypatch)
    tiny.step(0, 100)
    with pytest.raises(FloatingPointError, match="step 0: the loss is nan"):
        tiny.check()
    tiny.check()  # what was reported once is not reported again


def test_only_the_cpu_checks_at_once(trainer):
    """It computes step by step in any case."""
    assert trainer().checks_at_once


@pytest.mark.parametrize("at_once", [True, False], ids=["cpu", "gpu"])
def test_a_run_whose_loss_is_not_finite_keeps_its_last_checkpoint(train_tiny, in_tmp, monkeypatch, at_once):
    run = train_tiny("train.steps=2", "run=a")
    before, weights, init = run.state.read_bytes(), run.weights.read_bytes(), Trainer.__init__

    def built(self, *args):
        init(self, *args)
        self.checks_at_once = at_once

    monkeypatch.setattr(Trainer, "__init__", built)
    poison(None, monkeypatch)
    with pytest.raises(FloatingPointError, match="step 2: the loss is nan"):
        train_tiny("train.steps=4", "run=a")
    assert (run.state.read_bytes(), run.weights.read_bytes()) == (before, weights)
    assert '"failed"' in run.status.read_text()


# -- weights that are kept ----------------------------------------------------------------------------------


def test_the_weights_for_use_are_the_moving_average(train_tiny, in_tmp, monkeypatch):
    """Computed here from the weights after each step. Raw weights sample visibly noisier pictures."""
    after, step = [], Trainer.step

    def recorded(self, number, total):
        if not after:
            after.append(deepcopy(self.model.state_dict()))
        result = step(self, number, total)
        after.append(deepcopy(self.model.state_dict()))
        return result

    monkeypatch.setattr(Trainer, "step", recorded)
    run = train_tiny("train.steps=5", "optim.warmup=0", "optim.lr=0.05")
    average = {name: tensor.double() for name, tensor in after[0].items()}
    for number, raw in enumerate(after[1:]):
        decay = decay_at(number, 0.999)
        average = {name: decay * average[name] + (1 - decay) * raw[name].double() for name in average}
    saved, state = load_tensors(run.weights), load_state(run.state)
    for name, tensor in average.items():
        np.testing.assert_allclose(saved[name], tensor, atol=1e-6)
        assert torch.equal(saved[name], state["ema"][name])
        assert torch.equal(state["model"][name], after[-1][name])
    assert max((saved[name] - after[-1][name]).abs().max().item() for name in saved) > 1e-3


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_batch_in_parts_is_the_same_batch(compose, parts):
    """Gradients add up to those of the mean over the whole, also where the last part is a smaller one."""
    splits = PixelFaces(count=120).load()
    whole, divided = (
        Trainer(compose("train", [*TINY, "optim.warmup=0", f"train.accumulate={k}"]), splits, ALONE) for k in (1, parts)
    )
    for step in range(3):
        one, other = whole.step(step, 100), divided.step(step, 100)
        assert torch.allclose(one.losses, other.losses, rtol=1e-3) and torch.equal(one.t, other.t)
        assert torch.allclose(one.grad_norm, other.grad_norm, rtol=1e-3)
    for p, q in zip(whole.model.parameters(), divided.model.parameters(), strict=True):
        assert torch.allclose(p, q, atol=2e-4)
