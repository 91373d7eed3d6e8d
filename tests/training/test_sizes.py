"""Settings that no machine could hold or finish are refused in one line, before anything is built or written."""

import re
import time

import pytest

from runtime import memory
from runtime.checkpoint import load_tensors


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.batch_size=1000000000000", r"train\.batch_size=10{12}: needs [\d,.]+ PB, .* for each .*at most \d+$"),
        (
            "model.channels=4096",
            r"^model\.channels=4096: training [\d,]+ parameters needs [\d.]+ .B, .* has .*a smaller network",
        ),
        ("model.channel_mults=[100000000,1]", r"^model\.channel_mults=\[100000000, 1\]: .*a smaller network"),
        ("model.channel_mults=[1" + 30 * "0" + ",1]", r"no memory can hold its parameters; choose a smaller network"),
        (
            "train.steps=1" + 25 * "0",
            r"train\.steps=10{25}: at 1,000 steps a second that takes 3\.2e\+14 years; .*most",
        ),
        ("train.batch_size=1" + 25 * "0", r"train\.batch_size=10{25}: must be a whole number from 1 to"),
        ("train.preview.columns=100000", r"train\.preview\.columns=100000: must be a whole number from 1 to 256"),
        ("model.channels=100000000", r"model\.channels=100000000: must be a whole number from 1 to 4,096"),
        ("diffusion.T=1000000000", r"diffusion\.T=1000000000: must be a whole number from 1 to"),
    ],
)
def test_impossible_sizes_are_refused_at_once(train_tiny, in_tmp, setting, message):
    began = time.process_time()
    with pytest.raises(ValueError, match=message) as refused:
        train_tiny("model.patch=1", "train.steps=1", "run=a", setting)
    assert "\n" not in str(refused.value)
    assert time.process_time() - began < 5
    assert not list(in_tmp.iterdir())


def test_memory_is_reckoned_with_before_the_network_is_built(train_tiny, in_tmp, monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda device: 10_000)
    monkeypatch.setattr("training.loop.Trainer", lambda *_: pytest.fail("was built"))
    with pytest.raises(ValueError, match=r"model=unet: .* needs .* MB, and the machine has 10,000 bytes"):
        train_tiny("model.patch=1", "train.steps=1", "run=a")
    assert not list(in_tmp.iterdir())


def test_logits_of_a_palette_are_reckoned_with(train_tiny, in_tmp, monkeypatch):
    """The parameters that are told of are those of the network that would be trained."""
    settings = "train.steps=1", "run=a", "diffusion.prediction=palette"
    with monkeypatch.context() as patch, pytest.raises(ValueError, match=r"training ([\d,]+) parameters") as refused:
        patch.setattr(memory, "memory_of", lambda device: 10_000)
        train_tiny(*settings)
    told = int(re.search(r"training ([\d,]+) parameters", str(refused.value))[1].replace(",", ""))
    assert told == sum(tensor.numel() for tensor in load_tensors(train_tiny(*settings).weights).values())


def test_a_batch_that_is_too_large_as_a_whole_may_be_computed_in_parts(train_tiny, in_tmp, monkeypatch):
    """In as many as the message says, and in no fewer."""
    monkeypatch.setattr(memory, "memory_of", lambda device: 30_000_000)
    with pytest.raises(ValueError, match=r"train.batch_size=80: .* at most \d+, or train.accumulate=\d+$") as refused:
        train_tiny("model.patch=1", "train.steps=1", "train.batch_size=80", "run=a")
    parts = int(str(refused.value).rpartition("=")[2])
    with pytest.raises(ValueError, match=f"train.accumulate={parts}$"):
        train_tiny("model.patch=1", "train.steps=1", "train.batch_size=80", f"train.accumulate={parts - 1}", "run=a")
    assert train_tiny(
        "model.patch=1", "train.steps=1", "train.batch_size=80", f"train.accumulate={parts}", "run=a"
    ).state.exists()
