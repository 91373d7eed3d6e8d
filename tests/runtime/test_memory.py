"""The least memory that a training needs: never more than it takes, and found without taking any."""

from types import SimpleNamespace

import pytest
import torch

from data.augmentation import Augmentation
from data.pixelfaces import SCHEMA
from diffusion.distillation import Undistilled
from models.dit import DiTSettings
from models.unet import UNetSettings
from runtime import memory
from runtime.memory import activations, memory_of, network, refuse_impossible, size

SHAPE, CPU, GB = (3, 24, 24), torch.device("cpu"), 10**9
NETWORKS = {  # and the share that is reckoned at least
    "unet": (UNetSettings(channels=16, head_dim=16), 0.9),
    "dit": (DiTSettings(width=48, depth=3, heads=3), 0.7),
    "attention among all pixels": (UNetSettings(channels=8, head_dim=8, attention_levels=[0]), 0.2),
}


def kept(model: UNetSettings | DiTSettings) -> int:
    """Bytes that are kept on the CPU for the backward pass of one picture: the difference of two batches."""

    def of(batch: int) -> int:
        net, tensors = model.build(SHAPE, SCHEMA.cardinalities), {}
        inputs = torch.zeros(batch, *SHAPE), torch.ones(batch).long(), torch.zeros(batch, len(SCHEMA)).long()
        with torch.autograd.graph.saved_tensors_hooks(lambda x: tensors.setdefault(x.data_ptr(), x), lambda x: x):
            output = net(*inputs)
        assert output.requires_grad
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors.values())

    return of(3) - of(2)


@pytest.mark.parametrize(("model", "share"), NETWORKS.values(), ids=NETWORKS)
def test_no_more_is_reckoned_for_a_picture_than_is_kept(model, share):
    """Attention keeps every pair of tokens in some kernels and not in others, so it counts as if it did not."""
    with torch.device("meta"):
        empty = model.build(SHAPE, SCHEMA.cardinalities)
    assert share < activations(empty, SHAPE, len(SCHEMA)) / kept(model) < 1.1


def training(model, batch_size=64, moments=2, precision="fp32"):
    return SimpleNamespace(
        model=model,
        augment=Augmentation(),
        distill=Undistilled(),
        upsample=None,
        seed=0,
        optim=SimpleNamespace(moments=moments),
        precision=precision,
        train=SimpleNamespace(batch_size=batch_size, accumulate=1),
    )


@pytest.fixture
def refusal(monkeypatch):
    """What is said of a training on a machine with `have` bytes; None if it may try."""

    def refused(have, *args, processes=1, **kwargs):
        monkeypatch.setattr(memory, "memory_of", lambda device: have)
        try:
            return refuse_impossible(training(*args, **kwargs), SHAPE, SCHEMA, None, CPU, processes)
        except ValueError as error:
            return str(error)

    return refused


def test_the_largest_batch_that_is_named_is_accepted_and_one_more_is_not(refusal):
    most = int(refusal(GB, UNetSettings(), 10**6).split("at most ")[1])
    assert 50 < most < 200
    assert refusal(GB, UNetSettings(), most) is None
    assert refusal(GB, UNetSettings(), most + 1).startswith(f"train.batch_size={most + 1}: needs 1.0 GB")


def test_processes_share_a_batch_and_bf16_halves_it(refusal):
    one, four, half = (
        int(refusal(GB, UNetSettings(), 10**6, **how).split("at most ")[1])
        for how in ({}, {"processes": 4}, {"precision": "bf16"})
    )
    assert four == 4 * one and half in (2 * one, 2 * one + 1)


def test_weights_alone_can_be_too_much(refusal):
    """Weights, gradients, EMA and the optimiser's moments are 4 bytes each per parameter; Muon keeps one moment."""
    model = DiTSettings(depth=20)
    with torch.device("meta"):
        parameters = sum(p.numel() for p in model.build(SHAPE, SCHEMA.cardinalities).parameters())
    message = refusal(20 * parameters - 1, model)
    assert message.startswith(f"model.depth=20: training {parameters:,} parameters needs ")
    assert "for one picture at a time" in refusal(20 * parameters, model)
    assert "for one picture at a time" in refusal(16 * parameters, model, moments=1)


def test_a_gpu_is_asked_for_its_own_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (GB, 80 * GB))
    assert memory_of(torch.device("cuda", 0)) == 80 * GB
    with pytest.raises(ValueError, match=r"and the GPU has 80\.0 GB"):
        refuse_impossible(training(UNetSettings(), 10**9), SHAPE, SCHEMA, None, torch.device("cuda", 0))


def test_a_container_has_the_memory_that_it_may_use(monkeypatch, tmp_path):
    """The machine's own would let a training start that the kernel then kills without a word."""
    whole = memory_of(CPU)
    limits = {"memory.max": str(2 * GB)}
    monkeypatch.setattr(memory, "_content", lambda path: limits.get(path.name, ""))
    assert memory_of(CPU) == 2 * GB
    limits["memory.max"] = "max"
    assert memory_of(CPU) >= whole


def test_a_network_is_named_by_what_makes_it_large():
    assert network(UNetSettings(channels=64, blocks=3), SHAPE) == "model.channels=64, model.blocks=3"
    assert network(UNetSettings(channels=8), SHAPE) == "model=unet"
    assert network(DiTSettings(), SHAPE) == "model=dit"


def test_sizes_in_words():
    assert [size(n) for n in (12, 3_100_000_000, 2 * 10**18)] == ["12 bytes", "3.1 GB", "2,000.0 PB"]
