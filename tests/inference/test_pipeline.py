"""From weights to pictures: an image is a function of its seed and settings, and says what they were."""

import json
import os
import re
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
import torch
from PIL import Image

from data import mnist
from data.images import read_settings
from diffusion.gaussian import GaussianDiffusion
from diffusion.guidance import Guidance
from diffusion.multistep import DPMSolverPP2M, UniPC
from diffusion.samplers import DDIM, DDPM, Euler, EulerAncestral, Heun
from diffusion.schedule import NoiseSchedule
from inference.pipeline import Pipeline
from inference.weights import SHIPPED, available, find_checkpoint
from runtime.checkpoint import CheckpointError, read_info, save_weights
from runtime.factory import build_guidance, build_sampler
from tests.cli.test_bad_input import run_program


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
    first = pipe("crown", [0], w=1.0, steps=4, snap="none")
    for other in (
        pipe("crown", [1], w=1.0, steps=4, snap="none"),
        pipe("bald", [0], w=1.0, steps=4, snap="none"),
        pipe("crown", [0], w=4.0, steps=4, snap="none"),
        pipe("crown", [0], w=4.0, steps=4, snap="none", negative="pipe"),
    ):
        assert not torch.equal(first, other)
        first = other


def test_guidance_without_a_request_changes_nothing(pipe):
    settings = {"steps": 3, "snap": "none"}
    assert torch.equal(pipe(None, [0], w=1.0, **settings), pipe("any", [0], w=7.0, **settings))


def test_a_label_for_each_picture(pipe):
    labels = torch.stack([pipe.schema.encode(name) for name in ("crown", "bald")])
    both = pipe(labels, [3, 3], steps=3)
    assert torch.equal(both[1:], pipe("bald", [3], steps=3))


def test_pixel_art_is_refined_and_other_pictures_are_not(pipe):
    assert [pipe.refinement(given) for given in (None, 0, 2)] == [4, 0, 2]
    assert replace(pipe, palette=None).refinement(None) == 0
    told = []
    pipe("crown", [0], steps=3, on_step=lambda *step: told.append(step))
    assert len(told) == pipe.rounds(3, None) == 6
    assert pipe.rounds(3, 0) == 3
    with pytest.raises(ValueError, match="refine=-1: must be a whole number of at least 0"):
        pipe("crown", [0], steps=3, refine=-1)


def test_python_and_the_command_line_have_the_same_defaults(compose):
    settings = compose("sample")
    given = {name: p.default for name, p in signature(Pipeline.__call__).parameters.items()}
    for name in ("w", "steps", "spacing", "strength", "repeats", "snap", "refine", "batch_size"):
        assert given[name] == settings[name], name
    assert given["guidance"] == build_guidance(settings["guidance"])
    assert compose("evaluate")["guidance"] == settings["guidance"]
    assert build_sampler(settings["sampler"]) == DPMSolverPP2M()


def test_snapped_pictures_use_the_palette_only(pipe):
    images = pipe("cap", [0, 1], steps=2)
    used = {tuple(pixel) for pixel in images.permute(0, 2, 3, 1).reshape(-1, 3).tolist()}
    assert used <= {tuple(colour) for colour in pipe.palette.colours.tolist()}


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


QUICK = {"w": 2.0, "steps": 4, "snap": "none", "sampler": DDIM(), "guidance": Guidance()}


@pytest.mark.parametrize(
    "change",
    [
        {"guidance": Guidance(rescale=0.7)},
        {"guidance": Guidance(interval=(0.2, 0.6))},
        {"guidance": Guidance(fade=0.9)},
        {"guidance": Guidance(percentile=0.9), "w": 8.0},
        {"guidance": Guidance(renoise="reference"), "w": 0.8},
        {"negative": "mohawk"},
        {"spacing": "karras"},
        *({"sampler": sampler} for sampler in (EulerAncestral(), Heun(), DPMSolverPP2M(), UniPC())),
    ],
    ids=str,
)
def test_every_way_of_steering_changes_the_picture_and_keeps_it_independent_of_the_batch(pipe, change):
    plain = {**QUICK, "w": change.get("w", 2.0)}
    settings = {**plain, **change}
    steered = pipe("crown,pipe", [3, 4, 5], **settings)
    assert not torch.equal(steered, pipe("crown,pipe", [3, 4, 5], **plain))
    assert (pipe("crown,pipe", [5], **settings)[0].short() - steered[2].short()).abs().max() <= 1


def test_a_field_with_the_common_weight_changes_nothing_and_with_another_does(pipe):
    plain = pipe("crown,pipe", [1, 2], **QUICK)
    assert torch.equal(pipe("crown:2,pipe", [1, 2], **QUICK), plain)
    assert not torch.equal(pipe("crown:6,pipe", [1, 2], **QUICK), plain)


def test_a_condition_added_without_weight_changes_nothing_and_with_one_does(pipe):
    plain = pipe("crown", [1, 2], **QUICK)
    assert torch.equal(pipe("crown | pipe * 0", [1, 2], **QUICK), plain)
    assert not torch.equal(pipe("crown | pipe * 2", [1, 2], **QUICK), plain)


def test_autoguidance_by_the_model_itself_changes_nothing_beyond_rounding(pipe):
    """main + (w - 1) (main - main)."""
    alone = pipe("crown", [1, 2], **{**QUICK, "w": 1.0})
    found = pipe("crown", [1, 2], **QUICK, weaker=pipe)
    assert (found.short() - alone.short()).abs().max() <= 1


def test_autoguidance_of_several_conditions_needs_one_thing_to_move_away_from(pipe):
    with pytest.raises(ValueError, match=r"attrs='crown \| pipe': .* negative=any"):
        pipe("crown | pipe", [1], **QUICK, weaker=pipe)
    found = pipe("crown | pipe", [1, 2], **QUICK, weaker=pipe, negative="any")
    assert (found.short() - pipe("crown | pipe", [1, 2], **QUICK).short()).abs().max() <= 1


@pytest.mark.parametrize("request_", ["crown:1,pipe", "crown:6,pipe", "crown:6", "crown:1"])
def test_where_guidance_is_suspended_weights_of_names_leave_the_plain_model(pipe, request_):
    nowhere = {**QUICK, "guidance": Guidance(interval=(0, 0)), "w": 3.0}
    plain = pipe(request_.replace(":1", "").replace(":6", ""), [1, 2], **{**QUICK, "w": 1.0})
    assert (pipe(request_, [1, 2], **nowhere).short() - plain.short()).abs().max() <= 1


def test_cfg_plus_plus_looks_at_the_weights_that_are_used(pipe):
    plus = {**QUICK, "guidance": Guidance(renoise="reference")}
    pipe("crown * 0.5", [1], **{**plus, "w": 3.0})
    for text in ("crown * 7", "crown,pipe:5", "crown | pipe"):
        with pytest.raises(ValueError, match=r"CFG\+\+, w lies in \[0, 1\]"):
            pipe(text, [1], **{**plus, "w": 0.8})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"init": torch.zeros(3, 24, 24)}, "init: of torch.float32"),
        ({"init": torch.zeros(3, 24, 24, dtype=torch.uint8), "mask": torch.full((24, 24), 255.0)}, "outside [0, 1]"),
        ({"repeats": 2}, "give init as well"),
        ({"cond": torch.full((14,), -2)}, "each entry -1 or an index"),
    ],
)
def test_tensors_of_another_meaning_are_refused(pipe, change, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        pipe(**{"cond": "crown", "seeds": [1], **QUICK, **change})


def test_autoguidance_takes_a_model_of_the_same_kind(pipe):
    others = {
        "labels": replace(pipe, schema=mnist.SCHEMA),
        "image shape": replace(pipe, image_shape=(3, 16, 16)),
        "prediction": replace(pipe, diffusion=GaussianDiffusion(pipe.diffusion.schedule, "eps")),
        "noise schedule": replace(pipe, diffusion=GaussianDiffusion(NoiseSchedule.named("cosine", 1000), "v")),
    }
    for name, other in others.items():
        with pytest.raises(ValueError, match=f"guidance.checkpoint: another {name}"):
            pipe("crown", [1], **QUICK, weaker=other)


@pytest.mark.parametrize("sampler", [DDPM(), Heun(), DPMSolverPP2M(), UniPC()], ids=str)
def test_cfg_plus_plus_is_refused_by_samplers_that_would_ignore_it(pipe, sampler):
    plus = {**QUICK, "w": 0.8, "guidance": Guidance(renoise="reference")}
    with pytest.raises(ValueError, match=r"guidance.renoise=reference: .* sampler=ddim"):
        pipe("crown", [1], **{**plus, "sampler": sampler})
    with pytest.raises(ValueError, match=r"w=1.5: .*\[0, 1\]"):
        pipe("crown", [1], **{**plus, "w": 1.5})


@pytest.mark.parametrize("sampler", [DDIM(), Euler(), EulerAncestral(0.5)], ids=str)
def test_cfg_plus_plus_shows_what_is_asked_for(pipe, sampler):
    """Samplers that would go on with the noise of the reference alone would draw what it draws."""
    plus = {**QUICK, "sampler": sampler, "guidance": Guidance(renoise="reference"), "w": 0.8}
    assert not torch.equal(pipe("crown", [1, 2], **plus), pipe("any", [1, 2], **plus))


def test_all_weights_are_listed_and_other_files_are_not(in_tmp, weights):
    place = in_tmp / "runs" / "a" / "checkpoints" / "ema.safetensors"
    broken = in_tmp / "runs" / "b" / "checkpoints" / "ema.safetensors"
    for path, content in ((place, weights.read_bytes()), (broken, b"no weights")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    found = available()
    assert [info.dataset for info in found.values()] == ["pixelfaces", "cryptopunks", "mnist"]
    assert set(found) == {place.relative_to(in_tmp), SHIPPED / "cryptopunks.safetensors", SHIPPED / "mnist.safetensors"}
