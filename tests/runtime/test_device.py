"""Devices that are not there, and what fp32 means."""

import json
from types import SimpleNamespace

import pytest
import torch

from runtime import device
from runtime.device import Compute, in_precision, pick_device, pick_precision

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")


@pytest.fixture
def flags(monkeypatch):
    """PyTorch's flags of TF32, as they are by default: on for convolutions."""
    backends = SimpleNamespace(
        cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=False)), cudnn=SimpleNamespace(allow_tf32=True)
    )
    monkeypatch.setattr(torch, "backends", backends)
    return lambda: (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32)


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_on_cuda_fp32_means_no_tf32(flags, precision, tf32):
    """By default convolutions round their inputs to 10 bits of mantissa, and "fp32" on a record would be untrue."""
    assert pick_precision(precision, CUDA) == precision
    assert flags() == (tf32, tf32)


def test_auto_on_cuda_is_bf16_where_it_is_computed_else_fp32(flags, monkeypatch):
    for able, precision in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, able=able: able)
        assert pick_precision("auto", CUDA) == precision
        assert flags() == (False, False)


def test_the_cpu_has_no_tf32_and_leaves_the_flags_alone(flags):
    with pytest.raises(ValueError, match=r"precision=tf32: only CUDA has it, not cpu; use fp32 or auto"):
        pick_precision("tf32", CPU)
    pick_precision("fp32", CPU)
    assert flags() == (False, True)


def test_emulated_bf16_is_chosen_only_by_name_and_with_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(device, "computes_bf16", lambda place: False)
    assert pick_precision("auto", CPU) == "fp32" and not caplog.messages
    assert pick_precision("bf16", CPU) == "bf16"
    assert "only emulates it" in caplog.text


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_is_that_of_products_alone(precision):
    layer, seen = torch.nn.Linear(4, 4), []

    def denoiser(x_t, t, cond):
        seen.append(layer(x_t))
        return seen[0]

    out = in_precision(denoiser, CPU, precision)(torch.ones(1, 4), torch.ones(1), torch.ones(1))
    assert seen[0].dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
    assert out.dtype == layer.weight.dtype == torch.float32


@pytest.mark.parametrize(("able", "seconds", "precision"), [
    (False, {}, "fp32"), (True, {"fp32": 0.2, "bf16": 0.1}, "bf16"), (True, {"fp32": 0.1, "bf16": 0.2}, "fp32"),
], ids=["none", "faster", "slower"])  # fmt: skip
def test_a_training_takes_bf16_where_a_step_is_faster_and_says_why(
    train_tiny, in_tmp, monkeypatch, able, seconds, precision
):
    """A CPU that has the instructions may still be slower with them."""
    from training.trainer import Trainer

    monkeypatch.setattr(device, "computes_bf16", lambda place: able)
    monkeypatch.setattr(Trainer, "_seconds", lambda self, how: seconds[how.precision])
    run = train_tiny("train.steps=1", "precision=auto", "run=run")
    assert json.loads(run.status.read_text())["precision"] == precision
    why = "0.2 s a step in" if able else "no fast bf16 on this device"
    assert f"precision {precision}: " in run.log.read_text() and why in run.log.read_text()


def test_a_resumed_training_keeps_the_precision_that_it_began_with(train_tiny, in_tmp, monkeypatch):
    """Whatever would be faster now, or it would not continue bit for bit."""
    from training import compute, trainer

    for module in (device, compute):
        monkeypatch.setattr(module, "computes_bf16", lambda place: True)
    monkeypatch.setattr(trainer.Trainer, "_seconds", lambda self, how: {"fp32": 0.1, "bf16": 0.2}[how.precision])
    train_tiny("train.steps=1", "precision=auto", "run=run")
    monkeypatch.setattr(trainer.Trainer, "_seconds", lambda self, how: pytest.fail("timed again"))
    assert (
        json.loads(train_tiny("train.steps=2", "precision=auto", "run=run").status.read_text())["precision"] == "fp32"
    )


def test_timing_a_step_changes_nothing(compose, in_tmp):
    """Neither the weights nor the random numbers of what follows."""
    from data import PixelFaces
    from runtime.distributed import Processes
    from tests.conftest import TINY
    from training.trainer import Trainer

    made = Trainer(compose("train", TINY), PixelFaces(count=120).load(), Processes(0, 1, CPU))
    before, random = [p.clone() for p in made.model.parameters()], torch.get_rng_state()
    assert made._seconds(Compute("fp32", channels_last=True)) > 0
    for p, q in zip(made.model.parameters(), before, strict=True):
        assert torch.equal(p, q) and p.grad is None and p.stride() == q.stride()
    assert torch.equal(torch.get_rng_state(), random)


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device=cuda: PyTorch finds no such device here, only cpu; use device=auto"):
        pick_device("cuda")
    assert pick_device("auto") == CPU


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(ValueError, match=r"device=cuda: 2 are there; start no more processes than that"):
        pick_device("cuda", 2)
