"""Trainings with one fault each: it is found, and a healthy training is called healthy."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from diagnosis import case, pictures
from diagnosis.findings import FAULT, LOOK, OK, UNCHECKED
from diagnosis.settings import DoctorSettings
from tests.diagnosis.conftest import SMALL, diagnosed
from training import ema
from training.loop import train
from training.run import Run


def test_a_healthy_training_is_called_healthy(trained, there):
    found = diagnosed(trained("healthy"))
    assert {name for name, outcome in found.items() if outcome.verdict != OK} == {"other runs"}
    assert found["other runs"].verdict == UNCHECKED  # for there are none
    assert all(outcome.remedy is None for outcome in found.values())


@pytest.mark.parametrize(
    ("illness", "check", "verdict", "remedy"),
    [
        ("burst", "learning rate", FAULT, "lower optim.lr"),
        ("burst", "noise levels", FAULT, "learning rate"),
        ("ema", "EMA weights", LOOK, "lower train.ema_decay"),
        ("labels ignored", "label", FAULT, "lower cfg.drop_prob, which is 1"),
        ("copies", "memorisation", FAULT, "take more pictures"),
    ],
)
def test_an_illness_is_found_with_its_remedy(trained, there, illness, check, verdict, remedy):
    outcome = diagnosed(trained(illness))[check]
    assert outcome.verdict == verdict and remedy in str(outcome.remedy), str(outcome.figure)


def test_averages_that_remember_random_weights_are_a_fault(compose, there, monkeypatch):
    """As of an EMA without warm-up. Raw weights are good by then, so nothing but the average is to blame."""
    monkeypatch.setattr(ema, "decay_at", lambda step, decay: decay)
    typed = [*SMALL, "dataset.path=squares", "train.steps=30", "train.ema_decay=0.98", "run=runs/behind/behind"]
    outcome = diagnosed(train(compose("train", typed), typed).run)["EMA weights"]
    assert outcome.verdict == FAULT and outcome.figure.values["low"] > 0.1


def test_a_run_is_compared_with_those_beside_it_that_learn_the_same(trained, there, tmp_path):
    """After as many steps: the healthy run's loss at step 30 stands beside the other's."""
    for name in ("healthy", "burst", "copies"):
        shutil.copytree(trained(name).path, tmp_path / name)
    outcome = diagnosed(Run(tmp_path / "burst"))["other runs"]
    assert outcome.verdict == LOOK and outcome.figure.values["n"] == 1 and outcome.figure.values["end"] == 30
    assert diagnosed(Run(tmp_path / "healthy"))["other runs"].verdict == UNCHECKED  # the other is shorter
    assert diagnosed(Run(tmp_path / "copies"))["other runs"].verdict == UNCHECKED  # and on other pictures


@pytest.mark.parametrize(
    ("change", "verdict", "remedy"),
    [
        (lambda pixels: pixels // 128, FAULT, "levels from 0 to 255"),
        (lambda pixels: 128 + pixels // 8, LOOK, "contrast"),
        (lambda pixels: np.zeros_like(pixels) + pixels[:, :1, :1], LOOK, "one colour"),
    ],
    ids=["scaled", "faint", "constant"],
)
def test_unusual_training_pictures_are_noticed(trained, there, monkeypatch, change, verdict, remedy):
    """The check reads them from the case, so that they can be replaced beneath a healthy run."""
    files = sorted((there / "squares").glob("*.png"))
    changed = np.stack([change(np.asarray(Image.open(file)).transpose(2, 0, 1)) for file in files])
    monkeypatch.setattr(case.Case, "pictures", torch.from_numpy(changed))
    outcome = pictures.data(case.read(DoctorSettings(run=str(trained("healthy")), device="cpu")))
    assert outcome.verdict == verdict and remedy in str(outcome.remedy)
