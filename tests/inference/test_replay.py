"""Pictures drawn again from the settings inside them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.images import read_settings
from inference import replay
from inference.comparison import settings_of
from inference.replay import replayed
from inference.weights import find_weights
from runtime.checkpoint import CheckpointError
from tests.cli.test_bad_input import run_program


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
        ("guidance.fade=0.2", "'rescale': 0.7, 'interval': [0.0, 1.0], 'fade': 0.2"),
        ("seed=9", "seed was 8, is 9"),
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


def test_the_weaker_weights_of_a_picture_are_found_where_they_lay(in_tmp, weights, capsys):
    (in_tmp / "weaker.safetensors").write_bytes(weights.read_bytes())
    how = ["guidance=autoguidance", "guidance.checkpoint=weaker.safetensors"]
    run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "steps=2", "n=1", *how, "out=first")
    capsys.readouterr()
    run_program("sample.py", "from_image=first/seed-000000.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out
    (in_tmp / "weaker.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"^guidance.checkpoint: no weights .* Name others with guidance.check"):
        find_weights("0" * 16, Path("weaker.safetensors"), in_tmp, in_tmp, "guidance.checkpoint")


def test_rankings_and_data_sets_typed_beside_a_picture_count(in_tmp, drawn):
    settings = settings_of(["rank=adherence", "keep=2", "of=4", "dataset=cryptopunks"])
    picture = drawn / "seed-000008.png"
    again, _ = replayed(settings, picture, ["rank", "keep", "of"])
    assert (again["rank"], again["keep"], again["of"], again["seed"]) == ("adherence", 2, 4, 8)
    assert replayed(settings, picture, ["dataset"])[0]["dataset"]["name"] == "cryptopunks"
    assert replayed(settings, picture, ["dataset"])[0]["checkpoint"] is None


def test_an_edit_replaced_by_a_request_leaves_its_edge_behind(in_tmp, drawn, monkeypatch):
    stored = read_settings(drawn / "seed-000008.png") | {"edit": "+crown", "init": "face.png", "feather": 2}
    monkeypatch.setattr(replay, "read_settings", lambda path: stored)
    kept, _ = replayed(settings_of([]), drawn / "seed-000008.png", [])
    assert (kept["edit"], kept["feather"]) == ("+crown", 2)
    again, _ = replayed(settings_of([]), drawn / "seed-000008.png", ["attrs"])
    assert (again["edit"], again["feather"], again["init"]) == (None, 0, "face.png")
    typed = settings_of(["feather=1", "mask=mask.png"])
    again, _ = replayed(typed, drawn / "seed-000008.png", ["attrs", "feather", "mask"])
    assert (again["edit"], again["feather"]) == (None, 1)


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
