"""A training that begins with the weights of another."""

import contextlib
import re
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.vae import VAESettings
from baselines.wgan_gp import WGANGPSettings
from data.base import SPLIT_RULE
from data.palette import Palette
from runtime.checkpoint import load_state, load_tensors, previous, read_info, save_weights
from runtime.distributed import Processes
from runtime.factory import Recipe
from tests.data.folders import write
from training.init_from import inherited
from training.loop import train
from training.run import Run

STILL = ("train.steps=1", "optim.lr=1e-12", "optim.warmup=0")


@pytest.fixture(scope="module")
def earlier(train_tiny, tmp_path_factory) -> Path:
    with contextlib.chdir(tmp_path_factory.mktemp("earlier")):
        return train_tiny("train.steps=2", "seed=5", "run=first").weights.absolute()


@pytest.fixture
def first(earlier, in_tmp) -> Path:
    """A copy of the weights of an earlier training, in the working directory."""
    return Path(shutil.copy(earlier, "first.safetensors"))


def apart(one, other) -> float:
    """The largest difference between any weight of two files."""
    one, other = load_tensors(one), load_tensors(other)
    return max((one[name] - other[name]).abs().max().item() for name in one)


def test_it_begins_with_those_weights_and_goes_on_from_there(train_tiny, first):
    begun = train_tiny(*STILL, f"init_from={first}", "run=begun")
    assert apart(begun.weights, first) < 1e-6
    assert apart(train_tiny(*STILL, "run=fresh").weights, first) > 0.1
    on = train_tiny("train.steps=3", f"init_from={first}", "run=on")
    assert 1e-6 < apart(on.weights, first) < 0.1


def test_a_run_that_has_begun_needs_them_no_more(train_tiny, first):
    train_tiny("train.steps=1", f"init_from={first}", "run=on")
    first.unlink()
    run = train_tiny("train.steps=2", "run=on")
    run.state.rename(previous(run.state))  # as a kill leaves it between two renames
    assert load_state(train_tiny("train.steps=3", "run=on").state)["step"] == 3


def test_whether_a_run_begins_is_what_the_main_process_found(train_tiny, in_tmp, monkeypatch):
    """Another process that looked itself may find the run that the main one has just made, and take other settings."""
    other = train_tiny("train.steps=1", "diffusion.T=500", "run=other").weights
    on_main, asked = Processes.on_main, []

    def alone(self, work):
        asked.append(work)
        try:
            return on_main(self, work)
        finally:
            asked.pop()

    monkeypatch.setattr(Processes, "on_main", alone)
    monkeypatch.setattr(Run, "exists", property(lambda run: not asked or run.config.is_file()))
    assert train_tiny("train.steps=1", f"init_from={other}", "run=on").read_config()["diffusion"]["T"] == 500


def test_what_those_weights_have_seen_stays_seen(train_tiny, first, in_tmp):
    """Pictures of the test split that an earlier training saw, under another rule, are not unseen after this one."""
    assert read_info(first).splits == SPLIT_RULE
    older = replace(read_info(first), splits="id % 20: 7 validation, 13 test")
    save_weights(in_tmp / "older", load_tensors(first), older)
    on = train_tiny("train.steps=1", "init_from=older", "run=on")
    assert read_info(on.weights).splits == older.splits
    on = train_tiny("train.steps=2", "run=on")  # continued
    assert read_info(on.weights).splits == older.splits


@pytest.mark.parametrize(
    ("other", "what"),
    [("model.channels=16", "network"), ("diffusion.T=500", "noise schedule")],
)
def test_weights_that_mean_something_else_are_refused_and_nothing_is_written(train_tiny, first, in_tmp, other, what):
    with pytest.raises(ValueError, match=f"init_from=.*other {what}; choose"):
        train_tiny("train.steps=1", f"init_from={first}", other, "run=no")
    assert not (in_tmp / "no").exists()


def test_weights_that_do_not_fit_their_own_description_are_refused(train_tiny, first, in_tmp):
    tensors = load_tensors(first)
    tensors.pop(next(iter(tensors)))
    save_weights(in_tmp / "damaged", tensors, read_info(first))
    with pytest.raises(ValueError, match=r"init_from=damaged: its weights do not fit"):
        train_tiny("train.steps=1", "init_from=damaged", "run=no")


OTHERS = {  # what differs from weights of faces, and the modules that begin anew
    "other labels": (["dataset=folder", "dataset.path=own"], {"attributes", "map"}),
    "no labels": (["cfg=off"], {"stem"}),
    "another prediction": (["diffusion.prediction=v"], {"head"}),
    "colours": (["diffusion.prediction=palette"], {"head"}),
    "size": (["dataset=folder", "dataset.path=small"], {"attributes", "map"}),
    "channels": (["dataset=folder", "dataset.path=clear"], {"attributes", "map", "stem", "head"}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_of_weights_for_other_data_the_layers_that_fit_are_taken(train_tiny, first, in_tmp, what):
    settings, anew = OTHERS[what]
    for name, side, channels in (("own", 24, 3), ("small", 11, 3), ("clear", 24, 4)):
        pixels = np.random.default_rng(0).integers(0, 256, (40, side, side, channels), dtype=np.uint8)
        for i, values in enumerate(pixels):
            write(in_tmp / name / "ab"[i % 2], {f"{i}.png": values})
    run, fresh = (train_tiny(*STILL, *settings, *more) for more in ([f"init_from={first}", "run=on"], ["run=fresh"]))
    old, new, random = (load_tensors(path) for path in (first, run.weights, fresh.weights))
    taken = {n for n in new if n in old and old[n].shape == new[n].shape and (old[n] - new[n]).abs().max() < 1e-6}
    parts = {name.partition(".")[0] for name in new.keys() - taken}
    assert anew - {"map"} <= parts <= anew
    assert all((new[name] - random[name]).abs().max() < 1e-6 for name in new.keys() - taken)
    assert "attributes.mlp.0.weight" in taken or "cfg=off" in settings
    said = (run.path / "train.log").read_text()
    assert all(f"{part} (" in said for part in anew - {"map"}) and "which begin anew" in said


def test_the_network_and_noise_are_those_of_the_weights_unless_others_are_typed(compose, train_tiny, first):
    """A folder of pictures is trained on from pretrained weights without their settings being typed again."""
    typed = ["dataset.count=60", f"init_from={first}"]
    found = inherited(compose("train", typed), typed, palette=None)
    assert found.model == Recipe.of(read_info(first).config).model != compose("train", typed).model
    leaves = [*typed, "model.channels=64", "diffusion.time_power=2"]
    part = inherited(compose("train", leaves), leaves, None)
    assert part.model == found.model.replace(channels=64) and part.diffusion.time_power == 2
    whole = [*typed, "model=unet", "model.channels=64"]
    assert inherited(compose("train", whole), whole, None).model == compose("train", whole).model
    logits = replace(read_info(first), config=deepcopy(read_info(first).config))
    logits.config["diffusion"] |= {"prediction": "palette", "T": 500}
    save_weights(first.parent / "logits", load_tensors(first), logits)
    typed = [f"init_from={first.parent / 'logits'}"]
    colours = Palette(torch.zeros(2, 3, dtype=torch.uint8))
    for palette, prediction in ((colours, "palette"), (None, "eps")):
        found = inherited(compose("train", typed), typed, palette).diffusion
        assert (found.T, found.prediction) == (500, prediction)
    typed += ["diffusion.time_power=2", "diffusion.prediction=v"]
    found = inherited(compose("train", typed), typed, colours).diffusion
    assert (found.T, found.prediction, found.time_power) == (500, "v", 2)


def test_a_typed_setting_that_the_network_of_the_weights_has_not_is_refused(compose, train_tiny, in_tmp):
    typed = ["dataset.count=60", "model=dit", "model.width=8", "model.depth=1", "model.heads=1", "train.steps=1"]
    run = train(compose("train", [*typed, "device=cpu", "train.validate_every=0", "train.preview_every=0"]), typed).run
    typed = [f"init_from={run.weights}", "model.blocks=3"]
    with pytest.raises(ValueError, match=r"model\.blocks: no such setting of dit"):
        inherited(compose("train", typed), typed, None)


@pytest.mark.parametrize("other", ["diffusion.T=500", "diffusion=cosine"])
def test_weights_of_another_noise_schedule_are_refused(train_tiny, first, in_tmp, other):
    """At the same t they expect another amount of noise, and the loss would not say so."""
    with pytest.raises(ValueError, match=r"init_from=.*other noise schedule; choose"):
        train_tiny("train.steps=1", f"init_from={first}", other, "run=no")
    assert not (in_tmp / "no").exists()


@pytest.mark.parametrize("other", ["model.dropout=0.3", "diffusion.time_power=2", "cfg.drop_prob=0.3", "optim=muon"])
def test_how_they_are_trained_may_differ(train_tiny, first, other):
    """None of it has weights of its own, or changes what they mean."""
    train_tiny(*STILL, f"init_from={first}", other, "run=on")


BEGIN_ANEW = {  # of each baseline, for pictures of another size, with other channels and labels
    "vae": ["attributes", "decoder.attributes", "decoder.head", "decoder.stem", "features.stem"],
    "wgan_gp": [
        "critic.attributes", "critic.features.stem", "critic.head",
        "generator.attributes", "generator.head", "generator.stem",
    ],
}  # fmt: skip


@pytest.mark.parametrize("model", BEGIN_ANEW)
def test_a_baseline_starts_from_another_as_any_network_does(compose, in_tmp, model):
    """With its own optimiser, though nothing but the weights says which model it is."""
    small = ["train.steps=1", "train.batch_size=8", "train.validate_every=0", "train.preview_every=0", "device=cpu"]
    typed = [f"model={model}", "model.channels=8", "model.latent=8", "dataset.count=120", *small, "run=first"]
    first = train(compose("train", typed), typed).run
    pixels = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 4), dtype=np.uint8)
    for i, values in enumerate(pixels):
        write(in_tmp / "own" / "ab"[i % 2], {f"{i}.png": values})
    typed = ["dataset=folder", "dataset.path=own", *small, f"init_from={first.weights}", "run=on"]
    run = train(compose("train", typed), typed).run
    found, before = run.read_config(), first.read_config()
    assert (found["model"], found["optim"]) == (before["model"], before["optim"])
    said = (run.path / "train.log").read_text().split("started from")[1]
    assert re.findall(r"([\w.]+) \((?:other|pictures)", said) == BEGIN_ANEW[model]


def test_what_has_no_weights_may_differ_in_a_baseline_too():
    assert VAESettings(beta=2.0).network == VAESettings().network != VAESettings(latent=8).network
    assert WGANGPSettings(critic_steps=1, penalty=1.0).network == WGANGPSettings().network


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_a_file_that_holds_no_weights_is_refused_by_the_name_of_the_setting(train_tiny, in_tmp, content):
    if content is not None:
        (in_tmp / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"init_from=file: (no such file|damaged)"):
        train_tiny("train.steps=1", "init_from=file", "run=no")
