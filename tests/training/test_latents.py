"""Latent diffusion: an autoencoder, a diffusion in its latents, and one file that has both."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from baselines.autoencoder import AutoencoderSettings
from data.images import to_float, to_uint8
from data.palette import Palette
from data.pixelfaces import SCHEMA, PixelFaces
from diagnosis.case import read
from diagnosis.settings import DoctorSettings
from inference.export.write import ExportRefused, network_of
from inference.pipeline import Pipeline
from runtime.checkpoint import CheckpointError, load_state, load_tensors, read_info, save_weights
from runtime.distributed import CPU, Processes
from runtime.latents import PREFIX, LatentSpace
from scripts.studies import record
from tests.conftest import TINY
from tests.programs import run_program
from tests.training.test_resume import equal
from training.init_from import begin
from training.loop import train
from training.previews import Previews
from training.run import Run
from training.settings import TrainSettings
from training.trainer import Trainer

ENCODER = [
    "dataset=pixelfaces", "dataset.count=120", "model=autoencoder", "model.channels=16", "model.likelihood=palette",
    "train.batch_size=16", "optim=muon", "optim.lr=2e-2", "optim.warmup=0", "train.validate_every=0",
    "train.preview_every=0", "train.preview.columns=3", "train.ema_decay=0.9", "device=cpu", "run=encoder",
]  # fmt: skip
LATENT = ("autoencoder=encoder/checkpoints/ema.safetensors", "diffusion.prediction=v", "model.patch=1")
CROWN = SCHEMA.encode("crown").expand(3, -1)


@pytest.fixture(scope="module")
def place(compose, train_tiny, tmp_path_factory) -> Path:
    """A folder with the runs `encoder`, trained until it is of use, and `latent`, of some steps in its latents."""
    with contextlib.chdir(tmp_path_factory.mktemp("latents")):
        typed = [*ENCODER, "train.steps=60", "train.preview_every=60"]
        train(compose("train", typed), typed)
        train_tiny(*LATENT, "train.steps=4", "train.preview_every=4", "run=latent")
        return Path.cwd()


@pytest.fixture
def there(place, monkeypatch) -> Path:
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=120).load()


@pytest.fixture
def space(there, splits) -> LatentSpace:
    return LatentSpace.load(Path("encoder/checkpoints/ema.safetensors"), splits.train)


@pytest.fixture(scope="module")
def pipe(place) -> Pipeline:
    return Pipeline.load(place / "latent/checkpoints/ema.safetensors", "cpu")


def test_latents_are_a_quarter_as_high_and_wide_and_give_the_pictures_back(space, splits):
    """Of held-out faces, most pixels in their very colour, after 60 steps; the latents of another face, few."""
    held_out = splits.validation.images
    latents = space.encode(held_out)
    assert latents.shape == (len(held_out), 4, 6, 6) and latents.dtype == torch.uint8 and latents.unique().numel() > 50

    def right(latents):
        back = to_uint8(space.decode(to_float(latents)))
        return (back == held_out).all(dim=1).double().mean().item()

    assert right(latents) > 0.7 > 0.3 > right(latents.roll(1, dims=0))


def test_a_decoder_forgives_the_noise_that_it_was_trained_with(space, splits):
    latents = to_float(space.encode(splits.validation.images))
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    exact = to_uint8(space.decode(latents))
    changed = [(to_uint8(space.decode(latents + std * noise)) != exact).double().mean() for std in (0.05, 0.8)]
    assert changed[0] < 0.1 < changed[1]


def test_many_pictures_at_once_are_those_one_by_one(space, splits):
    pictures = splits.train.images[:70]  # more than a part
    latents = space.encode(pictures)
    alone = torch.cat([space.encode(picture[None]) for picture in pictures])
    assert (latents.int() - alone.int()).abs().max() <= 1  # rounding
    assert space.decode(to_float(latents)).shape == pictures.shape
    assert space.encode(pictures[:0]).shape == (0, 4, 6, 6)


def test_a_diffusion_learns_the_latents_of_its_data_and_no_pixels(there, train_tiny, monkeypatch, space, splits):
    """What it noises, in training and for the held-out loss, are the encoded pictures, in their order."""
    from diffusion.objective import Denoising

    seen, losses = [], Denoising.losses

    def spied(self, update, network, x_0, cond, *draws):
        seen.append(x_0)
        return losses(self, update, network, x_0, cond, *draws)

    monkeypatch.setattr(Denoising, "losses", spied)
    train_tiny(*LATENT, "train.steps=1", "train.validate_every=1", "train.validation_images=5", "run=spied")
    trained, held_out = seen[-2], seen[-1]
    assert torch.equal(held_out, to_float(space.encode(splits.validation.images[:5])))
    known = to_float(space.encode(splits.train.images)).flatten(1)
    assert all((known == row).all(dim=1).any() for row in trained.flatten(1))


def test_one_file_has_all_that_sampling_needs(place, pipe, tmp_path, monkeypatch):
    """Far away from the autoencoder's file, whose pictures and colours its own are."""
    alone = tmp_path / "alone.safetensors"
    shutil.copy(place / "latent/checkpoints/ema.safetensors", alone)
    monkeypatch.chdir(tmp_path)
    images = Pipeline.load(alone, "cpu")(CROWN, range(3), w=2.0, steps=3)
    assert images.shape == (3, 3, 24, 24) and torch.equal(images, pipe(CROWN, range(3), w=2.0, steps=3))
    colours = pipe.palette.colours.tolist()
    assert all(pixel in colours for pixel in images.permute(0, 2, 3, 1).reshape(-1, 3).unique(dim=0).tolist())
    encoder = load_tensors(place / "encoder/checkpoints/ema.safetensors")
    stored = load_tensors(alone)
    assert all(torch.equal(stored[PREFIX + name], tensor) for name, tensor in encoder.items())


def test_pictures_are_the_decoded_latents_that_the_network_denoises(pipe):
    """A network that sees the latents of a picture in any noise gives that picture, whatever the seed."""
    face = PixelFaces(count=120).load().validation.images[:1]
    latents = to_float(pipe.space.encode(face))

    def knowing(x_t, t, cond):
        return pipe.diffusion.target(
            latents.expand(len(x_t), -1, -1, -1), t, pipe.diffusion.with_x_0(latents, x_t, t).eps
        )

    images = replace(pipe, denoiser=knowing)(None, [0, 1], w=1.0, steps=4)
    expected = pipe.palette.quantise(to_uint8(pipe.space.decode(latents)))
    assert torch.equal(images, expected.expand(2, -1, -1, -1))


def test_pictures_do_not_depend_on_the_batch(pipe):
    together = pipe(CROWN, range(3), w=2.0, steps=2)
    assert torch.equal(together, pipe(CROWN, range(3), w=2.0, steps=2, batch_size=1))


@pytest.mark.parametrize("run", ["encoder", "latent"])
def test_a_stopped_run_continues_bit_for_bit(place, there, train_tiny, compose, run):
    more = [o for o in ENCODER if not o.startswith("run=")]
    for steps in (1, 2):
        if run == "latent":
            train_tiny(*LATENT, f"train.steps={steps}", "run=parts-latent")
        else:
            typed = [*more, f"train.steps={steps}", "run=parts-encoder"]
            train(compose("train", typed), typed)
    if run == "latent":
        whole = train_tiny(*LATENT, "train.steps=2", "run=whole-latent")
    else:
        typed = [*more, "train.steps=2", "run=whole-encoder"]
        whole = train(compose("train", typed), typed).run
    one, other = load_state(whole.state), load_state(Path(f"parts-{run}/checkpoints/state.pt"))
    assert all(equal(one[key], other[key]) for key in ("model", "ema", "optimizer"))


def test_another_autoencoder_in_the_same_file_is_noticed(there, train_tiny, compose, tmp_path):
    shutil.copytree("encoder", tmp_path / "encoder")
    with contextlib.chdir(tmp_path):
        train_tiny(*LATENT, "train.steps=1", "run=latent")
        typed = [*ENCODER, "seed=1", "train.steps=1", "run=other"]
        other = train(compose("train", typed), typed).run.weights
        shutil.copy(other, "encoder/checkpoints/ema.safetensors")
        with pytest.raises(ValueError, match=r"autoencoder=encoder/.*: other weights than this run began with"):
            train_tiny(*LATENT, "train.steps=2", "run=latent")


def test_a_run_goes_on_where_its_autoencoder_has_moved(there, train_tiny):
    train_tiny(*LATENT, "train.steps=1", "run=moving")
    shutil.copytree("encoder", "elsewhere")
    moved = "autoencoder=elsewhere/checkpoints/ema.safetensors"
    run = train_tiny(*LATENT[1:], moved, "train.steps=2", "run=moving")
    assert load_state(run.state)["step"] == 2
    with pytest.raises(ValueError, match="continuing cannot change that"):
        train_tiny(*LATENT[1:], "autoencoder=null", "train.steps=3", "run=moving")


def test_what_the_autoencoder_has_seen_counts_as_seen(there, space, splits, compose):
    """Or pictures of a test split under another rule would be measured as if unseen."""
    other = replace(space, info={**space.info, "splits": "another rule"})
    trainer = Trainer(compose("train", [*TINY, *LATENT]), other.encoded(splits), Processes(0, 1, CPU), other)
    assert trainer.splits == "another rule"


def test_the_cost_of_a_diffusion_in_latents_is_without_that_of_its_autoencoder(there, compose, splits, space):
    settings = compose("train", [*TINY, *LATENT])
    trainer = Trainer(settings, space.encoded(splits), Processes(0, 1, CPU), space)
    own = sum(parameter.numel() for parameter in trainer.model.parameters())
    assert record.cost(Run("latent"), settings)["parameters"] == own


def test_grids_need_no_gradients_and_without_held_out_pictures_there_are_none(there, compose, splits, monkeypatch):
    trainer = Trainer(compose("train", ENCODER), splits, Processes(0, 1, CPU))
    assert Previews(trainer, splits.validation.select(torch.arange(0))).options == {}
    previews, forward, graphs = Previews(trainer, splits.validation), type(trainer.model).forward, []
    monkeypatch.setattr(
        type(trainer.model), "forward", lambda *args: (graphs.append(torch.is_grad_enabled()), forward(*args))[1]
    )
    pictures = previews.sample(trainer.model, 1.0)
    assert graphs and not any(graphs)
    columns = previews.columns
    held_out = splits.validation.images[:columns]
    assert torch.equal(pictures[:columns], held_out)
    assert not torch.equal(pictures[columns : 2 * columns], held_out)  # untrained


def test_grids_show_pictures_and_what_became_of_them(place):
    from PIL import Image

    grids = {
        path.name: Image.open(path) for run in ("encoder", "latent") for path in (place / run / "samples").iterdir()
    }
    assert set(grids) >= {"step-00000060-ema-w1.png", "step-00000004-ema-w3.png"}
    width = 2 * (3 * 24 + 2 * 2)
    assert grids["step-00000060-ema-w1.png"].width in range(width - 8, width + 9)  # three columns
    assert Image.open(place / "latent/samples/step-00000004-ema-w3.png").mode == "RGB"


def test_the_doctor_reads_both_averages(place, there):
    case = read(DoctorSettings(run="latent", device="cpu"))
    noise = torch.zeros(1, 4, 6, 6)
    averaged, raw = (
        pipe.denoiser(noise, torch.ones(1, dtype=torch.int64), CROWN[:1])
        for pipe in (case.weights.averaged, case.weights.raw)
    )
    assert averaged.shape == raw.shape == noise.shape


def test_weights_say_what_they_work_in(place):
    info = read_info(place / "latent/checkpoints/ema.safetensors")
    assert info.image_shape == [3, 24, 24] and info.latents["config"]["model"]["name"] == "autoencoder"
    assert read_info(place / "encoder/checkpoints/ema.safetensors").latents is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"distill": {"name": "guided"}, "init_from": "b"}, "distill=guided"),
        ({"upsample": 2}, "upsample=2"),
        ({"augment": {"shift": 1}}, "augment"),
        ({"diffusion": {"prediction": "palette"}}, "diffusion.prediction=palette"),
        ({"model": {"name": "vae"}}, "model=vae"),
    ],
)
def test_what_does_not_go_together_is_refused(other, said):
    with pytest.raises(ValueError, match=rf"autoencoder=a: not together with {said}; leave one of them out"):
        TrainSettings.parse({"autoencoder": "a", **other})


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["autoencoder=latent/checkpoints/ema.safetensors"], "weights of model=unet; train an autoencoder with"),
        (["autoencoder=nowhere.safetensors"], "autoencoder=nowhere.safetensors: no such file"),
        ([LATENT[0], "dataset=bigfaces", "dataset.count=20"], "of (3, 24, 24), and these are of (3, 96, 96)"),
    ],
)
def test_weights_that_are_no_autoencoder_of_these_pictures_are_refused(there, train_tiny, typed, said):
    with pytest.raises(ValueError) as refused:
        train_tiny(*LATENT[1:], *typed, "train.steps=1", "run=refused")
    assert said in str(refused.value) and not Path("refused").exists()


def test_an_autoencoder_of_other_colours_or_other_tensors_is_refused(there, splits, tmp_path):
    path = Path("encoder/checkpoints/ema.safetensors")
    with pytest.raises(CheckpointError, match=r"autoencoder=encoder/.*: decodes the colours of pixelfaces"):
        LatentSpace.load(path, replace(splits.train, palette=Palette.of_few(255 - splits.train.images, 64)))
    save_weights(tmp_path / "a.safetensors", {"stem.0": torch.zeros(1)}, read_info(path))
    with pytest.raises(CheckpointError, match=r"autoencoder=.*: its weights do not fit the network") as refused:
        LatentSpace.load(tmp_path / "a.safetensors", splits.train)
    assert "\n" not in str(refused.value)


def test_of_another_autoencoder_all_is_taken_but_what_says_colours(there, compose, splits):
    """Equally many of other colours would fit, and mean something else."""
    other = Palette.of_few(255 - splits.train.images, 64)
    recoloured = replace(splits, train=replace(splits.train, palette=other))
    trainer = Trainer(compose("train", ENCODER), recoloured, Processes(0, 1, CPU))
    words = begin(trainer, Path("encoder/checkpoints/ema.safetensors"))
    assert words.endswith("all layers but head (other colours), which begin anew")


def test_in_latents_a_prediction_of_colours_is_not_inherited(there, train_tiny):
    """Of weights that predict colours of pixels; it would be refused by a name that nobody typed."""
    train_tiny("diffusion.prediction=palette", "train.steps=1", "run=colours")
    start = "init_from=colours/checkpoints/ema.safetensors"
    with pytest.raises(CheckpointError, match="trained with other network"):  # patches of two pixels
        train_tiny(*LATENT, start, "train.steps=1", "run=refused")
    run = train_tiny(LATENT[0], start, "train.steps=1", "run=further")
    assert read_info(run.weights).config["diffusion"]["prediction"] != "palette"


def test_an_autoencoder_is_not_measured(there, capsys):
    with contextlib.suppress(SystemExit):
        run_program("evaluate.py", f"checkpoint={there}/encoder/checkpoints/ema.safetensors", "out=measured")
    error = capsys.readouterr().err.strip()
    assert "an autoencoder, which generates nothing by itself" in error and "\n" not in error
    assert not Path("measured").exists()


def test_what_has_no_pixels_is_refused_where_pixels_are_needed(place, there, pipe):
    face = PixelFaces(count=120).load().validation.images[0]
    with pytest.raises(ValueError, match="init: latents, in which no pixel has a place"):
        pipe.edit(face)
    with pytest.raises(ExportRefused, match="a diffusion in latents"):
        network_of(pipe, Path("latent/checkpoints/ema.safetensors"))
    encoder = Pipeline.load("encoder/checkpoints/ema.safetensors", "cpu")
    with pytest.raises(ValueError, match="an autoencoder, which generates nothing by itself"):
        encoder(None, [0])


def test_an_autoencoder_has_no_label_dropout(compose):
    with pytest.raises(ValueError, match=r"cfg\.drop_prob=0\.3: model=autoencoder sees no labels; leave it out"):
        compose("train", ["model=autoencoder", "cfg.drop_prob=0.3"])
    assert not compose("train", ["model=autoencoder", "cfg=off"]).cfg.conditional


def test_an_autoencoder_needs_sides_that_can_be_halved_twice():
    with pytest.raises(ValueError, match=r"image size 26 x 24: .* multiple of 4"):
        AutoencoderSettings().build((3, 26, 24), ())
