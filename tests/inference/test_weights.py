"""Which weights: those named, the newest of the runs, or the pretrained ones."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inference import weights as module
from inference.weights import PRETRAINED, available, choose_checkpoint, find_checkpoint, find_weights, from_here
from runtime.checkpoint import CheckpointError, file_hash, read_info, save_weights


@pytest.fixture
def place(in_tmp, weights):
    """place("a", age=3, dataset="mnist") -> the path of weights of a run, written that many seconds ago."""

    def put(name: str, age: float, dataset: str = "pixelfaces", content: bytes | None = None) -> Path:
        path = Path("runs", name, "checkpoints", "ema.safetensors")
        path.parent.mkdir(parents=True)
        save_weights(path, {"a": torch.full((1,), age)}, replace(read_info(weights), dataset=dataset))
        if content is not None:
            path.write_bytes(content)
        os.utime(path, (1e9 - age, 1e9 - age))
        return path

    return put


def test_the_newest_run_on_the_data_set_is_found_else_the_pretrained_weights(in_tmp, weights, place):
    runs, pretrained = Path("runs"), Path("pretrained")
    pretrained.mkdir()
    with pytest.raises(CheckpointError, match=r"no weights yet, .* with: python train.py dataset=pixelfaces$"):
        find_checkpoint("pixelfaces", runs, pretrained)
    (pretrained / "pixelfaces.safetensors").write_bytes(weights.read_bytes())
    (pretrained / "mnist.safetensors").write_bytes(weights.read_bytes())
    assert find_checkpoint("pixelfaces", runs, pretrained) == pretrained / "pixelfaces.safetensors"
    with pytest.raises(CheckpointError):
        find_checkpoint("mnist", runs, pretrained)  # whatever the file is called
    place("pixelfaces/old", 200)
    newer = place("elsewhere/deep/new", 100)
    place("pixelfaces/older", 300)
    place("mnist/newest", 0, "mnist")
    assert find_checkpoint("pixelfaces", runs, pretrained) == newer


def test_damaged_weights_are_passed_over_and_told_in_one_line(in_tmp, place, caplog):
    good = place("good", 100)

    def message() -> str:
        caplog.clear()
        assert find_checkpoint("pixelfaces", Path("runs"), Path("none")) == good
        return "\n".join(record.getMessage() for record in caplog.records)

    assert message() == ""
    for count, more in enumerate(("", "; and 1 more", "; and 2 more")):
        place(f"broken-{count}", 50 - count, content=b"broken")  # the newest so far
        line = message()
        assert line.startswith(f"left out: checkpoint=runs/broken-{count}/checkpoints/ema.safetensors: ")
        assert line.endswith(more) and ("more" in line) == bool(more) and "\n" not in line


def test_weights_that_are_not_there_are_not_damaged(in_tmp, caplog):
    with pytest.raises(CheckpointError):
        find_checkpoint("pixelfaces", Path("runs"), Path("none"))
    assert not caplog.records


def test_all_weights_are_listed_and_other_files_are_not(in_tmp, place):
    newer, older = place("a", 1), place("b", 9, "mnist")
    place("broken", 5, content=b"no weights")
    found = available()
    assert list(found) == [newer, older, PRETRAINED / "cryptopunks.safetensors", PRETRAINED / "mnist.safetensors"]
    assert [info.dataset for info in found.values()] == ["pixelfaces", "mnist", "cryptopunks", "mnist"]


def test_weights_that_go_while_they_are_listed_are_no_error(in_tmp, place, monkeypatch):
    here = place("a", 1)
    gone = Path("runs/gone/checkpoints/ema.safetensors")
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [gone, here] if self.name == "runs" else [])
    assert list(available()) == [here]
    assert find_checkpoint("pixelfaces", Path("runs"), Path("none")) == here


def test_named_weights_are_taken_and_must_be_of_the_data_set(weights):
    assert choose_checkpoint(str(weights), None) == choose_checkpoint(str(weights), "pixelfaces") == weights
    with pytest.raises(ValueError, match=r"trained on pixelfaces, not on dataset=mnist; leave dataset out"):
        choose_checkpoint(str(weights), "mnist")


def test_weights_that_nobody_named_are_told_from_the_working_directory(in_tmp, place, monkeypatch):
    assert choose_checkpoint(None, "mnist") == PRETRAINED / "mnist.safetensors"
    assert choose_checkpoint(None, None).name == "cryptopunks.safetensors"  # the data set of a first try
    monkeypatch.chdir(PRETRAINED)  # and not the checkout, which may have runs of its own
    assert choose_checkpoint(None, "mnist") == Path("mnist.safetensors")


def test_paths_below_the_working_directory_are_shown_from_there(in_tmp):
    assert from_here(in_tmp / "a/b.png") == Path("a/b.png")
    for path in ("a/b.png", "../b.png", "/b.png"):
        assert from_here(Path(path)) == Path(path)
    assert from_here(in_tmp.parent / "b.png") == in_tmp.parent / "b.png"


def test_weights_are_found_by_what_they_hold(in_tmp, place, monkeypatch):
    one, other = place("one", 1), place("other", 2)
    digest = file_hash(other)
    assert digest != file_hash(one)
    assert find_weights(digest, one) == find_weights(digest, Path("gone")) == other
    pretrained = find_weights(digest, Path("gone"), Path("none"), pretrained=other.parent)
    assert pretrained == other
    with pytest.raises(CheckpointError, match=rf"^guide: no weights with the hash {digest}, .* with guide=FILE$"):
        find_weights(digest, one, Path("none"), Path("none"), argument="guide")
    monkeypatch.setattr(module, "file_hash", lambda path: pytest.fail("read") if path != other else digest)
    assert find_weights(digest, other) == other  # without reading all others
