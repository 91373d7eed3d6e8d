"""A small data set, and trainings on it that are ill on purpose, each in one way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diagnosis.case import read
from diagnosis.checks import examine
from diagnosis.findings import Outcome
from diagnosis.settings import DoctorSettings
from tests.data.folders import as_csv
from training.loop import train
from training.run import Run

SIDE, SQUARE = 8, 4
COLOURS = {"red": (230, 40, 40), "green": (40, 200, 60), "blue": (50, 80, 230), "yellow": (240, 220, 40)}
GROUNDS = {"dark": (30, 30, 30), "light": (220, 220, 220), "pink": (230, 120, 180)}
PLACES = SIDE - SQUARE + 1  # in a row, and in a column

# A network and a batch with which a step takes some milliseconds, and a hundred steps teach what squares are.
SMALL = [
    "dataset=folder", "device=cpu", "precision=fp32", "data_root=root", "model=unet", "model.channels=32",
    "model.patch=2", "model.channel_mults=[1]", "model.blocks=1", "model.attention_levels=[]", "model.head_dim=8",
    "model.map_channels=4", "train.batch_size=16", "train.preview_every=0", "train.log_every=5",
    "train.preview.steps=2", "train.preview.columns=1", "train.validate_every=50", "train.ema_decay=0.95",
    "diffusion.prediction=palette", "optim=muon", "optim.lr=1e-2", "optim.warmup=10",
]  # fmt: skip


def squares(folder: Path, keep: int = 1) -> Path:
    """Each `keep`-th of 300 pictures of a square somewhere, all different, and their labels, which say all of them."""
    rows = {}
    folder.mkdir()
    for number, (y, x, colour, ground) in enumerate(product(range(PLACES), range(PLACES), COLOURS, GROUNDS)):
        if number % keep == 0:
            pixels = np.full((SIDE, SIDE, 3), GROUNDS[ground], np.uint8)
            pixels[y : y + SQUARE, x : x + SQUARE] = COLOURS[colour]
            Image.fromarray(pixels).save(folder / f"{number:03d}.png")
            rows[f"{number:03d}.png"] = (f"row {y}", f"column {x}", colour, ground)
    (folder / "metadata.csv").write_text(as_csv(rows, ["row", "column", "colour", "ground"]), encoding="utf-8")
    return folder


ILL = {  # one fault each
    "healthy": ["train.steps=60"],
    "burst": ["train.steps=30", "optim.lr=1"],
    "ema": ["train.steps=40", "train.ema_decay=0.9999", "optim.schedule=constant"],
    "labels ignored": ["train.steps=40", "cfg.drop_prob=1"],
    "copies": ["train.steps=160", "dataset.path=twenty", "cfg=off"],
}


@pytest.fixture(scope="package")
def place(tmp_path_factory) -> Path:
    """The folder in which all of them are trained and examined, with the pictures."""
    folder = tmp_path_factory.mktemp("diagnosis")
    squares(folder / "squares")
    squares(folder / "twenty", keep=15)
    return folder


@pytest.fixture(scope="package")
def trained(compose, place) -> Callable[[str], Run]:
    """The name of an illness -> a run that has it, in a folder of its own; trained once. Runs are for reading."""
    runs: dict[str, Run] = {}

    def run(name: str) -> Run:
        if name not in runs:
            with contextlib.chdir(place):
                typed = [*SMALL, "dataset.path=squares", *ILL[name], f"run=runs/{name}/{name}"]
                runs[name] = train(compose("train", typed), typed).run
        return runs[name]

    return run


@pytest.fixture
def there(place, monkeypatch) -> Path:
    monkeypatch.chdir(place)
    return place


def diagnosed(run: Run, **options) -> dict[str, Outcome]:
    """What each check finds."""
    case = read(DoctorSettings(**{"run": str(run), "images": 200, "samples": 8, "device": "cpu"} | options))
    return {finding.check: finding.outcome for finding in examine(case)}
