"""Augmentation in training: what the network is told and when, and that nothing else changes by it."""

import pytest
import torch

from diffusion.gaussian import GaussianDiffusion
from inference.pipeline import Pipeline
from models.unet import UNet
from runtime.checkpoint import load_tensors, read_info, save_weights
from runtime.factory import Recipe
from tests.conftest import TINY
from training.loop import train

AUGMENTED = ("augment.flip=true", "augment.shift=2")


@pytest.fixture
def told(monkeypatch):
    """What networks are told in each evaluation: the vector, or None; by whether gradients are computed."""
    forward, vectors = UNet.forward, {True: [], False: []}

    def recorded(self, x_t, t, cond, extra=None):
        if x_t.device.type != "meta":  # on which memory is reckoned
            vectors[torch.is_grad_enabled()].append(extra)
        return forward(self, x_t, t, cond, extra)

    monkeypatch.setattr(UNet, "forward", recorded)
    return vectors


def inputs(trainer, step: int = 0):
    batch = trainer.data.batch(trainer.order.indices(step))
    return batch, trainer.inputs(batch, torch.Generator().manual_seed(step))


@pytest.mark.parametrize("more", [(), ("augment.conditioned=false",)], ids=["told", "leaking"])
def test_pictures_alone_change_and_labels_times_and_noise_stay(trainer, more):
    """So that trainings with and without differ by nothing else."""
    _, plain = inputs(trainer())
    batch, (x_0, *others) = inputs(trainer(*AUGMENTED, *more))
    assert all(torch.equal(one, other) for one, other in zip(plain[1:], others, strict=False))
    assert torch.equal(plain[0], batch.x_0) and not torch.equal(x_0, batch.x_0)
    assert len(others) == len(plain) - 1 + (not more)


def test_in_training_the_network_is_told_and_in_reports_it_is_not(train_tiny, in_tmp, told):
    """Held-out losses and sample grids are of pictures as they are."""
    train_tiny(*AUGMENTED, "train.steps=2", "train.validate_every=1", "train.preview_every=1", "run=a")
    assert len(told[True]) >= 2 and len(told[False]) > 2
    assert all(vector.shape == (8, 5) and vector.any() for vector in told[True])
    assert all(vector is None for vector in told[False])


def test_a_network_that_is_not_told_has_no_input_for_it(train_tiny, in_tmp, told):
    run = train_tiny(*AUGMENTED[1:], "augment.conditioned=false", "train.steps=1", "run=a")
    assert told[True] and all(vector is None for vector in told[True])
    assert not any("extra" in name for name in load_tensors(run.weights))
    assert read_info(run.weights).places is None  # samples are moved too, and so are their colours


def test_vectors_go_with_their_pictures_through_the_parts_of_a_batch(trainer, monkeypatch):
    seen = []

    def loss_at(self, denoiser, x_0, cond, t, eps):
        denoiser(x_0, t, cond)
        return (x_0.flatten(1)[:, 0] + sum(p.sum() for p in network.parameters())) * 0

    monkeypatch.setattr(GaussianDiffusion, "loss_at", loss_at)
    tiny = trainer(*AUGMENTED, "train.accumulate=3")
    network = tiny.model
    network.register_forward_pre_hook(lambda module, args: seen.append((args[0], args[3])))
    tiny.step(0, 100)
    tiny.settings = tiny.settings.replace(train=tiny.settings.train.replace(accumulate=1))
    tiny.step(0, 100)
    assert [len(x) for x, _ in seen] == [3, 3, 2, 8]
    for part, whole in zip(zip(*seen[:3], strict=True), seen[3], strict=True):
        assert torch.equal(torch.cat(part), whole)


@pytest.fixture
def weights(train_tiny, in_tmp):
    """Of a network that was told, and that reacts to it."""
    path = train_tiny(*AUGMENTED, "train.steps=5", "optim.warmup=0", "optim.lr=0.01", "run=a").weights
    assert load_tensors(path)["extra.weight"][:, :3].any()
    return path


def test_samples_do_not_depend_on_what_was_learned_of_augmentation(weights, told):
    """Nothing was done to a sample, so zero is what the network would be told, and zero is what that adds."""
    before = Pipeline.load(weights, "cpu")("crown", range(2), w=2.0, steps=2)
    tensors = load_tensors(weights)
    tensors["extra.weight"] = torch.randn(tensors["extra.weight"].shape)
    save_weights(weights, tensors, read_info(weights))
    assert torch.equal(Pipeline.load(weights, "cpu")("crown", range(2), w=2.0, steps=2), before)
    assert told[False] and all(vector is None for vector in told[False])


def test_the_weights_record_how_pictures_were_augmented(weights):
    augment = Recipe.of(read_info(weights).config).augment
    assert (augment.flip, augment.shift, augment.hue, augment.conditioned) == (True, 2, 0.0, True)


def test_weights_from_before_there_was_augmentation_are_of_none(weights):
    config = {name: value for name, value in read_info(weights).config.items() if name != "augment"}
    assert Recipe.of(config).augment.dims == 0


def test_a_run_continues_with_no_other_augmentation(train_tiny, weights):
    with pytest.raises(ValueError, match=r"augment\.shift=1: this run started with 2"):
        train_tiny("augment.shift=1", "train.steps=6", "run=a")


def test_an_embedding_begins_anew_where_the_weights_have_none_and_is_left_out_where_it_is_not_needed(
    train_tiny, weights
):
    still = ("train.steps=1", "optim.lr=1e-12", "optim.warmup=0")
    plain = train_tiny(*still, f"init_from={weights}", "run=plain")
    assert "started from a/checkpoints/ema.safetensors: all layers\n" in (plain.path / "train.log").read_text()
    again = train_tiny(*still, f"init_from={plain.weights}", "augment.shift=1", "run=again")
    assert "all layers but extra (trained without)" in (again.path / "train.log").read_text()
    assert load_tensors(again.weights)["extra.weight"].abs().max() < 1e-6


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        (["dataset=mnist", "augment.flip=true"], r"^augment\.flip=true: mirrored, a picture of dataset=mnist"),
        (["augment.hue=20", "diffusion.prediction=palette"], r"^augment\.hue=20: makes colours .*prediction=v"),
        (["model=vae", "augment.shift=1"], r"^augment\.shift=1: model=vae cannot be told of it; leave it out"),
        (["augment.probability=1"], r"^augment\.probability=1: must be a number above 0 and below 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(compose, typed, refused):
    with pytest.raises(ValueError, match=refused):
        compose("train", typed)


def test_pictures_whose_labels_would_be_false_are_refused_before_anything_is_written(compose, in_tmp):
    typed = [*TINY, "augment.hue=20", "train.steps=1", "run=a"]  # of faces, whose skin may be Green
    with pytest.raises(ValueError, match=r"augment\.hue=20: the label 'Brown'"):
        train(compose("train", typed), typed)
    assert not (in_tmp / "a").exists()
