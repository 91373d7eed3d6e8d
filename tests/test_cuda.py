"""What a GPU does otherwise than a CPU. `bash scripts/cuda.sh` runs these first; without a GPU they are skipped."""

import contextlib
from dataclasses import replace

import pytest
import torch

from data import BigFaces, PixelFaces
from data import base as data_base
from data.images import reduced
from data.pixelfaces import SCHEMA
from diffusion.gaussian import DiffusionSettings
from inference.pipeline import Pipeline
from runtime.device import Compute
from runtime.distributed import Processes
from tests.conftest import TINY
from training.loop import train
from training.trainer import CHECK_EVERY, Trainer

pytestmark = pytest.mark.cuda
HERE = Processes(0, 1, torch.device("cuda", 0))


@pytest.fixture
def trainer(compose):
    def build(*overrides):
        settings = compose("train", [*TINY, "device=cuda", "optim.warmup=0", *overrides])
        return Trainer(settings, PixelFaces(count=120).load(), HERE)

    return build


@pytest.fixture
def waiting_fails():
    """PyTorch raises where the host would wait for the device."""
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


def losses(trainer: Trainer, steps: int = 3) -> list[float]:
    return [trainer.step(step, 100).losses.mean().item() for step in range(steps)]


@pytest.mark.parametrize("overrides", [[], ["optim=muon", "train.accumulate=2"], ["diffusion.times=[100,500]"]])
@pytest.mark.parametrize("on_host", [False, True], ids=["data on the device", "data on the host"])
def test_no_training_step_waits_for_the_device(trainer, monkeypatch, request, overrides, on_host):
    monkeypatch.setattr(data_base, "MOST", 0.0 if on_host else data_base.MOST)
    made = trainer(*overrides)
    assert made.data.images.is_cuda != on_host
    made.step(0, 100)  # makes what is made once
    request.getfixturevalue("waiting_fails")
    for step in range(1, CHECK_EVERY - 1):
        assert made.step(step, 100).losses.is_cuda


def test_where_the_data_lie_changes_nothing(trainer, monkeypatch):
    on_device = losses(trainer("precision=fp32"))
    monkeypatch.setattr(data_base, "MOST", 0.0)
    assert losses(trainer("precision=fp32")) == pytest.approx(on_device, rel=1e-4)


@pytest.mark.parametrize("how", ["compile=true", "channels_last=true"])
def test_how_it_is_computed_changes_nothing_but_rounding(trainer, how):
    plain = losses(trainer("precision=fp32", "compile=false", "channels_last=false"))
    assert losses(trainer("precision=fp32", how)) == pytest.approx(plain, rel=2e-3)


def test_each_choice_is_timed_and_training_goes_on(trainer):
    made = trainer()
    made.settle()
    assert isinstance(made.how, Compute) and {"precision", "compile", "channels_last"} == set(made.why)
    first, *_, last = losses(made, 60)
    assert last < first


def test_a_resumed_training_goes_on_close_to_the_whole_one(trainer):
    """Sums of gradients may differ in their order, so close is all that is promised."""
    whole, part, rest = (trainer("precision=fp32") for _ in range(3))
    expected = losses(whole, 6)
    losses(part, 3)
    rest.load(part.state())
    assert [rest.step(s, 100).losses.mean().item() for s in range(3, 6)] == pytest.approx(expected[3:], rel=1e-3)


def test_pictures_are_those_of_the_cpu_but_for_rounding(weights):
    here, there = (Pipeline.load(weights, device)("crown", range(8), w=2) for device in ("cuda", "cpu"))
    assert ((here.short() - there.short()).abs() > 8).double().mean() < 0.01


def test_compiled_pictures_are_those_of_the_plain_network(weights):
    plain = Pipeline.load(weights, "cuda")
    fused = Pipeline.load(weights, "cuda", "fp32", True, True)
    one, other = (replace(pipe, palette=None)("crown", range(8), w=2).short() for pipe in (plain, fused))
    assert ((one - other).abs() > 8).double().mean() < 0.01


def test_similar_colours_are_told_apart_where_products_round_to_tf32(monkeypatch):
    """Colours a level apart, which TF32 would confuse: targets of the cross-entropy would be others."""
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    colours = torch.tensor([[200, 100 + level, 50] for level in range(8)])
    diffusion = DiffusionSettings(prediction="palette").build(colours)
    pixels = (colours.float() / 127.5 - 1).T[None, :, None].cuda()  # (1, 3, 1, 8)
    assert diffusion.nearest_colours(pixels).flatten().tolist() == list(range(8))


# -- all kinds of training, from the first step to pictures ------------------------------------------------------------

V = "diffusion.prediction=v"
ENCODER = ("model=autoencoder", "model.channels=16", "model.likelihood=palette", "train.steps=4", "run=encoder")
KINDS = {
    "palette": ("diffusion.prediction=palette",),
    "upsampler": (V, "dataset=bigfaces", "upsample=4", "model.patch=8", "model.map_channels=0"),
    "latents": (V, "autoencoder=encoder/checkpoints/ema.safetensors", "model.patch=1"),
    "distilled": ("distill=guided", "distill.substeps=2", "init_from=teacher/checkpoints/ema.safetensors"),
    "vae": ("model=vae", "model.likelihood=palette"),
    "wgan": ("model=wgan_gp",),
}
BEFORE = {"latents": ENCODER, "distilled": (V, "train.steps=1", "run=teacher")}


def tiny(*overrides: str) -> list[str]:
    """TINY, without what only networks that denoise have, where another is named."""
    other = any(override.startswith("model=") for override in overrides)
    kept = [typed for typed in TINY if not (other and typed.startswith(("model.", "train.preview.steps")))]
    return [*kept, "device=cuda", "optim.warmup=0", *overrides]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_trains_resumes_and_samples_the_pictures_of_the_cpu(compose, tmp_path, kind):
    def trained(*overrides):
        typed = tiny(*overrides)
        return train(compose("train", typed), typed).run

    with contextlib.chdir(tmp_path):
        if kind in BEFORE:
            trained(*BEFORE[kind])
        asked = (*KINDS[kind], "run=this", "train.validate_every=2", "train.preview_every=2")
        trained(*asked, "train.steps=2")
        run = trained(*asked, "train.steps=4")
        assert list(run.samples.glob("step-00000004-ema*.png"))
        here, there = (Pipeline.load(run.weights, device) for device in ("cuda", "cpu"))
        small = {"small": reduced(BigFaces(count=40).load().train.images[:3], 4)} if kind == "upsampler" else {}
        labels = SCHEMA.encode("crown").expand(3, -1)
        one, other = (pipe(labels, range(3), **small).short() for pipe in (here, there))
    assert ((one - other).abs() > 8).double().mean() < 0.02


def test_no_memory_for_a_step_is_one_line_that_names_the_remedy(compose, in_tmp):
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.001)
    typed = tiny("train.batch_size=8192", "train.steps=1", "run=large")
    try:
        with pytest.raises(ValueError, match=r"^train.batch_size=8192: no memory for .* go on with train.accumulate=2"):
            train(compose("train", typed), typed)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
