"""Each network trains, resumes bit for bit, samples and ships by the same commands; none is a special case."""

import sys

import pytest
import torch

from inference.pipeline import Pipeline
from inference.weights import PRETRAINED
from runtime.checkpoint import load_tensors
from tests.conftest import TINY
from tests.programs import run_program

TRAINING = [setting for setting in TINY if not setting.startswith("model.")]
NETWORKS = {
    "unet": [setting for setting in TINY if setting.startswith("model.")],
    "dit": ["model=dit", "model.patch=4", "model.width=24", "model.depth=2", "model.heads=2", "model.map_channels=2"],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_from_training_to_pretrained_weights(name, in_tmp, capsys, monkeypatch):
    typed = [*TRAINING, *NETWORKS[name], "diffusion.prediction=v", "optim.warmup=1"]
    run_program("train.py", *typed, "train.steps=4", "optim.schedule=constant", "run=whole")
    run_program("train.py", *typed, "train.steps=2", "optim.schedule=constant", "run=parts")
    run_program("train.py", "run=parts", "train.steps=4")
    whole, parts = (in_tmp / run / "checkpoints/ema.safetensors" for run in ("whole", "parts"))
    tensors = load_tensors(whole)
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in load_tensors(parts).items())

    run_program("sample.py", f"checkpoint={whole}", "attrs=top hat,shades", "n=2", "steps=2", "out=pictures")
    assert len(list((in_tmp / "pictures").glob("seed-*.png"))) == 2
    assert "NFE" in capsys.readouterr().out

    (in_tmp / "pretrained").mkdir()
    monkeypatch.setattr("scripts.maintain.ship.PRETRAINED", in_tmp / "pretrained")
    monkeypatch.setattr(sys, "argv", ["ship", "whole"])
    from scripts.maintain import ship

    ship.main()
    pretrained = Pipeline.load(in_tmp / "pretrained/pixelfaces.safetensors", "cpu")
    assert pretrained.recipe.model.name == name and PRETRAINED.is_dir()
    images = pretrained("top hat,shades", range(2), steps=2)
    assert images.shape == (2, 3, 24, 24)
