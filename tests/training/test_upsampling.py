"""A cascade, from the training of an upsampler to pictures, and what is refused on the way."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conditions.fields import Field
from conditions.schema import UNKNOWN, ConditionSchema
from data.bigfaces import BigFaces
from data.images import enlarge, grid, read_png, reduced
from data.pixelfaces import SCHEMA
from diffusion.sampling import Between, ImageNoise, SamplingOptions
from diffusion.upsampling import enlarging
from inference.animation import denoising
from inference.export.write import ExportRefused, network_of
from inference.job import prepare
from inference.pipeline import Pipeline
from inference.upsampling import own_options
from inference.weights import find_checkpoint
from runtime.checkpoint import CheckpointError, load_tensors, read_info
from runtime.factory import Recipe
from tests.programs import run_program
from training.settings import TrainSettings

UPSAMPLING = ("dataset=bigfaces", "dataset.count=40", "upsample=4", "model.patch=8", "model.map_channels=0")
V = "diffusion.prediction=v"
QUICK = {"steps": 2, "w": 1.0, "quantise": "none"}
CROWN = SCHEMA.encode("crown").expand(3, -1)


@pytest.fixture(scope="module")
def cascade(train_reacting, tmp_path_factory) -> tuple[Path, Path]:
    """Weights of small pictures, and of an upsampler for them, that react."""
    folder = tmp_path_factory.mktemp("cascade")
    (folder / "small").mkdir()
    return train_reacting(folder / "small", V), train_reacting(folder, V, *UPSAMPLING)


@pytest.fixture(scope="module")
def upsampler(cascade) -> Pipeline:
    return Pipeline.load(cascade[1], "cpu")


@pytest.fixture(scope="module")
def small() -> torch.Tensor:
    return reduced(BigFaces(count=20).load().train.images[:3], 4)


def compared(compose, cascade, *typed):
    return prepare(compose("sample", [f"checkpoint={cascade[0]}", f"upsampler={cascade[1]}", *typed]))[0]


# -- training ---------------------------------------------------------------------------------------------


def test_its_weights_say_that_they_upsample_and_others_that_they_do_not(cascade):
    small, large = (Recipe.of(read_info(path).config) for path in cascade)
    assert (small.upsample, large.upsample) == (None, 4)
    before = read_info(cascade[0]).config
    del before["upsample"]  # as of weights from when there were no upsamplers
    assert Recipe.of(before) == small


def test_a_stopped_run_continues_bit_for_bit(train_tiny, in_tmp):
    typed = (*UPSAMPLING, V, "optim.warmup=0", "optim.schedule=constant")
    train_tiny(*typed, "train.steps=2", "run=stopped")
    one = train_tiny(*typed, "train.steps=4", "run=stopped")
    other = train_tiny(*typed, "train.steps=4", "run=whole")
    ours, theirs = load_tensors(one.weights), load_tensors(other.weights)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(ValueError, match="upsample=2: this run started with 4"):
        train_tiny(*typed, "upsample=2", "train.steps=6", "run=stopped")


def test_it_learns_from_the_small_picture(train_tiny, in_tmp):
    """The weights with which it looks at that change, and they are half of the first layer's."""
    runs = [train_tiny(*UPSAMPLING, V, f"train.steps={n}", "optim.warmup=0", f"run=of-{n}") for n in (1, 8)]
    one, other = (load_tensors(run.weights)["stem.weight"] for run in runs)
    assert one.shape[1] == 6 * 8**2
    assert (one - other)[:, 3 * 8**2 :].abs().max() > 1e-4


def test_sample_grids_show_a_row_for_each_held_out_picture_as_the_pipeline_samples_it(train_tiny, in_tmp, cascade):
    typed = ("train.preview_every=2", "train.validate_every=2", "train.preview.columns=2", "train.steps=2", "run=seen")
    run = train_tiny(*UPSAMPLING, V, f"init_from={cascade[1]}", *typed)
    (path,) = run.samples.glob("*-ema-*.png")
    assert path.name == "step-00000002-ema-w1.png"
    held_out, pipe = BigFaces(count=40).load().validation, Pipeline.load(run.weights, "cpu")
    labels, small = (x.repeat_interleave(2, dim=0) for x in (held_out.labels, reduced(held_out.images, 4)))
    expected = pipe(labels, range(8), SamplingOptions(w=1.0, steps=2), small=small)
    assert torch.equal(read_png(path), grid(expected, 2, scale=2))


def test_other_weights_can_be_started_from_but_for_the_layer_that_sees_the_small_picture(train_tiny, in_tmp, cascade):
    plain = (*UPSAMPLING[:2], *UPSAMPLING[3:], V, "train.steps=1")
    begun = train_tiny(*plain, "run=plain").weights
    train_tiny(*UPSAMPLING, V, "train.steps=1", f"init_from={begun}", "run=up")
    assert "all layers but stem (another input), which begin anew" in Path("up/train.log").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"upsample": 5}, "upsample=5: must divide the image size, 96 x 96; choose one of 2, 3, 4, 6, 8, 12"),
        ({"model": {"name": "vae"}}, "upsample=4: not together with model=vae"),
        ({"augment": {"shift": 1}}, "upsample=4: not together with augment"),
        ({"distill": {"name": "guided"}, "init_from": "x"}, "upsample=4: not together with distill=guided"),
        ({"upsample": 1}, "upsample=1: must be a whole number from 2 to 64"),
        ({"train": {"preview": {"w": 5}}}, "train.preview.w=5: an upsampler samples without guidance; leave it out"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_settings_that_do_not_go_together(given, said):
    with pytest.raises(ValueError, match=said):
        TrainSettings.parse({"upsample": 4, **given}).settled(BigFaces(count=20).load().train)


# -- sampling with the upsampler alone --------------------------------------------------------------------


def test_a_picture_depends_on_its_seed_its_label_and_its_small_picture(upsampler, small):
    large = upsampler(CROWN, [1, 2, 3], small=small, **QUICK)
    assert large.shape == (3, 3, 96, 96)
    for changed in (
        upsampler(CROWN, [1, 7, 3], small=small, **QUICK),
        upsampler(torch.stack([CROWN[0], SCHEMA.encode("cap"), CROWN[2]]), [1, 2, 3], small=small, **QUICK),
        upsampler(CROWN, [1, 2, 3], small=torch.stack([small[0], small[2], small[2]]), **QUICK),
    ):
        assert [bool((one != other).any()) for one, other in zip(large, changed, strict=True)] == [False, True, False]


def test_noise_is_independent_of_the_small_picture_of_the_same_seed(upsampler, small):
    """As in training. Noise of one seed begins alike whatever its shape, so that a small picture's would be part of
    the large one's."""
    seen, seeds = [], [5, Between(5, 6, 0.3), 7]
    network = upsampler.denoiser
    spied = replace(upsampler, denoiser=lambda x, t, cond: (seen.append(x), network(x, t, cond))[1])
    spied(CROWN, seeds, small=small, **QUICK)
    before, large = (noise.flatten(1)[:, : 3 * 24 * 24] for noise in (ImageNoise(seeds, (3, 24, 24))(), seen[0][:, :3]))
    assert torch.equal(before, ImageNoise(seeds, (3, 96, 96))().flatten(1)[:, : 3 * 24 * 24])
    assert (before * large).mean(dim=1).abs().max() < 4 / before.shape[1] ** 0.5
    assert len(set(enlarging([5, 6, 7]))) == 3 and enlarging(enlarging(seeds)) == seeds


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_picture_does_not_depend_on_its_batch(upsampler, small, batch_size):
    whole, parts = (upsampler(CROWN, [1, 2, 3], small=small, batch_size=n, **QUICK).int() for n in (64, batch_size))
    assert (whole - parts).abs().max() <= 1


def test_what_is_open_is_not_decided_by_the_label_prior_and_takes_steps_at_high_noise(upsampler):
    resolved = upsampler.resolved(own_options(SamplingOptions(steps=2)))
    assert (resolved.complete, resolved.steps, resolved.refine, resolved.w) == (False, 10, 0, 1.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "checkpoint: these weights are an upsampler, .* as checkpoint=FILE, and these as upsampler=FILE"),
        (
            torch.zeros(2, 3, 24, 24, dtype=torch.uint8),
            r"small: .* shape \(2, 3, 24, 24\); needed are .*\(3, 3, 24, 24\)",
        ),
        (torch.zeros(3, 3, 96, 96, dtype=torch.uint8), r"small: .* shape \(3, 3, 96, 96\); needed"),
        (torch.zeros(3, 3, 24, 24), "small: torch.float32 .* needed are uint8 pictures"),
    ],
    ids=["none", "too few", "too large", "floats"],
)
def test_small_pictures_that_do_not_fit_are_refused(upsampler, given, said):
    with pytest.raises(ValueError, match=said):
        upsampler(CROWN, [1, 2, 3], small=given)


def test_weights_that_need_no_small_picture_take_none(cascade, small):
    with pytest.raises(ValueError, match="small: these weights generate pictures from noise alone"):
        Pipeline.load(cascade[0], "cpu")(CROWN, [1, 2, 3], small=small)


def test_pictures_to_start_from_guides_and_exports_are_refused(upsampler, cascade):
    with pytest.raises(ValueError, match="init: an upsampler, which begins with a small picture, cannot start"):
        upsampler.edit(torch.zeros(3, 96, 96, dtype=torch.uint8), 0.5)
    with pytest.raises(ExportRefused, match="an upsampler, with a small picture as an input"):
        network_of(upsampler, cascade[1])


# -- cascades ---------------------------------------------------------------------------------------------


def test_a_cascade_enlarges_the_pictures_that_its_weights_generate(cascade, compose, upsampler):
    """The labels that the prior completed, seed by seed, go in too."""
    job = compared(compose, cascade, "attrs=crown", "steps=2")
    large = job.sample([4, 5])
    pipe = Pipeline.load(cascade[0], "cpu")
    alone = pipe("crown", [4, 5], steps=2)
    labels = pipe.branches("crown", [4, 5], job.options).labels[0]
    assert (labels != UNKNOWN).all() and job.last.image_shape == (3, 96, 96)
    assert torch.equal(large, upsampler(labels, [4, 5], small=alone, w=1.0))
    assert torch.equal(job.sample([5])[0], large[1])


def test_several_conditions_leave_the_upsampler_without_a_label(cascade, compose, upsampler):
    job = compared(compose, cascade, "attrs=crown | pipe", "steps=2")
    alone = Pipeline.load(cascade[0], "cpu")("crown | pipe", [4], job.options)
    assert torch.equal(job.sample([4]), upsampler(SCHEMA.unknown(1), [4], small=alone, w=1.0))


@pytest.mark.parametrize("typed", [("attrs=crown", "w=0"), ("attrs=crown * -2", "w=3")])
def test_a_label_that_the_small_picture_ignores_or_avoids_is_not_the_upsampler_s(cascade, compose, upsampler, typed):
    job = compared(compose, cascade, *typed, "complete=false", "steps=2")
    alone = job.pipe(job.attrs, [4], job.options)
    assert torch.equal(job.sample([4]), upsampler(SCHEMA.unknown(1), [4], small=alone, w=1.0))


def test_steps_and_evaluations_of_both_count(cascade, compose):
    job, counted = compared(compose, cascade, "attrs=crown", "steps=3", "w=3"), []
    assert job.evaluations == 3 * 2 + 10
    job.sample([0], on_step=lambda *step: counted.append(step))
    assert len(counted) == job.total_steps == 13


def test_a_picture_of_a_cascade_is_reproduced_from_its_png(cascade, in_tmp, capsys):
    run_program("sample.py", f"checkpoint={cascade[0]}", f"upsampler={cascade[1]}", "n=2", "steps=2", "out=a")
    run_program("sample.py", "from_image=a/seed-000001.png", "out=b")
    assert "identical to the original" in capsys.readouterr().out
    record = json.loads(Path("b/samples.json").read_text())
    assert record["upsampler"] == Pipeline.load(cascade[1], "cpu").checkpoint
    assert record["upsampler_weights"] == cascade[1].as_posix()
    picture = read_png(Path("b/seed-000001.png"))
    assert torch.equal(picture, enlarge(picture[:, ::8, ::8], 8)) and picture.shape[1:] == (768, 768)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["checkpoint={large}"], "checkpoint: these weights are an upsampler"),
        (["checkpoint={small}", "upsampler={small}"], "upsampler: these weights generate pictures from noise alone"),
        (["checkpoint={small}", "upsampler=nowhere"], "upsampler=nowhere: no such file"),
        (["checkpoint={small}", "guide={large}"], "guide: trained with another image shape"),
        (["checkpoint={small}", "upsampler={large}", "rank=adherence"], "rank=adherence: nothing is asked"),
    ],
)
def test_what_cannot_be_a_cascade_is_refused_in_one_line(cascade, in_tmp, capsys, typed, said):
    small, large = cascade
    with contextlib.suppress(SystemExit):
        run_program("sample.py", *(part.format(small=small, large=large) for part in typed))
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


def test_an_upsampler_of_pictures_of_another_size_or_label_is_refused(cascade, compose, upsampler):
    pipe = Pipeline.load(cascade[0], "cpu")
    for changed, said in (
        ({"image_shape": (3, 64, 64)}, r"upsampler: enlarges pictures of \(3, 16, 16\), and the weights generate"),
        ({"schema": ConditionSchema((Field("kind", ("Cat",)),))}, "upsampler: trained with other labels"),
    ):
        loads = lambda path, *how, changed=changed: replace(upsampler, **changed) if path == cascade[1] else pipe  # noqa: E731
        with pytest.raises(ValueError, match=said):
            prepare(compose("sample", [f"checkpoint={cascade[0]}", f"upsampler={cascade[1]}"]), loads)


def test_an_animation_follows_one_network(cascade, compose):
    with pytest.raises(ValueError, match="upsampler: an animation follows one network"):
        denoising(compared(compose, cascade), 0)


def test_an_upsampler_is_not_the_newest_run_on_its_data_set(cascade, in_tmp):
    target = Path("runs/a/checkpoints/ema.safetensors")
    target.parent.mkdir(parents=True)
    target.write_bytes(cascade[1].read_bytes())
    with pytest.raises(CheckpointError, match="dataset=bigfaces: no weights yet"):
        find_checkpoint("bigfaces", pretrained=Path("none"))


def test_large_faces_are_sampled_with_steps_at_high_noise_since_labels_leave_them_open(cascade):
    pipe = Pipeline.load(cascade[0], "cpu")
    other = replace(pipe, recipe=pipe.recipe.replace(dataset=BigFaces()))
    steps = [p.resolved(SamplingOptions(), "crown").steps for p in (pipe, other)]
    assert steps == [4, 10]


def test_a_regression_is_an_upsampler_trained_at_pure_noise_alone(train_tiny, in_tmp):
    """It predicts x_0 in one evaluation, the mean of what is open."""
    run = train_tiny(*UPSAMPLING, "diffusion.times=[1000]", "diffusion.prediction=x_0", "train.steps=1", "run=mean")
    pipe, options = Pipeline.load(run.weights, "cpu"), own_options(SamplingOptions())
    assert pipe.resolved(options).spacing.times == [1000] and pipe.evaluations(CROWN, options) == 1
