"""What a session of training leaves: its log, its outcome, its checkpoints; and how signals stop it."""

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conditions.prior import LabelPrior
from conditions.schema import ConditionSchema
from data.base import SPLIT_RULE, Splits
from data.palette import Palette
from runtime.checkpoint import load_tensors, read_info
from runtime.device import hardware
from runtime.distributed import Processes
from runtime.version import code_version
from tests.conftest import TINY
from training.loop import Outcome, StopRequest, save_ema, train
from training.run import Run
from training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def session(compose, in_tmp):
    """session("train.steps=4", "run=a") -> the Outcome of a training of small settings."""

    def run(*overrides: str) -> Outcome:
        overrides = [*TINY, *overrides]
        return train(compose("train", overrides), overrides)

    return run


def messages(run: Run) -> list[str]:
    """The lines of a run's log, without time and level."""
    return [line.split(" ", 3)[3] for line in run.log.read_text().splitlines()]


def during_step(monkeypatch, number: int, happens) -> None:
    """Have `happens()` called in the step `number`, counted from 0."""
    step = Trainer.step

    def interrupted(self, current, total):
        if current == number:
            happens()
        return step(self, current, total)

    monkeypatch.setattr(Trainer, "step", interrupted)


# -- log and outcome ----------------------------------------------------------------------------------------


def test_the_log_says_what_is_trained_on_what_and_how_to_go_on(session, compose, monkeypatch):
    """Months later it is all that is left to say how the weights were made."""
    with monkeypatch.context() as patch:
        during_step(patch, 1, lambda: os.kill(os.getpid(), signal.SIGINT))
        run, stopped_by = session("train.steps=3", "run=runs/a", "channels_last=true", "precision=fp32")
    assert stopped_by == signal.SIGINT
    images = len(compose("train", TINY).dataset.load("").train)
    millions = sum(tensor.numel() for tensor in load_tensors(run.weights).values()) / 1e6
    what = [
        f"pixelfaces: {images} images of 3x24x24; network of {millions:.1f} M parameters; fp32, channels last on cpu, "
        "1 threads, 1 process(es)",
        "precision fp32: as asked for",
        "channels_last true: as asked for",
        f"version {code_version()}, PyTorch {torch.__version__}, {hardware(CPU)}",
        "watch it with: tensorboard --logdir runs",
    ]
    end = "stopped and saved at step 2; continue with: python train.py run=runs/a"
    assert messages(run) == ["run: runs/a", *what, end]
    assert session("train.steps=3", "run=runs/a").stopped_by is None
    continued = messages(run)[len(what) + 2 :]
    assert continued[0] == "continuing: runs/a"
    assert continued[-1] == "finished: weights in runs/a/checkpoints/ema.safetensors"


def test_a_stop_on_another_machine_is_a_stop(session, monkeypatch):
    """This process received no signal, and its batch system must still learn that there is more to do."""
    monkeypatch.setattr(Processes, "any", lambda self, here: True)
    outcome = session("train.steps=3", "run=a")
    assert outcome.stopped_by == signal.SIGTERM
    assert json.loads(outcome.run.status.read_text())["step"] == 1


def test_why_a_training_failed_is_in_its_status(session, monkeypatch):
    """The dashboard shows it; the terminal that had the traceback is long closed."""

    def fail():
        raise OSError("disk full")

    during_step(monkeypatch, 1, fail)
    with pytest.raises(OSError, match="disk full"):
        session("train.steps=3", "run=a")
    status = json.loads(Run("a").status.read_text())
    assert (status["state"], status["message"]) == ("failed", "OSError: disk full")


def test_a_finished_run_says_what_would_train_it_further(session, capsys):
    outcome = session("train.steps=1", "run=a")
    capsys.readouterr()
    again = session("train.steps=1", "run=a")
    assert (again.run.path, again.stopped_by) == (outcome.run.path, None)
    assert capsys.readouterr().out == "a: finished at step 1; to train further, add train.steps=MORE\n"


def test_speed_is_pictures_by_the_time_of_their_steps(session, monkeypatch):
    """On a clock that only steps move, 2 s each for 8 pictures."""
    clock, step = [100.0], Trainer.step

    def timed(self, number, total):
        clock[0] += 2.0
        return step(self, number, total)

    monkeypatch.setattr(Trainer, "step", timed)
    monkeypatch.setattr("training.loop.time.perf_counter", lambda: clock[0])
    run = session("train.steps=3", "train.log_every=2", "run=a").run
    assert json.loads(run.status.read_text())["images_per_second"] == 4.0


# -- signals ------------------------------------------------------------------------------------------------


def test_the_first_signal_counts_and_no_later_one_interrupts():
    """Batch systems repeat SIGTERM and people Ctrl-C: a checkpoint that is being written must not be torn."""
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest() as stop:
        assert stop.signal is None
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            assert stop.signal == signal.SIGTERM
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal == signal.SIGINT


def test_in_another_thread_signals_are_left_alone():
    """Python allows handlers in the main thread alone, and the dashboard trains in others."""
    before, seen = signal.getsignal(signal.SIGTERM), []

    def enter():
        with StopRequest() as stop:
            seen.append((stop.signal, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(None, before)]


# -- checkpoints --------------------------------------------------------------------------------------------


def test_checkpoints_are_written_as_often_as_asked_for_and_at_the_end(session, monkeypatch):
    saved = []
    monkeypatch.setattr("training.loop.save_state", lambda path, state: saved.append((state["step"], state["elapsed"])))
    session("train.steps=5", "train.checkpoint_every=2", "run=a")
    assert saved == [(2, 0.0), (4, 0.0), (5, 0.0)]


def test_the_weights_hold_all_that_sampling_needs(session, compose):
    """Whoever gets the file has neither the run nor the data; each part is compared with the data themselves."""
    overrides = ["train.steps=1", "run=a"]
    info, data = read_info(session(*overrides).run.weights), compose("train", TINY).dataset.load("").train
    schema, palette = ConditionSchema.from_json(info.schema), Palette.from_plain(info.palette, info.places, 24, 24)
    assert info.config == compose("train", [*TINY, *overrides]).settled(data).plain()
    assert schema.fields == data.schema.fields and (schema.seen == data.schema.seen).all()
    assert torch.equal(palette.colours, data.palette.colours) and torch.equal(palette.at_pixel, data.palette.at_pixel)
    assert info.prior == LabelPrior.fit(data.schema, data.labels).to_json()
    assert (info.dataset, info.image_shape, info.data_hash) == ("pixelfaces", [3, 24, 24], data.hash)
    assert (info.step, info.splits) == (1, SPLIT_RULE)


def test_weights_of_data_without_labels_or_palette_say_so(compose, in_tmp):
    settings = compose("train", [*TINY, "cfg=off"])
    splits = settings.dataset.load("").unconditional()
    plain = Splits(*(replace(part, palette=None) for part in (splits.train, splits.validation, splits.test)))
    run = Run("a")
    run.weights.parent.mkdir(parents=True)
    save_ema(run.weights, Trainer(settings, plain, Processes(0, 1, CPU)), 0)
    info = read_info(run.weights)
    assert (info.palette, info.places, info.prior) == (None, None, None)


def test_no_memory_for_a_step_is_one_line_that_names_the_remedy(session, monkeypatch):
    def full():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has ...")

    refusal = "train.batch_size=8: no memory for a step of that many images; "
    refusal += "go on with train.accumulate=2, or begin another run with fewer"
    with monkeypatch.context() as patch, pytest.raises(ValueError, match=f"^{refusal}$"):
        during_step(patch, 2, full)
        session("train.steps=4", "run=large", "train.checkpoint_every=1")
    assert json.loads(Path("large/status.json").read_text())["message"] == f"ValueError: {refusal}"
    session("train.steps=4", "run=large", "train.accumulate=2")
    assert messages(Run("large"))[-1].startswith("finished")
