"""The baselines by the commands of every model: trained, resumed, sampled, evaluated; and what they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dashboard.controls import usual_w
from evaluation import classifier
from inference.job import prepare
from inference.pipeline import Pipeline
from inference.settings import SampleSettings
from runtime.checkpoint import load_state, read_info
from runtime.distributed import Processes
from runtime.settings import compose
from tests.cli.test_bad_input import refused
from tests.programs import ROOT, run_program
from tests.training.test_resume import equal
from training.loop import train
from training.run import Run
from training.settings import TrainSettings
from training.trainer import Trainer

TYPED = [
    "dataset=pixelfaces", "dataset.count=120", "model.channels=8", "model.latent=8", "train.batch_size=8",
    "optim.warmup=0", "optim.schedule=constant", "train.validate_every=2", "train.preview_every=2",
    "train.preview.columns=1", "train.log_every=1", "device=cpu",
]  # fmt: skip
BASELINES = {
    "vae": ["model=vae"],
    "vae-palette": ["model=vae", "model.likelihood=palette"],
    "wgan_gp": ["model=wgan_gp", "model.critic_steps=2"],
}
CURVES = {
    "vae": {"vae/reconstruction", "vae/kl"},
    "wgan_gp": {"gan/wasserstein", "gan/gradient_penalty", "gan/generator"},
}
ALWAYS = {"loss/train", "loss/held_out", "optim/lr", "optim/grad_norm", "speed/images_per_second"}


@pytest.fixture(scope="module", params=BASELINES)
def trained(request, tmp_path_factory) -> Run:
    """A run of four steps, with everything that a training writes."""
    typed = [*BASELINES[request.param], *TYPED, f"run={tmp_path_factory.mktemp('baseline')}/run", "train.steps=4"]
    return train(compose(TrainSettings, typed), typed).run


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Path:
    """The weights of a VAE, for what is the same for every baseline."""
    typed = [*BASELINES["vae"], *TYPED, f"run={tmp_path_factory.mktemp('generator')}/run", "train.steps=1"]
    return train(compose(TrainSettings, typed), typed).run.weights


def test_a_stopped_run_continues_bit_for_bit(trained, in_tmp):
    typed = [o for o in trained.read_config()["overrides"] if not o.startswith(("run=", "train.steps="))]
    run_program("train.py", *typed, "train.steps=2", "run=parts")
    run_program("train.py", "run=parts", "train.steps=4")
    whole, parts = (load_state(run.state) for run in (trained, Run(in_tmp / "parts")))
    assert whole["step"] == 4
    assert all(equal(whole[key], parts[key]) for key in ("model", "ema", "optimizer"))


def test_every_term_has_a_curve(trained):
    events = EventAccumulator(str(trained.path))
    events.Reload()
    name = trained.read_config()["model"]["name"]
    assert set(events.Tags()["scalars"]) == ALWAYS | CURVES[name]
    assert [event.step for event in events.Scalars("loss/held_out")] == [2, 4]
    assert set(events.Tags()["images"]) == {"samples_raw/w_1", "samples_ema/w_1"}


def test_the_weights_sample_for_requests_and_without(trained, in_tmp, capsys):
    run_program("sample.py", f"checkpoint={trained.weights}", "attrs=top hat,shades", "n=2", "out=asked")
    run_program("sample.py", f"checkpoint={trained.weights}", "w=0", "n=2", "out=unasked")
    printed = capsys.readouterr().out
    assert "w = 1: NFE 1 per picture" in printed and "w = 0: NFE 1 per picture" in printed
    run_program("sample.py", f"from_image={sorted(Path('asked').glob('seed-*.png'))[1]}")
    assert "identical" in capsys.readouterr().out


def test_a_picture_depends_on_its_seed_and_label_and_on_nothing_else(trained):
    pipe = Pipeline.load(trained.weights, "cpu")
    schema = pipe.schema
    labels = torch.stack([schema.encode(request) for request in ("top hat", "shades", "any")])
    together = pipe(labels, [4, 5, 6], complete=False)
    assert torch.equal(pipe(labels[1:2], [5], complete=False), together[1:2])
    assert not torch.equal(pipe(labels[1:2], [4], complete=False), together[1:2])
    assert torch.equal(pipe(labels[:1], [4], w=0), pipe(labels[2:], [4], w=0))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("w=5", ["w=5", "no guidance", "w=1"]),
        ("steps=20", ["steps=20", "one evaluation"]),
        ("sampler=heun", ["sampler=heun", "one evaluation"]),
        ("guidance=rescale", ["guidance=rescale", "one evaluation"]),
        ("refine=2", ["refine=2", "one evaluation"]),
        ("negative=top hat", ["negative", "guidance"]),
        ("attrs=top hat | shades", ["several conditions", "guidance"]),
        ("attrs=top hat:2", ["weights of names", "guidance"]),
        (f"init={ROOT}/docs/images/punk.png", ["init", "cannot start from a picture"]),
    ],
)
def test_what_only_diffusion_has_is_refused_by_sample(generator, in_tmp, typed, expected):
    settings = compose(SampleSettings, [f"checkpoint={generator}", typed])
    with pytest.raises(ValueError) as error:
        prepare(settings)
    assert all(part in str(error.value) for part in [*expected, "model=vae"]), error.value


def test_an_export_is_refused(generator, in_tmp, capsys):
    """Its page would guide, which a baseline cannot; both forms say so before anything is fetched or written."""
    for form in ("html", "onnx"):
        with pytest.raises(SystemExit):
            run_program("scripts/export.py", f"checkpoint={generator}", f"format={form}")
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "model=vae cannot be exported; take weights of a diffusion model" in line
    assert list(in_tmp.iterdir()) == []


def test_the_dashboard_begins_with_what_a_baseline_takes(generator):
    info = read_info(generator)
    for dataset in ("pixelfaces", "mnist"):
        assert usual_w(replace(info, dataset=dataset)) == 1.0


def test_autoguidance_is_refused_by_and_with_a_baseline(generator, in_tmp, weights):
    with pytest.raises(ValueError, match="guide: is for guidance, which model=vae has not"):
        prepare(compose(SampleSettings, [f"checkpoint={generator}", f"guide={generator}"]))
    for one, other in ((generator, weights), (weights, generator)):
        with pytest.raises(ValueError, match="guide: trained with another prediction"):
            prepare(compose(SampleSettings, [f"checkpoint={one}", f"guide={other}"]))


@pytest.mark.parametrize(
    "typed",
    [
        "diffusion.T=500", "diffusion=cosine", "diffusion.prediction=v", "sampler=heun", "train.preview.w=5",
        "train.preview.steps=5", "train.loss_buckets=2", "train.patience=5", "precision=bf16", "compile=true",
        "channels_last=true",
    ],
)  # fmt: skip
def test_what_only_diffusion_has_is_refused_by_train(typed):
    with pytest.raises(ValueError, match=r"^\S+: model=wgan_gp .*; leave it out$") as error:
        compose(TrainSettings, ["model=wgan_gp", typed])
    assert str(error.value).startswith(typed.partition("=")[0]), error.value


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["model=vae", "model.latent=5000"], ["model.latent=5000", "1728"]),
        (["model=vae", "dataset=mnist", "model.likelihood=palette"], ["palette"]),
        (["model=wgan_gp", "model.critic_steps=0"], ["model.critic_steps=0", "from 1"]),
    ],
)
def test_sizes_that_do_not_fit_are_refused(in_tmp, real_data, capsys, typed, expected):
    line = refused(capsys, in_tmp, "train.py", f"data_root={real_data}", *typed)
    assert all(part in line for part in expected), line


def test_several_processes_are_refused():
    settings = compose(TrainSettings, [*TYPED, "model=vae"])
    with pytest.raises(ValueError, match=r"model=vae: trains in one process; start it without torchrun"):
        Trainer(settings, settings.dataset.load(""), Processes(0, 2, torch.device("cpu")))


@pytest.mark.parametrize(("model", "lr", "betas"), [("unet", 1e-3, [0.9, 0.99]), ("wgan_gp", 5e-4, [0.0, 0.9])])
def test_what_the_optimiser_leaves_open_follows_from_the_model(model, lr, betas):
    optim = compose(TrainSettings, [f"model={model}"]).optimizer
    assert (optim.lr, optim.betas) == (lr, betas)
    optim = compose(TrainSettings, [f"model={model}", "optim.lr=0.5"]).optimizer
    assert (optim.lr, optim.betas) == (0.5, betas)


def test_an_evaluation_has_every_measure_but_edits(generator, in_tmp, monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 2)
    monkeypatch.setattr(classifier, "BATCH", 8)
    run_program(
        "evaluate.py", f"checkpoint={generator}", "out=result", "exact.n=4", "exact.tries=1", "adherence.n=1",
        "validity.n=2", "memorisation.n=4", "speed.repeats=1", "device=cpu",
        "measure=[exact,adherence,validity,memorisation,edits,speed]",
    )  # fmt: skip
    record = json.loads((in_tmp / "result/metrics.json").read_text())
    assert record["model"] == "vae" and record["w"] == 1 and record["nfe"] == 1 and "edits" not in record
    assert set(record["adherence"]["by_w"]) == {"0", "1"}
    assert {found["w"] for found in record["validity"]["sampled"]} == {1}
