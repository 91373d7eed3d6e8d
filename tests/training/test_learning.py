"""A training learns what its labels mean, and guidance makes pictures show more of what is requested.

A label that is lost on its way to the network leaves a loss that falls and pictures of faces all the same. pixelfaces
has an exact oracle, `read_labels`, so that no classifier's errors blur the result.
"""

import contextlib

import pytest
import torch

from data.pixelfaces import SCHEMA, read_labels
from inference.pipeline import Pipeline
from training.loop import train

REQUESTS = ("top hat", "shades", "full beard", "pipe", "bow tie", "steel")
EACH = 16  # pictures per request and w
TRAINING = [  # 1,920 pictures: some seconds on one core
    "dataset=pixelfaces", "dataset.count=3000", "diffusion.prediction=v", "optim=muon", "optim.lr=5e-3",
    "optim.warmup=20", "model.channels=16", "model.patch=2", "model.channel_mults=[1,2]", "model.blocks=1",
    "model.attention_levels=[]", "model.head_dim=8", "model.map_channels=8", "train.steps=120", "train.batch_size=16",
    "train.validate_every=0", "train.preview_every=0", "device=cpu", "precision=fp32", "run=run",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(compose, tmp_path_factory) -> Pipeline:
    """The EMA weights of one short training, as sample.py would use them."""
    with contextlib.chdir(tmp_path_factory.mktemp("learning")):
        return Pipeline.load(train(compose("train", TRAINING), TRAINING).run.weights, "cpu")


@pytest.fixture(scope="module")
def adherence(trained) -> dict[float, float]:
    """w -> share of pictures that show the value they were sampled for; the same seeds for each w."""
    labels = torch.stack([SCHEMA.encode(request) for request in REQUESTS]).repeat_interleave(EACH, dim=0)
    options = {"complete": False, "sampler": "ddim", "steps": 10, "refine": 0, "batch_size": len(labels)}
    shown = {w: read_labels(trained(labels, range(len(labels)), w=w, **options)) for w in (0, 1, 3)}
    return {w: met(labels, found) for w, found in shown.items()}


def met(labels, found) -> float:
    """The share of rows of `found` that have every value that `labels` names."""
    return ((found == labels) | (labels < 0)).all(dim=1).double().mean().item()


@pytest.fixture(scope="module")
def chance(trained) -> float:
    """The share of training faces that have a requested value: the adherence of a model that ignores its label."""
    faces = trained.recipe.dataset.load("").train.labels
    return sum(met(SCHEMA.encode(request)[None], faces) for request in REQUESTS) / len(REQUESTS)


def test_a_training_learns_its_labels(adherence, chance):
    assert 0.2 < chance < 0.3
    assert adherence[1] > 0.45, adherence


def test_without_its_condition_a_picture_shows_a_value_no_more_often_than_chance(adherence, chance):
    """At w = 0 the request must not reach the network; else the reference that guidance moves away from is wrong."""
    assert adherence[0] < chance + 0.1, adherence


def test_guidance_raises_adherence(adherence):
    assert adherence[0] + 0.2 < adherence[1] < adherence[3] - 0.1, adherence
    assert adherence[3] > 0.85, adherence
