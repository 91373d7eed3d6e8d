"""A run stopped at any moment and continued is, bit for bit, the run that was never stopped."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
import torch

from data import PixelFaces
from runtime.checkpoint import CheckpointError, load_state
from runtime.distributed import Processes
from tests.conftest import TINY
from tests.programs import ROOT, run_together
from training.loop import train
from training.run import Run
from training.trainer import Trainer

STEPS = 6


def equal(a, b) -> bool:
    """Whether two nested states hold the same values, to the last bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def stop_after(monkeypatch, steps: int, *signals: signal.Signals) -> None:
    """Have this process receive SIGTERM, or these, during the step number `steps`, as from a batch system."""
    step = Trainer.step

    def interrupted(self, number, total):
        if number == steps - 1:
            for s in signals or (signal.SIGTERM,):
                os.kill(os.getpid(), s)
        return step(self, number, total)

    monkeypatch.setattr(Trainer, "step", interrupted)


def test_who_asks_twice_to_stop_loses_nothing(train_tiny, in_tmp, monkeypatch, capfd):
    """Ctrl-C pressed again, in the same step and while the last status is written."""
    stop_after(monkeypatch, 2, signal.SIGINT, signal.SIGINT)
    write = Run.write_status

    def interrupted(self, **status):
        if status["state"] == "stopped":
            os.kill(os.getpid(), signal.SIGINT)
        write(self, **status)

    monkeypatch.setattr(Run, "write_status", interrupted)
    run = train_tiny("train.steps=6", "run=a")
    assert json.loads(run.status.read_text())["state"] == "stopped" and load_state(run.state)["step"] == 2
    assert "stopping after this step, and saving" in capfd.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["precision=bf16"],
        ["model.dropout=0.2"],
        ["cfg=off"],
        ["train.batch_size=50"],
        ["augment.flip=true", "augment.shift=2"],
    ],
    ids=["plain", "bf16", "dropout", "unconditional", "batches over epochs", "augmentation"],
)
def test_a_stopped_run_continues_bit_for_bit(train_tiny, in_tmp, monkeypatch, settings):
    settings = [*settings, f"train.steps={STEPS}"]
    whole = load_state(train_tiny(*settings, "run=whole").state)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        run = train_tiny(*settings, "run=parts")
        assert load_state(run.state)["step"] == 2
        assert '"stopped"' in run.status.read_text()
    parts = load_state(train_tiny(*settings, "run=parts").state)
    assert parts["step"] == STEPS
    assert equal(whole, parts)


def test_other_seeds_train_another_network(train_tiny, in_tmp):
    """Without this the test above could not fail."""
    states = [load_state(train_tiny(f"seed={seed}", "train.steps=2", f"run=r{seed}").state) for seed in (0, 1)]
    assert not equal(states[0]["model"], states[1]["model"])


def test_changed_data_is_refused(train_tiny, in_tmp, compose):
    run = train_tiny("train.steps=2", "run=a")
    text = run.config.read_text()
    run.config.write_text(text.replace("count: 120", "count: 121"))
    overrides = ["run=a", "train.steps=3"]
    with pytest.raises(ValueError, match="data set has changed"):
        train(compose("train", overrides), overrides)


def test_a_state_of_another_network_is_refused_in_one_line(compose):
    """As a folder leaves it whose files come from two runs."""
    splits, alone = PixelFaces(count=120).load(), Processes(0, 1, torch.device("cpu"))
    small, large = (Trainer(compose("train", [*TINY, *more]), splits, alone) for more in ([], ["model.channels=16"]))
    with pytest.raises(CheckpointError, match=r"^the saved state belongs to another network \(.+\); start another"):
        small.load(large.state())
    with pytest.raises(CheckpointError, match=r"the saved state belongs to another network \('splits'\)"):
        small.load({name: part for name, part in small.state().items() if name != "splits"})


def test_requests_of_the_sample_grids_that_nobody_can_meet_are_refused_by_name(train_tiny, in_tmp):
    """Before hours of training; the message says which setting they came from."""
    with pytest.raises(ValueError, match=r"^dataset\.preview=.*top hatt"):
        train_tiny("dataset.preview=[top hatt]", "train.steps=1", "run=a")


# -- as processes of their own ------------------------------------------------------------------------------


def typed(run: str, *overrides: str) -> list[str]:
    return [str(ROOT / "train.py"), *TINY, "train.checkpoint_every=1", f"run={run}", *overrides]


def start(folder, run: str, *overrides: str, launcher: Sequence[str] = ()) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *launcher, *typed(run, *overrides)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # sums in one order, whatever the machine
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors


def kill(process: subprocess.Popen, folder, run: str) -> None:
    """SIGKILL for the process that writes; torchrun then ends the others."""
    try:
        os.kill(json.loads(Run(folder / run).status.read_text())["pid"], signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):  # still importing
        process.kill()
    process.communicate()


def saved_step(folder, run: str) -> int:
    try:
        state = load_state(Run(folder / run).state)
    except ValueError:  # caught between two renames
        return 0
    return state["step"] if state else 0


def kill_after_step(process: subprocess.Popen, folder, run: str, step: int) -> None:
    deadline = time.monotonic() + 120
    while saved_step(folder, run) < step and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    kill(process, folder, run)


posix = pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")


@posix
def test_a_killed_run_continues_bit_for_bit(train_tiny, in_tmp):
    settings = ("train.steps=20", "train.checkpoint_every=1")
    whole = train_tiny(*settings, "run=whole")
    kill_after_step(start(in_tmp, "killed", *settings), in_tmp, "killed", 3)
    assert 3 <= saved_step(in_tmp, "killed") < 20
    states = [load_state(run.state) for run in (whole, train_tiny(*settings, "run=killed"))]
    assert states[1]["step"] == 20 and equal(*states)


@posix
@pytest.mark.slow
def test_a_run_of_two_processes_that_was_killed_continues_bit_for_bit(tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    kill_after_step(start(tmp_path, "killed", "train.steps=20", launcher=torchrun), tmp_path, "killed", 3)
    assert 3 <= saved_step(tmp_path, "killed") < 20
    for run in ("whole", "killed"):
        ended = run_together(tmp_path, *typed(run, "train.steps=20"))
        assert [process.returncode for process in ended] == [0, 0], ended
    whole, killed = (load_state(Run(tmp_path / run).state) for run in ("whole", "killed"))
    assert killed["step"] == 20
    assert equal(whole, killed)


@posix
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_killed_ten_times_at_random_moments_continues_bit_for_bit(tmp_path):
    chance, settings, kills = random.Random(0), ["train.steps=400"], 0
    finish(start(tmp_path, "whole", *settings))
    while kills < 10:
        process = start(tmp_path, "killed", *settings)
        time.sleep(chance.uniform(3.0, 8.0))
        assert process.poll() is None, "the run ended before it was killed ten times; give it more steps"
        kill(process, tmp_path, "killed")
        kills += 1
    finish(start(tmp_path, "killed", *settings))
    whole, killed = (load_state(Run(tmp_path / run).state) for run in ("whole", "killed"))
    assert equal(whole, killed)
