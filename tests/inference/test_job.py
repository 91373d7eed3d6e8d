"""What sample.py can be told beside a request: phrases, pictures to start from, changes."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from data.pictures import read_mask
from inference import ranking
from inference.comparison import settings_of
from inference.job import OF_A_PICTURE, prepare
from inference.pipeline import Pipeline
from inference.ranking import OF_A_RANKING, WITHOUT_RANKING
from tests.cli.test_bad_input import run_program


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


@pytest.fixture
def reader(in_tmp, monkeypatch):
    """In place of a classifier: every picture shows a steel robot in a crown."""
    monkeypatch.setattr(ranking, "find", lambda *_: in_tmp / "classifier")

    def load(path, schema, *_):
        label = torch.tensor(schema.complete({"backdrop": "Slate", "skin": "Steel", "head": "Crown"}))
        return SimpleNamespace(read=lambda images: label.expand(len(images), -1))

    monkeypatch.setattr(ranking, "load", load)


def test_a_change_keeps_the_rest_of_the_label_and_of_the_picture(in_tmp, weights, face, reader, capsys, monkeypatch):
    monkeypatch.setattr(Pipeline, "differing", lambda self, *_: read_mask(Path("mask.png"), self.image_shape)[None])
    common = [f"checkpoint={weights}", "init=face.png", "steps=3", "n=1", "scale=1"]
    run_program("sample.py", *common, "edit=+pipe,-head", "out=edit")
    out = capsys.readouterr().out
    assert "showing: Slate, Steel, Crown" in out and "anew: 288 of 576 pixels" in out and "left open" not in out
    record = json.loads((in_tmp / "edit/samples.json").read_text())
    assert {"Slate", "Steel", "-head", "Pipe"} <= set(record["attrs"].split(",")) and record["edit"] == "+pipe,-head"
    drawn = np.asarray(Image.open(in_tmp / "edit/seed-000000.png"))
    assert np.array_equal(drawn[:, :12], face[:, :12])
    run_program("sample.py", *common, f"attrs={record['attrs']}", "mask=mask.png", "out=asked")
    assert np.array_equal(drawn, np.asarray(Image.open(in_tmp / "asked/seed-000000.png")))
    capsys.readouterr()
    run_program("sample.py", "from_image=edit/seed-000000.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out


def test_each_seed_fills_in_what_a_change_leaves_open(in_tmp, weights, face, reader, capsys):
    """Alone or among others, a seed draws the same beard."""
    common = [f"checkpoint={weights}", "init=face.png", "steps=2", "scale=1", "mask=mask.png"]
    run_program("sample.py", *common, "edit=+beard", "n=8", "out=many")
    assert "left open: facial hair: each seed takes a value of its own" in capsys.readouterr().out
    run_program("sample.py", *common, "edit=+beard", "n=1", "seed=5", "out=one")
    pictures = [np.asarray(Image.open(in_tmp / f"many/seed-{seed:06d}.png")).astype(int) for seed in range(8)]
    assert abs(pictures[5] - np.asarray(Image.open(in_tmp / "one/seed-000005.png"))).max() <= 1
    assert json.loads((in_tmp / "many/samples.json").read_text())["edit"] == "+beard"


def test_a_change_to_what_the_picture_shows_already_is_refused(in_tmp, weights, face, reader, capsys):
    for edit in ("+crown", "-pipe", "+steel"):
        with pytest.raises(SystemExit):
            run_program("sample.py", f"checkpoint={weights}", "init=face.png", f"edit={edit}", "out=edit")
        error = capsys.readouterr().err
        assert f"edit='{edit}': the picture shows that already; it is read as Slate, Steel, Crown" in error


def test_a_feather_wider_than_the_mask_is_told(weights, face):
    common = [f"checkpoint={weights}", "init=face.png", "mask=mask.png", "attrs=crown", "strength=0.5"]
    told = "feather: wider than what is drawn anew, so that the strength is 0.32 at most there"  # 0.5 * 12 / 19
    assert any(told in note for note in prepare(settings_of([*common, "feather=18"]))[1])
    assert not any("feather" in note for note in prepare(settings_of([*common, "feather=3"]))[1])


def test_what_a_request_means_beyond_its_words_is_told(weights):
    def notes(*settings):
        return "\n".join(prepare(settings_of([f"checkpoint={weights}", *settings]))[1])

    told = "-top hat asks for no value of 'hat' at all; negative='top hat' moves away from it alone"
    assert told in notes("attrs=pipe,-top hat") and told in notes("attrs=pipe | -top hat:2 * 3")
    assert "-Mohawk asks for no value of 'hair' at all" in notes("prompt=a pipe, no mohawk")
    assert "asks for no value" not in notes("attrs=crown,-mohawk")  # says nothing beside a crown
    assert "asks for no value" not in notes("attrs=-hat") and "asks for no" not in notes("attrs=pipe")
    own = ["guidance=autoguidance", f"guidance.checkpoint={weights}"]
    assert "so that w changes nothing" in notes("attrs=crown", *own)
    assert "changes nothing" not in notes("attrs=crown", "negative=pipe", *own)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["prompt=a car"], "prompt='a car': 'car': nothing of that name is known; try "),
        (["prompt=a crown and a top hat"], "prompt=["),
        (["attrs='crown |'"], "attrs='crown |': a name is missing"),
        (["scale=100000"], "scale=100000: must be a whole number from 1 to 100"),
        (["attrs=crown", "rank=adherence", "n=8"], "n=8: a ranking draws"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_as_they_were_typed(in_tmp, weights, capsys, settings, told):
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "out=out", *settings)
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not (in_tmp / "out").exists()


@pytest.mark.parametrize(
    ("typed", "attrs", "edit"),
    [("edit=-head", "-head", "-head"), ("attrs=pipe", "Pipe", None), ("w=2", "Pipe", "+pipe")],
)
def test_what_is_typed_beside_a_changed_picture_takes_its_place(in_tmp, weights, face, reader, typed, attrs, edit):
    common = [f"checkpoint={weights}", "init=face.png", "mask=mask.png", "steps=2", "n=1", "scale=1"]
    run_program("sample.py", *common, "edit=+pipe", "out=edit")
    run_program("sample.py", "from_image=edit/seed-000000.png", typed, "out=again")
    record = json.loads((in_tmp / "again/samples.json").read_text())
    assert attrs in record["attrs"].split(",") and record["edit"] == edit


def test_a_feather_softens_what_a_change_draws_anew(in_tmp, weights, face, reader, monkeypatch):
    monkeypatch.setattr(Pipeline, "differing", lambda self, *_: read_mask(Path("mask.png"), self.image_shape)[None])
    common = [f"checkpoint={weights}", "init=face.png", "edit=+pipe", "steps=4", "n=1", "scale=1"]
    run_program("sample.py", *common, "out=hard")
    run_program("sample.py", *common, "feather=6", "out=soft")
    hard, soft = (np.asarray(Image.open(in_tmp / name / "seed-000000.png")) for name in ("hard", "soft"))
    assert np.array_equal(soft[:, :12], face[:, :12]) and not np.array_equal(soft, hard)


def test_strength_says_where_it_begins_and_its_ends_are_exact(in_tmp, weights, face, capsys):
    common = [f"checkpoint={weights}", "attrs=crown", "steps=10", "n=1", "scale=1"]
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
        (["init=face.png", "feather=2"], "feather=2: works at the edge of a mask; name one with mask=FILE"),
        (["init=face.png", "repeats=2"], "repeats=2: works at the edge of a mask"),
        (["init=face.png", "strength=1.5"], "strength=1.5: must be a number from 0 to 1"),
        (["init=face.png", "repeats=0"], "repeats=0: must be a whole number"),
        (["init=nowhere.png"], "init=nowhere.png: no such file"),
        (["init=face.png", "edit=+pipe"], "give one of the two"),
        (["attrs=any", "edit=+pipe"], "edit='+pipe': name the picture with init=FILE"),
        (["attrs=any", "init=face.png", "edit=+pipe"], "no classifier of pixelfaces"),
        (["init=face.png", "mask=small.png"], "mask=small.png: 7 x 7 pixels; this model draws 24 x 24"),
    ],
)
def test_edits_that_cannot_be_done_are_refused(in_tmp, weights, face, capsys, settings, told):
    Image.new("L", (7, 7)).save(in_tmp / "small.png")
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "out=edit", *settings)
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not (in_tmp / "edit").exists()


def test_what_counts_as_idle_is_what_conf_has(compose):
    settings = compose("sample", [])
    for defaults in (OF_A_PICTURE, OF_A_RANKING, WITHOUT_RANKING):
        assert {key: settings[key] for key in defaults} == defaults
