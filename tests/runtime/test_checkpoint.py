"""Files on disk: whole or not at all, never executed, refused with a reason."""

import contextlib
import errno
import logging
import os
import pickle

import pytest
import safetensors
import safetensors.torch
import torch

from runtime import checkpoint
from runtime.checkpoint import (
    CheckpointError,
    WeightsInfo,
    file_hash,
    load_state,
    load_tensors,
    previous,
    read_info,
    save_state,
    save_weights,
    set_damaged_aside,
    write_atomically,
)

INFO = WeightsInfo({"seed": 1}, "{}", [[1, 2, 3]], [3, 8, 8], "pixelfaces", "abc", 7)


class Bomb:
    """Unpickling this creates a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refusal(function, *arguments) -> str:
    with pytest.raises(CheckpointError) as caught:
        function(*arguments)
    return str(caught.value)


def reason_of_safetensors(path) -> str:
    with pytest.raises(safetensors.SafetensorError) as caught:
        safetensors.safe_open(path, framework="pt")
    return str(caught.value)


def save_two(path, **more):
    """Steps 1 and 2 of a run: the state at `path` and the one before it."""
    for step in (1, 2):
        save_state(path, {"step": step, "x": torch.zeros(1000), **more})


@contextlib.contextmanager
def full_disk():
    """The kernel itself refuses the bytes: a limit of 20 kB to the size of any file stands for the full disk."""
    resource = pytest.importorskip("resource", reason="limits of file size exist on POSIX systems only")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_state_comes_back_equal(tmp_path):
    state = {"step": 3, "model": {"w": torch.randn(4, 4)}}
    save_state(tmp_path / "state.pt", state)
    loaded = load_state(tmp_path / "state.pt")
    assert loaded["step"] == 3
    assert torch.equal(loaded["model"]["w"], state["model"]["w"])


def test_no_state_is_none(tmp_path):
    assert load_state(tmp_path / "state.pt") is None


def test_the_one_before_is_kept_and_used_with_a_warning_when_the_newest_is_truncated(tmp_path, caplog):
    path = tmp_path / "state.pt"
    save_two(path)
    assert load_state(path)["step"] == 2
    assert {file.name for file in tmp_path.iterdir()} == {"state.pt", "state.previous.pt"}
    assert not caplog.records
    path.write_bytes(path.read_bytes()[:500])
    assert load_state(path)["step"] == 1
    assert caplog.messages[0].startswith(f"{path}: damaged")
    previous(path).write_bytes(b"")
    assert refusal(load_state, path).startswith(f"{previous(path)}: damaged")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EOFError(), "EOFError"),
        (RuntimeError("\n  no central directory\nat offset 7\n"), "no central directory"),
        (ValueError("x" * 500), "x" * 120),
    ],
    ids=["without a text", "of several lines", "long"],
)
def test_a_damaged_state_is_refused_and_logged_in_one_short_line(tmp_path, monkeypatch, caplog, error, reason):
    path = tmp_path / "state.pt"
    path.touch()

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", fail)
    end = "nothing in it was executed. Remove it, or start another run"
    line = f"{path}: damaged, or not a training state ({reason}); {end}"
    assert refusal(load_state, path) == line
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.WARNING, line)]


@pytest.mark.parametrize(
    "foreign",
    [[1, 2], {"step": 3}, {"format": "ddpm-cfg state 0", "step": 3}, {"format": checkpoint.STATE_FORMAT}],
    ids=["a list", "no format", "another format", "no step"],
)
def test_a_readable_file_that_is_no_training_state_is_refused_even_with_a_good_one_before_it(tmp_path, foreign):
    path = tmp_path / "state.pt"
    save_two(path)
    torch.save(foreign, path)
    assert refusal(load_state, path) == (
        f"{path}: no training state of this version; go on with the version that wrote it, or start another run"
    )


def test_a_damaged_state_never_replaces_the_good_one_before_it(tmp_path):
    path = tmp_path / "state.pt"
    save_two(path)
    path.write_bytes(b"damaged")
    set_damaged_aside(path)
    assert (tmp_path / "state.damaged.pt").read_bytes() == b"damaged"
    assert load_state(path)["step"] == 1
    save_state(path, {"step": 3})
    path.write_bytes(b"damaged again")
    assert load_state(path)["step"] == 1


def test_the_only_state_is_not_set_aside_so_that_a_damaged_one_never_means_a_fresh_start(tmp_path):
    path = tmp_path / "state.pt"
    set_damaged_aside(path)
    path.write_bytes(b"damaged")
    set_damaged_aside(path)
    assert refusal(load_state, path).startswith(f"{path}: damaged")
    save_state(previous(path), {"step": 1})
    path.unlink()
    set_damaged_aside(path)
    assert load_state(path)["step"] == 1


def test_a_state_from_a_gpu_is_whole_on_a_machine_without_one(tmp_path, monkeypatch):
    """The file names the device of each tensor; read as it stands, it would fail here and look damaged."""
    path = tmp_path / "state.pt"
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        save_two(path, w=torch.arange(3.0))
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    set_damaged_aside(path)
    loaded = load_state(path)
    assert (loaded["step"], loaded["w"].device.type, loaded["w"].tolist()) == (2, "cpu", [0.0, 1.0, 2.0])


def test_a_killed_rename_leaves_the_one_before(tmp_path):
    """Between its two renames a save has moved the old file away; the state must still be found."""
    path = tmp_path / "state.pt"
    save_state(path, {"step": 1})
    path.rename(previous(path))
    assert load_state(path)["step"] == 1


@pytest.mark.parametrize("dump", [pickle.dump, torch.save])
def test_a_malicious_state_is_not_executed_though_the_environment_allows_it(tmp_path, monkeypatch, dump):
    """The variable, which some set for other programs, holds wherever a call of torch.load leaves the choice open."""
    path, witness = tmp_path / "state.pt", tmp_path / "executed"
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with path.open("wb") as file:
        dump({"format": Bomb(witness)}, file)
    assert "nothing in it was executed" in refusal(load_state, path)
    save_state(previous(path), {"step": 1})
    set_damaged_aside(path)
    assert not path.exists()
    assert not witness.exists()


def test_a_malicious_pickle_as_weights_is_not_executed(tmp_path):
    path, witness = tmp_path / "inference.weights.safetensors", tmp_path / "executed"
    with path.open("wb") as file:
        pickle.dump(Bomb(witness), file)
    assert refusal(read_info, path) == (
        f"checkpoint={path}: damaged, or no safetensors file ({reason_of_safetensors(path)}); "
        "other formats are not read, since they could run code"
    )
    assert not witness.exists()


def test_weights_and_their_description_come_back(tmp_path):
    path, tensors = tmp_path / "w.safetensors", {"a": torch.randn(3, 2), "b": torch.arange(3.0).half()}
    save_weights(path, tensors, INFO)
    assert read_info(path) == INFO
    assert all(torch.equal(load_tensors(path)[name], tensor.float()) for name, tensor in tensors.items())


def test_weights_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    line = f"checkpoint={path}: a safetensors file of another kind, not weights that train.py wrote; use one of those"
    for metadata in (None, {"format": "pt"}):
        safetensors.torch.save_file({"a": torch.zeros(1)}, path, metadata)
        assert refusal(read_info, path) == line


@pytest.mark.parametrize(
    ("description", "reason"),
    [({}, "'info'"), ({"info": "{"}, "Expecting property name"), ({"info": "{}"}, "missing 7 required")],
)
def test_weights_without_a_whole_description_are_refused(tmp_path, description, reason):
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"format": checkpoint.FORMAT, **description})
    line = refusal(read_info, path)
    assert line.startswith(f"checkpoint={path}: its description cannot be read (")
    assert line.endswith("); train again")
    assert reason in line


def test_truncated_and_missing_weights_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    assert refusal(read_info, path) == (
        f"checkpoint={path}: no such file; name a .safetensors file, such as runs/.../checkpoints/ema.safetensors"
    )
    save_weights(path, {"a": torch.zeros(1000)}, INFO)
    path.write_bytes(path.read_bytes()[:-100])
    reason = reason_of_safetensors(path)
    assert refusal(read_info, path).startswith(f"checkpoint={path}: damaged, or no safetensors file ({reason});")
    assert refusal(load_tensors, path) == f"checkpoint={path}: damaged ({reason}); use another copy"


def test_the_hash_of_weights_is_the_start_of_their_sha256(tmp_path):
    """NIST's example for SHA-256, the message "abc"; the hash stands in every picture's settings."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"abc")
    assert file_hash(path) == "ba7816bf8f01cfea"


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


def test_a_write_into_a_missing_folder_fails_with_that_reason(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "file", lambda file: None)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_state_on_a_full_disk_leaves_the_earlier_one_and_says_whether_there_is_one(tmp_path, earlier):
    path = tmp_path / "state.pt"
    if earlier:
        save_state(path, {"step": 1})
    kept = "the previous one is intact" if earlier else "there is none before it"
    with full_disk(), pytest.raises(CheckpointError) as caught:
        save_state(path, {"step": 2, "x": torch.zeros(10**6)})
    reason = f"({caught.value.__cause__}); {kept}; free some space"
    assert str(caught.value) == f"{path}: the checkpoint could not be written {reason}"
    assert list(tmp_path.iterdir()) == ([path] if earlier else [])
    assert load_state(path) == ({"format": checkpoint.STATE_FORMAT, "step": 1} if earlier else None)


def test_weights_on_a_full_disk_leave_the_earlier_ones_and_ask_for_space(tmp_path):
    path = tmp_path / "ema.safetensors"
    save_weights(path, {"a": torch.ones(1)}, INFO)
    with full_disk():
        line = refusal(save_weights, path, {"a": torch.zeros(10**6)}, INFO)
    reason = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    assert line == f"{path}: the weights could not be written ({reason}); free some space"
    assert list(tmp_path.iterdir()) == [path]
    assert load_tensors(path)["a"].item() == 1.0


def test_a_save_that_cannot_move_the_earlier_state_keeps_it_and_removes_its_own(tmp_path):
    path = tmp_path / "state.pt"
    save_state(path, {"step": 1})
    previous(path).mkdir()  # in the way of the rename
    assert refusal(save_state, path, {"step": 2}).endswith("; the previous one is intact; free some space")
    assert {file.name for file in tmp_path.iterdir()} == {"state.pt", "state.previous.pt"}
    assert load_state(path)["step"] == 1
