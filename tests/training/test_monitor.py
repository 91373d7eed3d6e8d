"""What a training reports: the held-out loss, the time left, and the sample grids."""

import json
import os
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import grid
from data.pixelfaces import PixelFaces
from diffusion.gaussian import GaussianDiffusion
from inference.pipeline import Pipeline
from tests.conftest import TINY
from training import monitor, previews
from training.monitor import GRIDS, HELD_OUT, STEP_COST
from training.previews import Previews
from training.run import Run

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


@pytest.mark.parametrize("accumulate", [1, 4])
def test_as_many_held_out_pictures_at_once_as_in_training(train_tiny, in_tmp, monkeypatch, accumulate):
    """More may not fit the memory, and would end every session before its first checkpoint."""
    sizes, loss_at = [], GaussianDiffusion.loss_at

    def recorded(self, denoiser, x_0, *more):
        sizes.append(len(x_0))
        return loss_at(self, denoiser, x_0, *more)

    monkeypatch.setattr(GaussianDiffusion, "loss_at", recorded)
    train_tiny("train.steps=1", "train.validate_every=1", f"train.accumulate={accumulate}")
    assert max(sizes) == 8 // accumulate


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


# -- the status while no step is taken -----------------------------------------------------------------------


def test_the_status_says_what_is_done_beside_the_steps_and_counts_it(train_tiny, in_tmp, monkeypatch):
    """Sample grids can take longer than all steps between them; "7 s left" stood for minutes."""
    seen, write = [], Run.write_status
    monkeypatch.setattr(Run, "write_status", lambda self, **status: (seen.append(status), write(self, **status)))
    monkeypatch.setattr(Previews, "sample", lambda *args: time.sleep(0.1) or torch.zeros(5, 3, 24, 24).byte())
    train_tiny("train.steps=5", "train.log_every=1", "train.preview_every=2", "train.validate_every=5")
    assert [s["doing"] for s in seen if s.get("doing")] == [GRIDS, GRIDS, HELD_OUT, GRIDS]
    after = {s["step"]: s["seconds_left"] for s in seen if s.get("doing") == ""}
    assert after[4] > 0.4 and after[2] > 0.8  # four grids of 0.1 s at step 4 and at the end
    assert after[5] == 0 and seen[-1]["state"] == "finished"


def test_what_was_never_done_is_estimated_by_its_forward_passes(train_tiny, in_tmp, monkeypatch):
    seen, write = [], Run.write_status
    monkeypatch.setattr(Run, "write_status", lambda self, **status: (seen.append(status), write(self, **status)))
    settings = ("train.steps=3", "train.log_every=1", "train.preview_every=3", "train.preview.steps=7")
    monkeypatch.setattr(monitor, "STATUS_EVERY_S", 0.0)
    train_tiny(*settings, "train.preview.columns=2")
    first = next(s for s in seen if s["step"] == 1)
    pictures, evaluations = 2 * len(PixelFaces().preview), 7 * (1 + 2)  # of the unguided and of the guided grid
    expected = (2 * 8 + 2 * pictures * evaluations / STEP_COST) / first["images_per_second"]
    assert first["seconds_left"] == pytest.approx(expected)


def test_a_stop_leaves_out_the_grids_that_are_left(train_tiny, in_tmp, monkeypatch):
    sample = Previews.sample

    def stopped(self, model, w):
        os.kill(os.getpid(), signal.SIGTERM)
        return sample(self, model, w)

    monkeypatch.setattr(Previews, "sample", stopped)
    run = train_tiny("train.steps=9", "train.preview_every=1")
    assert len(list(run.samples.iterdir())) == 1 and json.loads(run.status.read_text())["step"] == 2


# -- sample grids -------------------------------------------------------------------------------------------


def sheet(run, kind: str, w: int):
    return np.asarray(Image.open(run.samples / f"step-00000001-{kind}-w{w}.png"))


def test_sample_grids_show_what_the_weights_give_with_and_without_guidance(train_tiny, compose, weights, in_tmp):
    """To the byte what the pipeline samples with that w: a grid that ignores w hides that guidance does not work."""
    run = train_tiny(
        *STILL, f"init_from={weights}", "train.preview_every=1", "train.preview.columns=2", "train.preview.steps=null"
    )
    pipe, settings = Pipeline.load(run.weights, "cpu"), compose("train", TINY)
    labels = torch.stack([pipe.schema.encode(request) for request in settings.dataset.preview])
    labels = labels.repeat_interleave(2, dim=0)
    for w in (1, 3):
        expected = grid(pipe(labels, range(len(labels)), w=w), 2, scale=2)  # by default, as sample.py does
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
    parts, generate = [], previews.generate
    monkeypatch.setattr(previews, "generate", lambda *args: parts.append(args[2]) or generate(*args))
    train_tiny("train.steps=1", "train.preview_every=1", "train.preview.columns=25", "train.preview.steps=1", "cfg=off")
    seeds = list(range(100))  # four rows without labels
    assert parts == [seeds[:64], seeds[64:]] * 2


def test_an_unconditional_training_has_no_guided_grids(train_tiny, in_tmp):
    run = train_tiny("train.steps=1", "train.preview_every=1", "cfg=off")
    assert sorted(path.name for path in run.samples.iterdir()) == [
        f"step-00000001-{kind}-w1.png" for kind in ("ema", "raw")
    ]
