"""Early stopping: when, and with which weights."""

import numpy as np
import pytest

from data.base import VALIDATION
from data.folder_prepared import picture_ids
from runtime.checkpoint import load_state, load_tensors, read_info
from tests.conftest import TINY
from tests.data.folders import write
from tests.training.test_resume import equal, stop_after
from training.loop import train
from training.monitor import Monitor

LOSSES = [5.0, 4.0, 4.5, 4.0, 3.0, 3.5, 3.1, 3.2, 1.0]  # after 1, 2, ... steps; three in a row that are no better: 8
EARLY = ("train.steps=9", "train.patience=3", "train.validate_every=1")


@pytest.fixture
def losses(monkeypatch):
    """Held-out losses as they are listed, in the place of those of the network."""
    monkeypatch.setattr(Monitor, "_validate", lambda self, done: LOSSES[done - 1])


def test_a_training_ends_when_the_held_out_loss_has_not_fallen_and_keeps_the_best_weights(losses, train_tiny, in_tmp):
    run = train_tiny(*EARLY, "run=a")
    assert load_state(run.state)["step"] == 8 and read_info(run.weights).step == 5
    assert '"finished"' in run.status.read_text()
    whole, early = (
        train_tiny(*settings, "optim.schedule=constant") for settings in (("train.steps=5", "run=b"), (*EARLY, "run=c"))
    )
    assert equal(load_tensors(whole.weights), load_tensors(early.weights))


def test_it_goes_on_with_more_patience(losses, train_tiny, in_tmp, capsys):
    train_tiny(*EARLY, "run=a")
    train_tiny(*EARLY, "run=a")
    assert "finished at step 8; to train further, add train.patience=MORE" in capsys.readouterr().out
    run = train_tiny("train.steps=9", "train.patience=4", "train.validate_every=1", "run=a")
    assert read_info(run.weights).step == 9


def test_without_patience_it_goes_on_with_the_newest_weights_and_forgets_what_was_best(losses, train_tiny, in_tmp):
    """The best loss would otherwise keep any later weights from being saved, and belong to none that are left."""
    train_tiny(*EARLY, "run=a")
    run = train_tiny("train.steps=9", "train.patience=null", "train.validate_every=1", "run=a")
    assert read_info(run.weights).step == load_state(run.state)["step"] == 9
    assert load_state(run.state)["patience"] == {"best": None, "since": 0}


def test_a_stop_on_the_way_changes_nothing(losses, train_tiny, in_tmp, monkeypatch):
    """Before the lowest loss, and in two places of the wait after it."""
    whole = train_tiny(*EARLY, "run=whole")
    for stopped in (3, 6, 7):
        run = f"run=after-{stopped}"
        with monkeypatch.context() as patch:
            stop_after(patch, stopped)
            assert load_state(train_tiny(*EARLY, run).state)["step"] == stopped
        parts = train_tiny(*EARLY, run)
        assert equal(load_state(whole.state), load_state(parts.state)), stopped
        assert equal(load_tensors(whole.weights), load_tensors(parts.weights)), stopped


def test_without_a_held_out_loss_there_is_nothing_to_wait_for(compose, in_tmp):
    with pytest.raises(ValueError, match=r"train\.patience=3: .*train\.validate_every=0"):
        compose("train", [*TINY, "train.patience=3"])
    names = [f"{i}.png" for i in range(60)]
    kept = [name for name, i in zip(names, picture_ids(names, []).tolist(), strict=True) if i % 20 not in VALIDATION]
    write(in_tmp / "own", {name: np.full((8, 8, 3), i, np.uint8) for i, name in enumerate(kept)})
    settings = [*TINY[1:], "train.patience=3", "train.validate_every=1", "dataset=folder", "dataset.path=own"]
    with pytest.raises(ValueError, match=r"train\.patience=3: so few pictures that none is held out.*; add pictures"):
        train(compose("train", [*settings, "run=a"]), settings)
    assert not (in_tmp / "a").exists()
