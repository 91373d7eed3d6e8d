"""Weights that half precision holds exactly, as exported ones are, so that pictures can be compared pixel by pixel."""

from pathlib import Path
from typing import NamedTuple

import pytest

from inference.export.write import network_of
from inference.pipeline import Pipeline
from runtime.checkpoint import load_tensors, read_info, save_weights
from tests.data.folders import transparent


class Exported(NamedTuple):
    """Weights, and the network that was exported from them, as ONNX."""

    pipe: Pipeline
    weights: Path
    network: bytes


def halved(weights: Path, folder: Path) -> Path:
    path = folder / "half.safetensors"
    save_weights(path, {name: tensor.half() for name, tensor in load_tensors(weights).items()}, read_info(weights))
    return path


@pytest.fixture(scope="session")
def weights(weights, tmp_path_factory):
    return halved(weights, tmp_path_factory.mktemp("half"))


@pytest.fixture(scope="session")
def pipe(weights) -> Pipeline:
    return Pipeline.load(weights, "cpu")


@pytest.fixture(scope="session")
def exported(pipe, weights):
    pytest.importorskip("onnx")
    return Exported(pipe, weights, network_of(pipe, weights))


@pytest.fixture(scope="session")
def exported_palette(train_reacting, tmp_path_factory):
    """A network that predicts logits of colours, in patches."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("palette")
    weights = halved(train_reacting(folder, "diffusion.prediction=palette"), folder)
    pipe = Pipeline.load(weights, "cpu")
    return Exported(pipe, weights, network_of(pipe, weights))


@pytest.fixture(scope="session")
def exported_folder(train_reacting, tmp_path_factory):
    """A network of transparent pictures of 24 x 32 from a folder, to which it adds a border of eight rows inside."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("folder")
    transparent(folder / "my_sprites", 24, 32)
    settings = "dataset=folder", "dataset.path=my_sprites", "dataset.alpha=keep", "model.channel_mults=[1,1,1,1,1]"
    weights = halved(train_reacting(folder, *settings, "model.patch=1", "diffusion.prediction=v"), folder)
    pipe = Pipeline.load(weights, "cpu")
    assert pipe.image_shape == (4, 24, 32)
    return Exported(pipe, weights, network_of(pipe, weights))
