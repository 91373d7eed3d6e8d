"""From weights to pictures: an image is a function of its seed and settings, and says what they were."""

import contextlib
import json
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import steering
from data import mnist
from data.images import read_settings
from diffusion.gaussian import GaussianDiffusion, Prediction
from diffusion.guidance import Guidance
from diffusion.multistep import DPMSolverPP2M, UniPC
from diffusion.samplers import DDIM, DDPM, Euler, EulerAncestral, Heun
from diffusion.schedule import NoiseSchedule
from pipeline import FROM_X_0, Pipeline, find_checkpoint, find_weights
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


QUICK = {"w": 2.0, "steps": 4, "snap_to_palette": False}


@pytest.mark.parametrize(
    "change",
    [
        {"guidance": Guidance(rescale=0.7)},
        {"guidance": Guidance(interval=(0.2, 0.6))},
        {"guidance": Guidance(percentile=0.9), "w": 8.0},
        {"guidance": Guidance(renoise="reference")},
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


@pytest.mark.parametrize("sampler", [DDPM(), DPMSolverPP2M(), UniPC()], ids=str)
def test_cfg_plus_plus_is_refused_by_samplers_that_would_ignore_it(pipe, sampler):
    with pytest.raises(ValueError, match=r"guidance.renoise=reference: .* sampler=ddim"):
        pipe("crown", [1], **QUICK, sampler=sampler, guidance=Guidance(renoise="reference"))


def test_samplers_that_look_at_the_noise_are_not_among_those_refused():
    """A sampler that uses eps gives another picture if eps alone is another."""
    schedule = NoiseSchedule.named("linear", 100)

    def denoise(shift):
        return lambda x_t, t: Prediction(0.5 * x_t, 0.3 * x_t + shift)

    x_t = torch.linspace(-1, 1, 5)
    for make in (DDPM, DDIM, Euler, EulerAncestral, Heun, DPMSolverPP2M, UniPC):
        one, other = (
            make().step(schedule, denoise(shift), x_t, 60, 30, lambda: torch.ones(5), None)[0] for shift in (0.0, 0.1)
        )
        assert torch.equal(one, other) == (make in FROM_X_0)


@pytest.fixture
def drawn(in_tmp, weights, capsys):
    """Three pictures with many settings of their own."""
    ways = [
        "attrs=crown:4,pipe | mohawk * 0.5",
        "negative=hat",
        "w=2.5",
        "guidance=rescale",
        "sampler=unipc",
        "scale=3",
    ]
    run_program("sample.py", f"checkpoint={weights}", *ways, "steps=3", "seed=7", "n=3", "spacing=karras", "out=first")
    capsys.readouterr()
    return in_tmp / "first"


def test_a_picture_is_drawn_again_from_itself(in_tmp, drawn, capsys):
    run_program("sample.py", f"from_image={drawn / 'seed-000008.png'}", "out=again")
    assert "compared: identical to the original\n" in capsys.readouterr().out
    assert (in_tmp / "again/seed-000008.png").exists() and len(list((in_tmp / "again").glob("seed-*"))) == 1
    again, first = (np.asarray(Image.open(folder / "seed-000008.png")) for folder in (in_tmp / "again", drawn))
    assert np.array_equal(again, first)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("w=6", "w was 2.5, is 6"),
        ("prompt=a top hat", "is Top Hat"),
        ("sampler=ddim", "sampler was {'name': 'unipc'"),
        ("attrs=top hat", "attrs was"),
    ],
)
def test_what_is_typed_beside_a_picture_changes_it_and_is_said(in_tmp, drawn, capsys, typed, told):
    run_program("sample.py", f"from_image={drawn / 'seed-000008.png'}", typed, "out=again")
    out = capsys.readouterr().out
    assert "pixels differ from the original" in out and told in out


def test_a_picture_finds_its_weights_wherever_they_are_now(in_tmp, drawn, weights, capsys):
    record = read_settings(drawn / "seed-000007.png")
    moved = in_tmp / "runs" / "x" / "checkpoints" / "ema.safetensors"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(weights.read_bytes())
    assert find_weights(record["checkpoint"], in_tmp / "gone", in_tmp / "runs") == moved
    with pytest.raises(CheckpointError, match=record["checkpoint"]):
        find_weights(record["checkpoint"], in_tmp / "gone", in_tmp / "nothing")


def test_pictures_that_cannot_be_drawn_again_are_refused(in_tmp, drawn, capsys):
    Image.new("RGB", (8, 8)).save(in_tmp / "plain.png")
    (in_tmp / "text.png").write_text("no picture")
    for name, told in {
        "plain.png": "no settings inside",
        "text.png": "not a picture",
        "nowhere.png": "no such file",
        "first/grid.png": "lack seed",
    }.items():
        with pytest.raises(SystemExit):
            run_program("sample.py", f"from_image={name}", "out=again")
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1, error
    assert not (in_tmp / "again").exists()


def test_a_phrase_draws_what_its_names_would(in_tmp, weights, capsys):
    common = [f"checkpoint={weights}", "n=1", "steps=2"]
    run_program(
        "sample.py", *common, "prompt=someone with a top hat, a pipe and a parrot, without mohawk", "out=phrase"
    )
    out = capsys.readouterr().out
    assert "understood: Top Hat, Pipe, -" in out and "ignored: 'parrot'" in out
    attrs = json.loads((in_tmp / "phrase/samples.json").read_text())["attrs"]
    run_program("sample.py", *common, f"attrs={attrs}", "out=names")
    one, other = (np.asarray(Image.open(in_tmp / name / "seed-000000.png")) for name in ("phrase", "names"))
    assert np.array_equal(one, other)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run_program("sample.py", *common, "prompt=a pipe", "attrs=crown")
    assert "give one" in capsys.readouterr().err


def test_a_ranking_keeps_the_best_and_records_the_rest(in_tmp, weights, capsys, monkeypatch):
    settings = [f"checkpoint={weights}", "attrs=crown", "steps=2", "scale=1"]
    run_program("sample.py", *settings, "n=6", "out=all")
    monkeypatch.setattr(steering, "find", lambda *_: in_tmp / "classifier")
    redness = SimpleNamespace(agreement=lambda images, label: images[:, 0].float().mean(dim=(1, 2)) / 255)
    monkeypatch.setattr(steering, "load", lambda *_: redness)
    run_program("sample.py", *settings, "rank=adherence", "keep=2", "of=6", "out=best")
    red = {s: np.asarray(Image.open(in_tmp / f"all/seed-{s:06d}.png"))[..., 0].mean() for s in range(6)}
    order = sorted(red, key=red.get, reverse=True)
    record = json.loads((in_tmp / "best/samples.json").read_text())
    assert [entry["seed"] for entry in record["ranking"]] == order
    assert [entry["seed"] for entry in record["images"]] == order[:2]
    assert sorted(p.name for p in (in_tmp / "best").glob("seed-*")) == sorted(f"seed-{s:06d}.png" for s in order[:2])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["rank=beauty"], "rank='beauty'"),
        (["rank=adherence", "keep=5", "of=4"], "keep=5: must be a whole number from 1 to 4"),
        (["rank=adherence", "attrs=any"], "nothing is asked for"),
        (["rank=adherence"], "no classifier of pixelfaces"),
    ],
)
def test_rankings_that_are_not_possible_are_refused_before_drawing(in_tmp, weights, capsys, settings, told):
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", *settings)
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


@pytest.fixture
def face(in_tmp):
    """A picture whose colours are no palette's, and a mask that leaves its left half."""
    array = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(array).resize((72, 72), Image.Resampling.NEAREST).save(in_tmp / "face.png")
    mask = np.zeros((24, 24), dtype=np.uint8)
    mask[:, 12:] = 255
    Image.fromarray(mask).save(in_tmp / "mask.png")
    return array


def test_inpainting_keeps_the_known_pixels_exactly_also_when_snapping(in_tmp, weights, face, capsys):
    common = [f"checkpoint={weights}", "init=face.png", "attrs=crown", "steps=3", "n=2", "scale=1"]
    run_program("sample.py", *common, "mask=mask.png", "repeats=2", "feather=2", "out=edit")
    for seed in range(2):
        drawn = np.asarray(Image.open(in_tmp / f"edit/seed-{seed:06d}.png"))
        assert np.array_equal(drawn[:, :12], face[:, :12])
        assert (drawn[:, 12:] != face[:, 12:]).any(axis=2).mean() > 0.9
    capsys.readouterr()
    run_program("sample.py", "from_image=edit/seed-000001.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out
    other = np.asarray(Image.open("mask.png")).copy()
    other[:, 18:] = 0
    Image.fromarray(other).save("mask.png")
    run_program("sample.py", "from_image=edit/seed-000001.png", "out=changed")
    assert "mask_hash was" in capsys.readouterr().out


def test_strength_says_where_it_begins_and_its_ends_are_exact(in_tmp, weights, face, capsys):
    common = [f"checkpoint={weights}", "attrs=crown", "steps=10", "n=1", "scale=1", "snap=false"]
    run_program("sample.py", *common, "init=face.png", "strength=0.3", "out=some")
    assert "edit: from noise level 0.3, t = 300 of 1000, in 3 steps" in capsys.readouterr().out
    run_program("sample.py", *common, "init=face.png", "strength=0", "out=none")
    assert "in 0 steps" in capsys.readouterr().out
    assert np.array_equal(np.asarray(Image.open(in_tmp / "none/seed-000000.png")), face)
    run_program("sample.py", *common, "init=face.png", "strength=1", "out=all")
    run_program("sample.py", *common, "out=fresh")
    one, other = (np.asarray(Image.open(in_tmp / name / "seed-000000.png")) for name in ("all", "fresh"))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["strength=0.5"], "strength=0.5: changes a picture that is there; name one with init=FILE"),
        (["mask=mask.png"], "mask=mask.png: changes a picture"),
        (["init=face.png", "strength=1.5"], "strength=1.5: must be a number from 0 to 1"),
        (["init=face.png", "repeats=0"], "repeats=0: must be a whole number"),
        (["init=nowhere.png"], "init=nowhere.png: no such file"),
        (["init=face.png", "mask=small.png"], "mask=small.png: 7 x 7 pixels; this model draws 24 x 24"),
    ],
)
def test_edits_that_cannot_be_done_are_refused(in_tmp, weights, face, capsys, settings, told):
    Image.new("L", (7, 7)).save(in_tmp / "small.png")
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "out=edit", *settings)
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not (in_tmp / "edit").exists()
