"""Jobs of tiny weights, a picture and a mask to start from, and a classifier that reads what a test says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from inference import pipeline
from inference.job import prepare
from inference.pipeline import Pipeline


@pytest.fixture(scope="session")
def pipe(weights) -> Pipeline:
    return Pipeline.load(weights, "cpu")


@pytest.fixture
def prepared(weights, compose):
    """prepared("attrs=crown", "w=2") -> (job, notes), with the tiny weights."""
    return lambda *settings: prepare(compose("sample", [f"checkpoint={weights}", "device=cpu", *settings]))


@pytest.fixture
def face(in_tmp) -> np.ndarray:
    """A picture whose colours are of no palette, as face.png, and mask.png, which keeps its left half."""
    array = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(array).resize((72, 72), Image.Resampling.NEAREST).save(in_tmp / "face.png")
    mask = np.zeros((24, 24), dtype=np.uint8)
    mask[:, 12:] = 255
    Image.fromarray(mask).save(in_tmp / "mask.png")
    return array


@pytest.fixture
def classifier(monkeypatch):
    """Puts a stand-in in the place of the classifier; the result lists each time that one is loaded.

    It reads a steel robot in a crown from every picture, and finds that a picture agrees the more the redder it is.
    """
    loaded = []

    def load(info, schema):
        loaded.append(info.dataset)
        label = torch.tensor(schema.complete({"backdrop": "Slate", "skin": "Steel", "head": "Crown"}))
        return SimpleNamespace(
            read=lambda images: label.expand(len(images), -1),
            agreement=lambda images, label: images[:, 0].float().mean(dim=(1, 2)) / 255,
        )

    monkeypatch.setattr(pipeline, "classifier_for_weights", load)
    return loaded


def picture(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))
