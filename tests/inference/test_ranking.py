"""How well pictures show what is asked for, and the best of many."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from data import pixelfaces
from inference import ranking
from inference.comparison import settings_of
from inference.job import prepare
from tests.cli.test_bad_input import run_program


def test_a_ranking_keeps_the_best_and_records_the_rest(in_tmp, weights, capsys, monkeypatch):
    settings = [f"checkpoint={weights}", "attrs=crown", "steps=2", "scale=1"]
    run_program("sample.py", *settings, "n=6", "out=all")
    monkeypatch.setattr(ranking, "find", lambda *_: in_tmp / "classifier")
    redness = SimpleNamespace(agreement=lambda images, label: images[:, 0].float().mean(dim=(1, 2)) / 255)
    monkeypatch.setattr(ranking, "load", lambda *_: redness)
    run_program("sample.py", *settings, "rank=adherence", "keep=2", "of=6", "out=best")
    red = {s: np.asarray(Image.open(in_tmp / f"all/seed-{s:06d}.png"))[..., 0].mean() for s in range(6)}
    order = sorted(red, key=red.get, reverse=True)
    record = json.loads((in_tmp / "best/samples.json").read_text())
    assert [entry["seed"] for entry in record["ranking"]] == order
    assert [entry["seed"] for entry in record["images"]] == order[:2]
    assert sorted(p.name for p in (in_tmp / "best").glob("seed-*")) == sorted(f"seed-{s:06d}.png" for s in order[:2])


def test_what_is_asked_away_scores_where_it_is_absent(in_tmp, weights, monkeypatch):
    schema = pixelfaces.SCHEMA
    seen = {"Crown": torch.tensor([0.9, 0.2]), "Pipe": torch.tensor([0.7, 0.1])}
    alike = SimpleNamespace(agreement=lambda images, label: seen[schema.names(label)[0]])
    monkeypatch.setattr(ranking, "classifier_of", lambda pipe: alike)
    found = {}
    for attrs in ("crown | pipe", "crown | pipe * -2", "crown | pipe * 0"):
        drawing = prepare(settings_of([f"checkpoint={weights}", f"attrs={attrs}"]))[0]
        found[attrs] = ranking.adherence(drawing, torch.zeros(2, 3, 24, 24)).tolist()
    assert found["crown | pipe"] == pytest.approx([0.8, 0.15])
    assert found["crown | pipe * -2"] == pytest.approx([0.6, 0.55])
    assert found["crown | pipe * 0"] == pytest.approx([0.9, 0.2])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["rank=beauty"], "rank='beauty'"),
        (["rank=adherence", "keep=5", "of=4"], "keep=5: must be a whole number from 1 to 4"),
        (["rank=adherence", "attrs=any"], "nothing is asked for"),
        (["rank=adherence"], "no classifier of pixelfaces"),
        (["rank=adherence", "attrs='crown * 0'"], "nothing is asked for"),
        (["keep=2"], "keep=2: belongs to a ranking; give rank=adherence too"),
        (["of=8"], "of=8: belongs to a ranking"),
    ],
)
def test_rankings_that_are_not_possible_are_refused_before_drawing(in_tmp, weights, capsys, settings, told):
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", *settings)
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
