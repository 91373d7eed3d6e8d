"""Files on disk: whole or not at all, never executed, refused with a reason."""

import errno
import json
import os
import pickle
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from runtime import checkpoint
from runtime.checkpoint import (
    CheckpointError,
    WeightsInfo,
    load_state,
    load_tensors,
    previous,
    read_info,
    save_state,
    save_weights,
    set_damaged_aside,
    write_atomically,
)
from tests.programs import ROOT

INFO = WeightsInfo({"seed": 1}, "{}", [[1, 2, 3]], [3, 8, 8], "pixelfaces", "abc", 7)


class Bomb:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_state_comes_back_equal(tmp_path):
    state = {"step": 3, "model": {"w": torch.randn(4, 4)}}
    save_state(tmp_path / "state.pt", state)
    loaded = load_state(tmp_path / "state.pt")
    assert loaded["step"] == 3
    assert torch.equal(loaded["model"]["w"], state["model"]["w"])


def test_no_state_is_none(tmp_path):
    assert load_state(tmp_path / "state.pt") is None


def test_the_one_before_is_kept_and_used_when_the_newest_is_truncated(tmp_path):
    path = tmp_path / "state.pt"
    for step in (1, 2):
        save_state(path, {"step": step, "x": torch.zeros(1000)})
    assert load_state(path)["step"] == 2
    path.write_bytes(path.read_bytes()[:500])
    assert load_state(path)["step"] == 1
    previous(path).write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        load_state(path)


def test_a_damaged_state_never_replaces_the_good_one_before_it(tmp_path):
    path = tmp_path / "state.pt"
    for step in (1, 2):
        save_state(path, {"step": step, "x": torch.zeros(1000)})
    path.write_bytes(b"damaged")
    set_damaged_aside(path)
    assert load_state(path)["step"] == 1
    save_state(path, {"step": 3})
    path.write_bytes(b"damaged again")
    assert load_state(path)["step"] == 1


def test_a_killed_rename_leaves_the_one_before(tmp_path):
    """Between its two renames a save has moved the old file away; the state must still be found."""
    path = tmp_path / "state.pt"
    save_state(path, {"step": 1})
    path.rename(previous(path))
    assert load_state(path)["step"] == 1


def test_a_malicious_state_is_not_executed(tmp_path):
    path, witness = tmp_path / "state.pt", tmp_path / "executed"
    with path.open("wb") as file:
        pickle.dump({"format": Bomb(witness)}, file)
    with pytest.raises(CheckpointError, match="nothing in it was executed"):
        load_state(path)
    torch.save({"format": Bomb(witness)}, path)
    with pytest.raises(CheckpointError):
        load_state(path)
    assert not witness.exists()


def test_a_malicious_pickle_as_weights_is_not_executed(tmp_path):
    path, witness = tmp_path / "inference.weights.safetensors", tmp_path / "executed"
    with path.open("wb") as file:
        pickle.dump(Bomb(witness), file)
    with pytest.raises(CheckpointError, match="no safetensors file"):
        read_info(path)
    assert not witness.exists()


def test_weights_and_their_description_come_back(tmp_path):
    path, tensors = tmp_path / "w.safetensors", {"a": torch.randn(3, 2), "b": torch.arange(3.0).half()}
    save_weights(path, tensors, INFO)
    assert read_info(path) == INFO
    assert all(torch.equal(load_tensors(path)[name], tensor.float()) for name, tensor in tensors.items())


def test_weights_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="another kind"):
        read_info(path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"format": checkpoint.FORMAT, "info": json.dumps({})})
    with pytest.raises(CheckpointError, match="description cannot be read"):
        read_info(path)


def test_truncated_and_missing_weights_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(CheckpointError, match="no such file"):
        read_info(path)
    save_weights(path, {"a": torch.zeros(1000)}, INFO)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        read_info(path)


def test_a_failing_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half of the new")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size exist on POSIX systems only")
def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path):
    """The kernel itself refuses the bytes: a file-size limit stands for the full disk."""
    code = """
import resource, sys, torch
from pathlib import Path
from runtime.checkpoint import save_state, save_weights, CheckpointError
from tests.runtime.test_checkpoint import INFO
state, weights = Path(sys.argv[1]) / "state.pt", Path(sys.argv[1]) / "ema.safetensors"
save_state(state, {"step": 1}); save_weights(weights, {"a": torch.ones(1)}, INFO)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for save, arguments in ((save_state, (state, {"x": torch.zeros(10**6)})),
                        (save_weights, (weights, {"a": torch.zeros(10**6)}, INFO))):
    try:
        save(*arguments)
    except CheckpointError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1].split(" (")[0] for line in done.stdout.splitlines()] == [
        "the checkpoint could not be written",
        "the weights could not be written",
    ]
    assert load_state(tmp_path / "state.pt")["step"] == 1
    assert load_tensors(tmp_path / "ema.safetensors")["a"].item() == 1.0
    assert {path.name for path in tmp_path.iterdir()} == {"state.pt", "ema.safetensors"}
