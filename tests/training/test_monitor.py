"""What a training reports: the held-out loss, and the sample grids."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import grid
from diffusion.gaussian import GaussianDiffusion
from inference.pipeline import Pipeline
from tests.conftest import TINY

STILL = ("optim.lr=1e-12", "optim.warmup=0", "diffusion.prediction=v", "train.steps=1")  # leaves weights as they are


# -- held-out loss ------------------------------------------------------------------------------------------


def test_the_held_out_loss_is_that_of_held_out_pictures_with_whole_labels(train_tiny, compose, weights, in_tmp):
    """Computed here again from weights and data. On training pictures it would fall while a model memorises."""
    run = train_tiny(*STILL, f"init_from={weights}", "train.validate_every=1")
    pipe, splits = Pipeline.load(run.weights, "cpu"), compose("train", TINY).dataset.load("")
    losses = {name: held_out_loss(pipe, getattr(splits, name)) for name in ("train", "validation", "test")}
    reported = json.loads(run.status.read_text())["held_out_loss"]
    assert reported == pytest.approx(losses["validation"], rel=1e-5)
    assert all(reported != pytest.approx(losses[name], rel=1e-3) for name in ("train", "test"))


@torch.no_grad()
def held_out_loss(pipe: Pipeline, data) -> float:
    """The mean over all pictures of a split, with noise levels spread evenly and the noise of seed 0."""
    batch = data.batch(torch.arange(len(data)))
    t = 1 + torch.arange(len(data)) * pipe.diffusion.schedule.T // len(data)
    eps = torch.randn(batch.x_0.shape, generator=torch.Generator().manual_seed(0))
    return pipe.diffusion.loss_at(pipe.denoiser, batch.x_0, batch.cond, t, eps).mean().item()


def test_the_held_out_loss_is_of_the_ema_weights_and_the_same_each_time(train_tiny, in_tmp, monkeypatch):
    """So that two of its values differ by the weights alone; and so that they tell of the weights that are used."""
    calls, loss_at = [], GaussianDiffusion.loss_at

    def recorded(self, denoiser, x_0, cond, t, eps):
        if not torch.is_grad_enabled():
            calls.append((x_0, cond, t, eps))
        return loss_at(self, denoiser, x_0, cond, t, eps)

    with monkeypatch.context() as patch:
        patch.setattr(GaussianDiffusion, "loss_at", recorded)
        run = train_tiny("train.steps=2", "train.validate_every=1", "optim.warmup=0", "optim.lr=0.05")
    first, second = calls[: len(calls) // 2], calls[len(calls) // 2 :]
    assert first and all(map(torch.equal, sum(first, ()), sum(second, ())))
    pipe = Pipeline.load(run.weights, "cpu")
    whole = [torch.cat(parts) for parts in zip(*first, strict=True)]
    expected = pipe.diffusion.loss_at(pipe.denoiser, *whole).mean().item()
    assert json.loads(run.status.read_text())["held_out_loss"] == pytest.approx(expected, rel=1e-5)


# -- sample grids -------------------------------------------------------------------------------------------


def sheet(run, kind: str, w: int):
    return np.asarray(Image.open(run.samples / f"step-00000001-{kind}-w{w}.png"))


def test_sample_grids_show_what_the_weights_give_with_and_without_guidance(train_tiny, compose, weights, in_tmp):
    """To the byte what the pipeline samples with that w: a grid that ignores w hides that guidance does not work."""
    run = train_tiny(*STILL, f"init_from={weights}", "train.preview_every=1", "train.preview.columns=2")
    pipe, settings = Pipeline.load(run.weights, "cpu"), compose("train", TINY)
    labels = torch.stack([pipe.schema.encode(request) for request in settings.dataset.preview])
    labels = labels.repeat_interleave(2, dim=0)
    options = {"guidance": "cfg", "sampler": "ddim", "steps": settings.train.preview.steps, "refine": 0}
    for w in (1, 3):
        expected = grid(
            pipe(labels, range(len(labels)), w=w, complete=False, spacing="trailing", **options), 2, scale=2
        )
        assert np.array_equal(sheet(run, "ema", w), expected.permute(1, 2, 0).numpy())
    for kind in ("ema", "raw"):
        assert not np.array_equal(sheet(run, kind, 1), sheet(run, kind, 3))


def test_grids_of_raw_and_of_ema_weights_differ(train_tiny, weights, in_tmp):
    """The network of `weights` reacts, so that one large step shows in its pictures at once, in their mean later."""
    settings = (*STILL[2:], "optim.lr=0.1", "optim.warmup=0", "train.ema_decay=1", "train.preview_every=1")
    run = train_tiny(*settings, f"init_from={weights}")
    assert not np.array_equal(sheet(run, "raw", 1), sheet(run, "ema", 1))


def test_large_grids_are_sampled_in_parts(train_tiny, in_tmp, monkeypatch):
    """However many columns are wanted, memory is that of one part."""
    from training import monitor

    parts, generate = [], monitor.generate
    monkeypatch.setattr(monitor, "generate", lambda *args: parts.append(args[2]) or generate(*args))
    train_tiny("train.steps=1", "train.preview_every=1", "train.preview.columns=25", "train.preview.steps=1", "cfg=off")
    seeds = list(range(100))  # four rows without labels
    assert parts == [seeds[:64], seeds[64:]] * 2


def test_an_unconditional_training_has_no_guided_grids(train_tiny, in_tmp):
    run = train_tiny("train.steps=1", "train.preview_every=1", "cfg=off")
    assert sorted(path.name for path in run.samples.iterdir()) == [
        f"step-00000001-{kind}-w1.png" for kind in ("ema", "raw")
    ]
