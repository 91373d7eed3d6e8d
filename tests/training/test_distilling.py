"""Distilling a training into few steps: from the teacher's weights to pictures, and what is refused on the way."""

from __future__ import annotations

import contextlib
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from data.pixelfaces import SCHEMA, PixelFaces
from diagnosis import case
from diagnosis.checks import examine
from diagnosis.findings import UNCHECKED
from diagnosis.settings import DoctorSettings
from diffusion.distillation import GuidedDistillation
from diffusion.samplers import DDIM
from diffusion.sampling import SamplingOptions
from diffusion.spacing import Listed
from evaluation.edits import Edits
from evaluation.settings import EvaluateSettings
from inference import comparison
from inference.export.write import ExportRefused, network_of
from inference.pipeline import Pipeline
from runtime import memory
from runtime.checkpoint import load_tensors, read_info, save_weights
from tests.conftest import TINY
from training.loop import train
from training.settings import TrainSettings

DISTILL = ("distill=guided", "distill.substeps=2", "optim.warmup=0", "optim.schedule=constant")
CROWN = SCHEMA.encode("crown").expand(3, -1)


@pytest.fixture(scope="module")
def taught(train_tiny, tmp_path_factory) -> tuple[Path, Path]:
    """The folder, and in it teacher.safetensors, of random weights that react, and what was distilled from it."""
    with contextlib.chdir(tmp_path_factory.mktemp("distilling")):
        run = train_tiny("diffusion.prediction=v", "train.steps=1", "run=teacher")
        generator, tensors = torch.Generator().manual_seed(0), load_tensors(run.weights)
        tensors = {name: x + 0.05 * torch.randn(x.shape, generator=generator) for name, x in tensors.items()}
        save_weights(Path("teacher.safetensors"), tensors, read_info(run.weights))
        student = train_tiny(*DISTILL, "init_from=teacher.safetensors", "train.steps=4", "run=student")
        return Path.cwd(), student.weights.absolute()


@pytest.fixture
def there(taught, monkeypatch) -> Path:
    monkeypatch.chdir(taught[0])
    return taught[0]


@pytest.fixture(scope="module")
def student(taught) -> Pipeline:
    return Pipeline.load(taught[1], "cpu")


def test_it_begins_as_the_teacher_learns_from_it_and_leaves_it_as_it_is(taught, there):
    teacher, student = load_tensors(Path("teacher.safetensors")), load_tensors(taught[1])
    assert student.keys() - teacher.keys() == {"extra.weight"} and student["extra.weight"].any()
    moved = [(student[name] - teacher[name]).abs().max() for name in teacher]
    assert 0 < max(moved) < 0.1  # near where it began
    assert "all layers but extra (trained without)" in Path("student/train.log").read_text()


def test_its_weights_say_at_which_times_and_for_which_w_they_are(student):
    assert student.recipe.distill.name == "guided" and student.recipe.distill.w == [1.0, 8.0]
    assert student.diffusion.times.tolist() == [250, 500, 750, 1000]


def test_a_picture_takes_one_evaluation_a_step_whatever_w_is(student):
    options = SamplingOptions(w=3.0)
    resolved = student.resolved(options, CROWN)
    assert (resolved.sampler.name, resolved.steps, resolved.refine) == ("ddim", 4, 0)
    assert student.evaluations(CROWN, options) == 4
    one, same, other = (student(CROWN, range(3), w=w, quantise="none") for w in (2.0, 2.0, 7.0))
    assert torch.equal(one, same) and not torch.equal(one, other)  # w reaches the network


def test_a_stopped_run_continues_bit_for_bit(train_tiny, there, taught):
    for steps in (2, 4):
        run = train_tiny(*DISTILL, "init_from=teacher.safetensors", f"train.steps={steps}", "run=stopped")
    one, other = load_tensors(run.weights), load_tensors(taught[1])
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"w": 0.5}, "w=0.5: these weights were distilled for w from 1 to 8"),
        ({"w": 9.0}, "choose one of these, or take teacher.safetensors"),
        ({"guidance": "rescale"}, "guidance: these weights have guidance and sampler of their teacher inside"),
        ({"sampler": "heun"}, "sampler: these weights have"),
        ({"sampler": DDIM(eta=0.5)}, "sampler: these weights have"),
        ({"steps": 10}, "steps=10: these weights were trained at t = 1000, 750, 500, 250 alone"),
        ({"negative": "hat"}, "negative: these weights have guidance inside"),
        ({"cond": "crown | pipe"}, "attrs: these weights have guidance inside, from no condition to one"),
        ({"cond": "crown:5"}, "attrs: these weights have guidance inside"),
        ({"cond": "crown * 9"}, "w=9: these weights were distilled"),
        ({"guide": True}, "guide: these weights"),
        ({"spacing": Listed(times=[1000, 500])}, "these weights were trained at t = 1000, 750, 500, 250 alone"),
    ],
)
def test_what_is_not_inside_is_refused_with_the_weights_that_can(student, options, said):
    options = {"cond": "crown", **options}
    if options.get("guide"):
        options["guide"] = student
    with pytest.raises(ValueError) as error:
        student(options.pop("cond"), [0], **options)
    assert said in str(error.value) and "teacher.safetensors" in str(error.value)


def test_a_default_w_that_was_not_learned_becomes_the_nearest_that_was(student):
    narrow = GuidedDistillation(w=[4.0, 8.0])
    other = replace(student, recipe=student.recipe.replace(distill=narrow))
    assert other.resolved(SamplingOptions()).w == 4 and student.resolved(SamplingOptions()).w == 3
    assert torch.equal(other(CROWN[0], [0]), other(CROWN[0], [0], w=4.0))
    assert other("crown * 5", [0]).shape == other(None, [0], complete=False).shape
    with pytest.raises(ValueError, match="w=2: these weights were distilled for w from 4 to 8"):
        other(CROWN[0], [0], w=2.0)


def test_compared_with_its_teacher_each_samples_with_steps_of_its_own(taught, there):
    """The teacher's default of ten guided steps costs 20 evaluations, the student's four of its own cost 4."""
    student = taught[1].relative_to(there).as_posix()
    for base, other, costs in (
        ("teacher.safetensors", student, [20, 4]),
        (student, "teacher.safetensors", [4, 20]),
    ):
        typed = [f"checkpoint={base}", "attrs=crown", "complete=false", "refine=0", "w=3"]
        rows = comparison.run(comparison.plan(typed, {"checkpoint": [other]}), [0])
        assert [result.evaluations for result in rows] == costs


def test_a_teacher_is_reckoned_with(train_tiny, there, monkeypatch):
    """Its weights lie beside those that are trained."""
    needs = []
    monkeypatch.setattr(memory, "memory_of", lambda device: 10_000)
    for typed in ((), DISTILL):
        with pytest.raises(ValueError, match=r"training ([\d,]+) parameters needs ([\d.]+) MB") as refused:
            train_tiny(*typed, "diffusion.prediction=v", "init_from=teacher.safetensors", "train.steps=1", "run=large")
        numbers, size = re.search(r"training ([\d,]+) parameters needs ([\d.]+) MB", str(refused.value)).groups()
        needs.append(float(size) * 1e6 / int(numbers.replace(",", "")))
    assert needs == pytest.approx([4 * 5, 4 * 6], rel=0.03)


def test_another_teacher_in_the_same_file_is_noticed_and_a_moved_one_is_taken(train_tiny, there, taught):
    typed = (*DISTILL, "run=moved")
    train_tiny(*typed, "init_from=teacher.safetensors", "train.steps=2")
    shutil.copy("teacher.safetensors", "elsewhere.safetensors")
    train_tiny(*typed, "init_from=elsewhere.safetensors", "train.steps=3")
    path = Path("elsewhere.safetensors")
    save_weights(path, {name: 0 * x for name, x in load_tensors(path).items()}, read_info(path))
    with pytest.raises(ValueError, match=r"init_from=elsewhere.safetensors: other weights than this run began to"):
        train_tiny(*typed, "train.steps=4")


def test_the_recipe_takes_the_network_of_the_teacher_and_reports_as_any_training(there, compose):
    small = [typed for typed in TINY if typed.startswith(("dataset", "train", "device"))]
    typed = ["experiment=distill", *small, "init_from=teacher.safetensors", "train.steps=2", "train.accumulate=2",
             "train.validate_every=1", "train.preview_every=2", "run=recipe"]  # fmt: skip
    run = train(compose("train", typed), typed).run
    assert read_info(run.weights).config["model"]["channels"] == 8  # that of the teacher
    assert len(list(run.samples.glob("*-ema-w*.png"))) == 2


def test_it_is_evaluated_at_the_weights_that_it_has(student, there, tmp_path):
    settings = EvaluateSettings().fitting(student.recipe)
    assert settings.adherence.w == [1, 2, 3, 5] and EvaluateSettings().adherence.w[0] == 0
    assert not Edits.applies(SimpleNamespace(pipe=student))


def test_what_is_said_of_losses_does_not_concern_it(taught, there):
    findings = examine(case.read(DoctorSettings(run="student", device="cpu")))
    found = {finding.check: finding.outcome for finding in findings}
    assert found["label"].verdict == found["EMA weights"].verdict == UNCHECKED
    assert "not distilled" in str(found["label"].figure)


def test_pictures_to_start_from_and_exports_are_refused(student, taught):
    with pytest.raises(ValueError, match=r"init: these weights, distilled .* take teacher.safetensors"):
        student.edit(torch.zeros(3, 24, 24, dtype=torch.uint8), 0.5)
    with pytest.raises(ExportRefused, match=r"distilled, with w as an input .* take teacher.safetensors"):
        network_of(student, taught[1])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["diffusion.prediction=eps"], "predicts eps"),
        (["diffusion.prediction=palette"], "predicts colours of a palette"),
        (["diffusion.prediction=v", "cfg.drop_prob=0"], "trained without dropped labels"),
        (["diffusion.prediction=v", "diffusion.times=[500,1000]"], "trained at few times already"),
        (["diffusion.prediction=v", "upsample=2"], "an upsampler, which needs a small picture"),
    ],
    ids=["eps", "palette", "no dropout", "few times", "upsampler"],
)
def test_what_cannot_teach_is_refused(train_tiny, in_tmp, typed, said):
    weights = train_tiny(*typed, "train.steps=1", "run=teacher").weights
    with pytest.raises(ValueError) as error:
        train_tiny(*DISTILL, f"init_from={weights}", "train.steps=1", "run=student")
    assert said in str(error.value) and str(error.value).startswith(f"init_from={weights}: ")
    assert not Path("student").exists()


def test_a_teacher_of_other_pictures_is_refused(compose, there, real_data):
    typed = [*DISTILL, "init_from=teacher.safetensors", "dataset=mnist", f"data_root={real_data}", "run=other"]
    with pytest.raises(ValueError, match="trained on other pictures, pixelfaces; choose their dataset= too"):
        train(compose("train", typed), typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "distill=guided: needs a teacher; name its weights with init_from=FILE"),
        ({"init_from": "x", "diffusion": {"times": [500, 1000]}}, "with distill.steps=4 they are .* leave it out"),
        ({"init_from": "x", "augment": {"shift": 1}}, "distill=guided: not together with augment"),
        ({"init_from": "x", "model": {"name": "vae"}}, "distill=guided: not together with model=vae"),
    ],
)
def test_settings_that_do_not_go_together(typed, said):
    pictures = PixelFaces(count=40).load().train
    with pytest.raises(ValueError, match=said):
        TrainSettings.parse({"distill": {"name": "guided"}, **typed}).settled(pictures)
