"""From weights to pictures: an image is a function of its seed and settings, and says what they were."""

import contextlib
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import read_settings
from diffusion.samplers import DDIM, DDPM
from pipeline import Pipeline, find_checkpoint
from tests.conftest import TINY
from tests.test_bad_input import run_program
from training.checkpoint import CheckpointError, load_tensors, read_info, save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a tiny network, with random values also where training starts at zero, so that it reacts."""
    folder = tmp_path_factory.mktemp("weights")
    with contextlib.chdir(folder):
        run_program("train.py", *TINY, "train.steps=1", "run=run", "diffusion.prediction=v")
    path = folder / "run" / "checkpoints" / "ema.safetensors"
    generator, tensors = torch.Generator().manual_seed(0), load_tensors(path)
    for name, tensor in tensors.items():
        if not name.endswith("table.weight"):  # whose first row stays zero
            tensor += 0.05 * torch.randn(tensor.shape, generator=generator)
    save_weights(path, tensors, read_info(path))
    return path


@pytest.fixture(scope="module")
def pipe(weights):
    return Pipeline.load(weights, "cpu")


def test_pictures_have_the_documented_shape_and_type(pipe):
    images = pipe("top hat", seeds=[1, 2, 3], steps=2)
    assert images.shape == (3, 3, 24, 24) and images.dtype == torch.uint8


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(eta=1.0), DDPM()], ids=str)
def test_an_image_equals_itself_at_any_batch_size(pipe, sampler):
    seeds = list(range(7))
    settings = {"w": 2.0, "sampler": sampler, "steps": 4}
    together = pipe("crown,pipe", seeds, **settings)
    for batch_size in (1, 2, 3):
        assert torch.equal(pipe("crown,pipe", seeds, **settings, batch_size=batch_size), together)
    assert torch.equal(pipe("crown,pipe", seeds[::-1], **settings), together.flip(0))
    assert torch.equal(pipe("crown,pipe", [5], **settings)[0], together[5])


def test_seeds_and_requests_and_guidance_matter(pipe):
    """Without this the test above could not fail."""
    first = pipe("crown", [0], w=1.0, steps=4, snap_to_palette=False)
    for other in (
        pipe("crown", [1], w=1.0, steps=4, snap_to_palette=False),
        pipe("bald", [0], w=1.0, steps=4, snap_to_palette=False),
        pipe("crown", [0], w=4.0, steps=4, snap_to_palette=False),
        pipe("crown", [0], w=4.0, steps=4, snap_to_palette=False, negative="pipe"),
    ):
        assert not torch.equal(first, other)
        first = other


def test_guidance_without_a_request_changes_nothing(pipe):
    settings = {"steps": 3, "snap_to_palette": False}
    assert torch.equal(pipe(None, [0], w=1.0, **settings), pipe("any", [0], w=7.0, **settings))


def test_a_label_for_each_picture(pipe):
    labels = torch.stack([pipe.schema.encode(name) for name in ("crown", "bald")])
    both = pipe(labels, [3, 3], steps=3)
    assert torch.equal(both[1:], pipe("bald", [3], steps=3))


def test_snapped_pictures_use_the_palette_only(pipe):
    images = pipe("cap", [0, 1], steps=2)
    used = {tuple(pixel) for pixel in images.permute(0, 2, 3, 1).reshape(-1, 3).tolist()}
    assert used <= {tuple(colour) for colour in pipe.palette.tolist()}


def test_the_newest_run_on_the_data_set_is_found_else_what_ships(weights, tmp_path):
    def place(name: str, age: float, dataset: str):
        path = tmp_path / "runs" / name / "checkpoints" / "ema.safetensors"
        path.parent.mkdir(parents=True)
        info = read_info(weights)
        save_weights(path, {"a": torch.zeros(1)}, type(info)(**{**vars(info), "dataset": dataset}))
        os.utime(path, (1e9 - age, 1e9 - age))
        return path

    shipped = tmp_path / "checkpoints"
    shipped.mkdir()
    runs = tmp_path / "runs"
    with pytest.raises(CheckpointError, match="no weights yet"):
        find_checkpoint("pixelfaces", runs, shipped)
    (shipped / "pixelfaces.safetensors").write_bytes(weights.read_bytes())
    assert find_checkpoint("pixelfaces", runs, shipped) == shipped / "pixelfaces.safetensors"
    place("pixelfaces/old", 200, "pixelfaces")
    newer = place("elsewhere/deep/new", 100, "pixelfaces")
    place("mnist/newest", 0, "mnist")
    damaged = runs / "broken" / "checkpoints" / "ema.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"broken")
    assert find_checkpoint("pixelfaces", runs, shipped) == newer


def test_weights_of_another_shape_are_refused(weights, tmp_path):
    info = read_info(weights)
    save_weights(tmp_path / "w.safetensors", {"a": torch.zeros(1)}, info)
    with pytest.raises(CheckpointError, match="do not fit"):
        Pipeline.load(tmp_path / "w.safetensors", "cpu")


def test_sample_py_writes_pictures_that_say_how_they_came_about(weights, in_tmp, pipe):
    settings = ["attrs=crown,-beard", "w=2", "steps=3", "n=3", "seed=5", "scale=4", "out=o", "device=cpu"]
    run_program("sample.py", f"checkpoint={weights}", *settings)
    assert {p.name for p in (in_tmp / "o").iterdir()} == {
        "grid.png", "samples.json", *(f"seed-00000{s}.png" for s in (5, 6, 7))
    }  # fmt: skip
    record = json.loads((in_tmp / "o/samples.json").read_text())
    settings = read_settings(in_tmp / "o/seed-000006.png")
    assert settings["seed"] == 6
    for key in ("checkpoint", "attrs", "w", "sampler", "steps", "code"):
        assert settings[key] == record[key]
    again = pipe(settings["attrs"], [settings["seed"]], w=settings["w"], steps=settings["steps"])[0]
    with Image.open(in_tmp / "o/seed-000006.png") as picture:
        assert picture.size == (96, 96)
        small = picture.resize((24, 24), Image.Resampling.NEAREST)
    assert np.array_equal(np.asarray(small), again.permute(1, 2, 0).numpy())
    with Image.open(in_tmp / "o/grid.png") as grid:
        assert grid.size == (2 * 96 + 3 * 4, 2 * 96 + 3 * 4)
