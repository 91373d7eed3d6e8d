"""People's own folders, all the way: check, train, sample by name, evaluate; RGBA, of a size that needs a border."""

import contextlib
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import read_png
from inference.pipeline import Pipeline
from runtime.checkpoint import read_info
from tests.conftest import TINY
from tests.data.folders import transparent, write
from tests.programs import run_program

SLOW = pytest.mark.slow
SETTINGS = [setting for setting in TINY if not setting.startswith(("dataset.", "train.validate", "train.preview_"))]
COLOURS = ((255, 0, 0, 255), (0, 90, 255, 255), (250, 250, 10, 128))


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """Pictures of 11 x 9 pixels."""
    return transparent(tmp_path_factory.mktemp("folder") / "my_sprites", 11, 9)


@pytest.fixture(scope="module")
def run(sprites, tmp_path_factory):
    """A run of a few steps, by logits over the palette."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "my_sprites").symlink_to(sprites)
    more = ["train.steps=2", "train.preview_every=2", "train.validate_every=2", "diffusion.prediction=palette"]
    more += ["dataset.one_picture=true"]  # where several have one label
    with contextlib.chdir(folder):
        run_program("train.py", "dataset=folder", "dataset.path=my_sprites", *SETTINGS, *more, "name=a")
    return folder / "runs"


@pytest.fixture
def trained(run, sprites, in_tmp):
    """Its weights, in a working directory of their own."""
    (in_tmp / "my_sprites").symlink_to(sprites)
    shutil.copytree(run, in_tmp / "runs")
    (path,) = in_tmp.glob("runs/my_sprites/*-a/checkpoints/ema.safetensors")
    return path


def test_from_a_folder_to_transparent_pictures(trained, in_tmp, capsys):
    info = read_info(trained)
    assert (info.dataset, info.image_shape) == ("my_sprites", [4, 11, 9])
    assert sorted(map(tuple, info.palette)) == sorted(
        [(0, 0, 0, 0), (255, 0, 0, 255), (0, 90, 255, 255), (125, 125, 5, 128)]
    )
    assert info.config["dataset"]["preview"] == ["blue", "gold", "red", "right"]
    run_program("sample.py", "dataset=my_sprites", "attrs=rouge,-right", "n=3", "steps=2", "scale=2", "out=o")
    assert "my_sprites, step 2" in capsys.readouterr().out
    pipe, colours = Pipeline.load(trained, "cpu"), {tuple(colour) for colour in info.palette}
    for number in range(3):
        picture = Image.open(in_tmp / f"o/seed-{number:06d}.png")
        assert (picture.mode, picture.size) == ("RGBA", (18, 22))
        pixels = read_png(in_tmp / f"o/seed-{number:06d}.png")[:, ::2, ::2]
        assert {tuple(p) for p in pixels.flatten(1).T.tolist()} <= colours
        assert torch.equal(pixels, pipe("red,-right", [number], steps=2)[0])
    assert Image.open(in_tmp / "o/grid.png").mode == "RGB"
    again = ["sample.py", "from_image=o/seed-000001.png", "out=again"]
    run_program(*again)
    assert "identical to the original" in capsys.readouterr().out


def test_other_programs_find_the_weights_by_name(trained, in_tmp, capsys):
    run_program("scripts/compare.py", "dataset=my_sprites", "vary.w=[1,2]", "seeds=[0]", "steps=2", "out=c")
    run_program("scripts/animate.py", "dataset=my_sprites", "attrs=warm", "steps=2", "out=f")
    run_program("scripts/interpolate.py", "dataset=my_sprites", "steps=2", "frames=2", "out=i")
    assert (in_tmp / "c/contact.png").exists() and (in_tmp / "f/animation.gif").exists()
    with pytest.raises(SystemExit):
        run_program("sample.py", "dataset=my_sprite")
    ours = "bigfaces, cryptopunks, fashion_mnist, folder, mnist, pixelfaces"
    assert f"choose one of {ours}, my_sprites" in capsys.readouterr().err


@pytest.mark.parametrize("measures", ["exact", pytest.param("adherence,validity,memorisation,edits", marks=SLOW)])
def test_evaluation_reads_the_schema(trained, in_tmp, monkeypatch, measures):
    monkeypatch.setattr("evaluation.classifier.STEPS", 3)
    few = [f"{measure}.n={2 + (measure == 'memorisation')}" for measure in measures.split(",")]
    run_program("evaluate.py", "dataset=my_sprites", f"measure=[{measures}]", *few, "steps=2", "out=e", "device=cpu")
    figures = json.loads((in_tmp / "e/metrics.json").read_text())
    assert figures["dataset"] == "my_sprites" and (in_tmp / "e/report.md").exists()
    if measures == "exact":  # of complete labels alone, since others have no picture that follows
        assert figures["exact"]["images"] == 2


def test_what_was_trained_on_is_what_is_measured(trained, sprites, in_tmp, capsys):
    """Wherever it lies; with other labels, every figure would be of something else."""
    shutil.copytree(sprites, in_tmp / "moved/my_sprites")
    (in_tmp / "my_sprites").unlink()
    measured = (f"checkpoint={trained}", "measure=[exact]", "exact.n=1", "exact.tries=1", "steps=1", "device=cpu")
    moved = ("dataset=folder", "dataset.path=moved/my_sprites")
    run_program("evaluate.py", *measured, *moved, "out=e")
    table = in_tmp / "moved/my_sprites/metadata.csv"
    table.write_text(table.read_text().replace("gold", "amber"))
    (in_tmp / "moved/my_sprites/schema.yaml").unlink()
    for typed, said in (
        (moved, "the labels of my_sprites are others now"),
        ((*moved, "dataset.alpha=background"), "dataset.alpha=background: the weights were trained with keep"),
    ):
        with pytest.raises(SystemExit):
            run_program("evaluate.py", *measured, *typed, "out=f")
        error = capsys.readouterr().err
        assert said in error and not (in_tmp / "f").exists()


def test_pictures_that_would_count_as_held_out_are_noticed(trained, sprites, in_tmp, capsys):
    (in_tmp / "my_sprites").unlink()
    shutil.copytree(sprites, in_tmp / "my_sprites")
    (in_tmp / "my_sprites/00.png").rename(in_tmp / "my_sprites/renamed.png")
    table = in_tmp / "my_sprites/metadata.csv"
    table.write_text(table.read_text().replace("00.png", "renamed.png"))
    with pytest.raises(SystemExit):
        run_program("evaluate.py", f"checkpoint={trained}", "measure=[exact]", "device=cpu", "out=e")
    assert "other pictures or labels than the weights were trained on" in capsys.readouterr().err


def test_a_picture_to_start_from_is_transparent_too(trained, in_tmp):
    run_program("sample.py", "dataset=my_sprites", "init=my_sprites/00.png", "strength=0", "n=1", "out=s", "scale=1")
    kept, original = read_png(in_tmp / "s/seed-000000.png"), read_png(in_tmp / "my_sprites/00.png")
    assert torch.equal(kept, original)


def test_a_run_goes_on_when_the_folder_has_moved_but_not_when_it_has_changed(trained, in_tmp, sprites, capsys):
    run = trained.parent.parent
    (in_tmp / "elsewhere").mkdir()
    (in_tmp / "my_sprites").rename(in_tmp / "elsewhere/my_sprites")
    run_program("train.py", f"run={run}", "dataset=folder", "dataset.path=elsewhere/my_sprites", "train.steps=3")
    assert read_info(trained).step == 3
    (in_tmp / "elsewhere/my_sprites").unlink()
    write(in_tmp / "elsewhere/my_sprites", {f"{i}.png": np.full((11, 9, 4), 9 * i, np.uint8) for i in range(24)})
    with pytest.raises(SystemExit):
        run_program("train.py", f"run={run}", "train.steps=4")
    assert "the data set has changed" in capsys.readouterr().err


def test_the_check_says_what_there_is(sprites, in_tmp, capsys):
    (in_tmp / "my_sprites").symlink_to(sprites)
    run_program("scripts/check_data.py", "dataset.path=my_sprites", "out=check")
    report = (in_tmp / "check/report.md").read_text(encoding="utf-8")
    assert report in capsys.readouterr().out
    for words in ("80 pictures of 9 x 11", "transparency", "4 colours", "Pixel art", "| colour | not known | 11 |"):
        assert words in report
    for words in ("M parameters", "for each training picture", "20,000 steps of 64 pictures", "Fewer than 1,000"):
        assert words in report


def test_the_check_says_what_became_of_sizes(in_tmp, capsys):
    generator = np.random.default_rng(0)
    wide = {f"{i:03d}.png": generator.integers(0, 256, (40, 48, 3), dtype=np.uint8) for i in range(20)}
    square = {f"b{i}.png": generator.integers(0, 256, (20, 20, 3), dtype=np.uint8) for i in range(3)}
    write(in_tmp / "own", wide | square)
    size = ("dataset.size=20", "dataset.resize=area")
    run_program("scripts/check_data.py", "dataset.path=own", *size, "out=check", "forecast=false")
    said = capsys.readouterr().out
    assert "20 of them from files of 48 x 40 pixels, scaled down by the filter area, after cropping" in said
    assert "20 x 20 pixels, scaled" not in said and "23 pictures of 20 x 20" in said
    assert "dataset.size=20 dataset.resize=area" in said.splitlines()[-1]  # the command to train with


def test_the_check_lists_all_that_is_wrong(in_tmp, capsys):
    write(in_tmp / "bad", {f"{i:03d}.png": np.zeros((8, 8 + i % 2, 3), np.uint8) for i in range(301)})
    with pytest.raises(SystemExit):
        run_program("scripts/check_data.py", "dataset.path=bad", "out=check")
    report = (in_tmp / "check/report.md").read_text(encoding="utf-8")
    assert report.count("9 x 8 pixels, but most have 8 x 8") == 150
    error = capsys.readouterr().err
    assert "150 things to fix" in error and "and 50 more" in error and "check/report.md" in error
