"""What is chosen on a page, what is sampled, and the command shown to copy are the same."""

import io
import pickle
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from dashboard import sampling, view
from dashboard.overrides import command, overrides_of, refuse
from data import pixelfaces
from data.images import read_png, read_settings
from inference.animation import denoising
from inference.pipeline import Pipeline
from inference.settings import SampleSettings
from tests.programs import run_program
from training.settings import TrainSettings


def overrides(weights, **choices):
    return overrides_of({"checkpoint": weights.as_posix(), **choices})


def generated(chosen, show=lambda share, images, nfe: None):
    return sampling.begin(chosen, Pipeline.load)(show)


def test_the_command_samples_what_the_page_samples(in_tmp, weights):
    chosen = overrides(weights, attrs="crown", w=2.5, steps=3, seed=4, n=2, negative=None, scale=2)
    generation = generated(chosen)
    run_program("sample.py", *shlex.split(command("sample", chosen))[2:], "out=out")
    for image, seed in zip(generation.images, (4, 5), strict=True):
        assert torch.equal(view.enlarge(image, 2), read_png(in_tmp / f"out/seed-{seed:06d}.png"))
    assert generation.command == command("sample", chosen) and generation.request == "Crown"


def test_a_download_carries_what_reproduces_it(in_tmp, weights, capsys):
    generation = generated(overrides(weights, attrs="crown", steps=2, seed=7, n=2, scale=3))
    with zipfile.ZipFile(io.BytesIO(generation.archive())) as archive:
        assert archive.namelist() == ["seed-000007.png", "seed-000008.png"]
        archive.extractall(in_tmp)
    stored = read_settings(in_tmp / "seed-000008.png")
    assert (stored["request"], stored["steps"], stored["seed"]) == ("Crown", 2, 8)
    run_program("sample.py", f"from_image={in_tmp}/seed-000008.png", "out=out")
    assert "identical to the original" in capsys.readouterr().out


def test_what_a_visit_remembers_holds_no_network(in_tmp, weights):
    """A history of forty generations once kept forty pipelines, also of weights that had left the cache."""
    generation = generated(overrides(weights, steps=2, n=1))
    assert len(pickle.dumps(generation)) < 20_000 < weights.stat().st_size


def test_progress_ends_at_one_and_shows_pictures_on_the_way(in_tmp, weights):
    seen = []
    chosen = overrides(weights, steps=6, n=3, batch_size=2, refine=0)
    generated(chosen, lambda *args: seen.append(args))
    shares = [share for share, _, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 12
    shown = [images for _, images, _ in seen if images is not None]
    assert [tuple(images.shape) for images in shown] == [(2, 3, 24, 24)] * 2 + [(1, 3, 24, 24)] * 2
    assert {nfe for _, _, nfe in seen} == {12}  # what the label prior decides is guided like what is asked for


class Reader:
    """A classifier for which a picture shows every value with the probability that its column says."""

    def probabilities(self, images):
        return torch.linspace(0, 1, sum(pixelfaces.SCHEMA.cardinalities)).expand(len(images), -1)


def test_what_was_asked_for_stands_beside_how_likely_it_is_there(in_tmp, weights):
    job, _ = sampling.prepared(overrides(weights, attrs="crown | shades * -1", n=2), Pipeline.load)
    images = torch.zeros(2, 3, 24, 24, dtype=torch.uint8)
    job.pipe.__dict__["classifier"] = None
    assert sampling.attributes(job, images) is None
    job.pipe.__dict__["classifier"] = Reader()
    first, _ = sampling.attributes(job, images)
    assert [name for name, _ in first] == ["Crown", "-Shades"]
    values = sampling.value_names(pixelfaces.SCHEMA)
    likely = Reader().probabilities(images)[0]
    assert first[0][1] == pytest.approx(likely[values.index("Crown")].item())
    assert first[1][1] == pytest.approx(1 - likely[values.index("Shades")].item())  # a weight below 0 wants it absent


def test_an_animation_is_sampled_once_and_refused_where_the_weights_have_changed(in_tmp, weights, monkeypatch):
    shutil.copy(weights, "mine.safetensors")
    generation = generated(overrides(Path("mine.safetensors"), steps=2, n=1))
    content, calls = sampling.animation(generation, 0, Pipeline.load), []
    monkeypatch.setattr(sampling, "denoising", lambda *args: calls.append(args) or denoising(*args))
    assert sampling.animation(generation, 0, Pipeline.load) is content and content[:3] == b"GIF" and not calls
    generation.animations.clear()
    generation.record["checkpoint"] = "others"
    with pytest.raises(ValueError, match=r"mine\.safetensors: trained further since"):
        sampling.animation(generation, 0, Pipeline.load)


@pytest.mark.parametrize("typed", ["attrs=${oc.env:HOME}", "sampler=../../x", "guidance=/etc/x", "+sampler=../x"])
def test_other_files_and_the_environment_are_refused(typed):
    with pytest.raises(ValueError, match=r"unknown; choose one of|leave it out"):
        refuse([typed], SampleSettings)


def test_options_of_groups_are_not_refused():
    refuse(["sampler=ddim", "guidance=cfg", "w=3"], SampleSettings)
    refuse(["diffusion=cosine", "cfg=off", "model=dit"], TrainSettings)


def test_the_nearest_training_picture_and_how_far_it_is():
    training = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8)
    image = training[3].clone()
    assert sampling.nearest_training_picture(image, training)[1] == 0
    image[:, 0, :2] += 1
    neighbour, pixels = sampling.nearest_training_picture(image, training)
    assert torch.equal(neighbour, training[3]) and pixels == 2
