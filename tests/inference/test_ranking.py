"""How well pictures show what is asked for, and the best of many."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conditions.requests import parse_requests
from data import pixelfaces
from inference.job import require_ranking
from inference.ranking import adherence
from tests.inference.conftest import picture
from tests.programs import run_program

SCHEMA = pixelfaces.SCHEMA
PICTURES = torch.zeros(2, 3, 24, 24, dtype=torch.uint8)


@pytest.fixture
def reader():
    """Finds a crown in the first of two pictures, and a pipe in neither of them much."""
    seen = {"Crown": torch.tensor([0.9, 0.2]), "Pipe": torch.tensor([0.7, 0.1])}
    return SimpleNamespace(agreement=lambda images, label: seen[SCHEMA.names(label)[0]])


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ("crown", [0.9, 0.2]),
        ("crown | pipe", [0.8, 0.15]),
        ("crown | pipe * -2", [0.6, 0.55]),  # moved away from a pipe, which counts where it is absent
        ("crown | pipe * 0", [0.9, 0.2]),
        ("pipe:-1", [0.3, 0.9]),
    ],
)
def test_adherence_is_the_mean_over_what_is_expected(reader, attrs, expected):
    assert adherence(reader, parse_requests(SCHEMA, attrs), PICTURES).tolist() == pytest.approx(expected)


def test_adherence_is_none_where_nothing_can_tell(reader):
    assert adherence(None, parse_requests(SCHEMA, "crown"), PICTURES) is None
    assert adherence(reader, parse_requests(SCHEMA, "any"), PICTURES) is None
    assert adherence(reader, parse_requests(SCHEMA, "crown * 0"), PICTURES) is None


def test_a_job_scores_its_own_request(prepared, monkeypatch, classifier):
    job, _ = prepared("attrs=crown", "steps=1", "refine=0")
    images = torch.zeros(3, 3, 24, 24, dtype=torch.uint8)
    images[1, 0], images[2, 1:] = 51, 255
    assert job.adherence(images).tolist() == pytest.approx([0, 0.2, 0])
    assert prepared("attrs=any")[0].adherence(images) is None


def test_a_ranking_keeps_the_best_and_records_the_rest(in_tmp, weights, capsys, classifier):
    settings = [f"checkpoint={weights}", "attrs=crown", "steps=2", "refine=0", "scale=1", "seed=3"]
    run_program("sample.py", *settings, "n=6", "out=all")
    assert classifier == []  # which nobody needs yet
    capsys.readouterr()
    run_program("sample.py", *settings, "rank=adherence", "keep=2", "of=6", "out=best")
    assert classifier == ["pixelfaces"]  # loaded once
    red = {s: picture(f"all/seed-{s:06d}.png")[..., 0].mean() / 255 for s in range(3, 9)}
    order = sorted(red, key=red.get, reverse=True)
    record = json.loads((in_tmp / "best/samples.json").read_text())
    assert [entry["seed"] for entry in record["ranking"]] == order
    assert [entry["score"] for entry in record["ranking"]] == pytest.approx([red[s] for s in order], abs=1e-4)
    assert [entry["seed"] for entry in record["images"]] == order[:2]
    assert sorted(p.name for p in (in_tmp / "best").glob("seed-*")) == sorted(f"seed-{s:06d}.png" for s in order[:2])
    for seed in order[:2]:
        assert np.array_equal(picture(f"best/seed-{seed:06d}.png"), picture(f"all/seed-{seed:06d}.png"))
    out = capsys.readouterr().out
    assert f"; kept 2 of 6, adherence {red[order[0]]:.2f} to {red[order[1]]:.2f}\n" in out


def test_pictures_of_equal_score_are_kept_in_the_order_of_their_seeds(in_tmp, weights, classifier, monkeypatch):
    monkeypatch.setattr("inference.job.Job.adherence", lambda self, images: torch.full((len(images),), 0.5))
    settings = [f"checkpoint={weights}", "attrs=crown", "steps=1", "refine=0", "rank=adherence", "keep=3", "of=9"]
    run_program("sample.py", *settings, "out=best")
    assert [entry["seed"] for entry in json.loads((in_tmp / "best/samples.json").read_text())["images"]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rank=beauty"], "rank='beauty': unknown; choose one of adherence"),
        (["rank=adherence", "keep=5", "of=4"], "keep=5: must be at most of=4"),
        (["rank=adherence", "keep=0"], "keep=0: must be a whole number from 1"),
        (["rank=adherence", "attrs=any"], "rank=adherence: nothing is asked for"),
        (["rank=adherence", "attrs='crown * 0'"], "rank=adherence: nothing is asked for"),
        (["rank=adherence"], "rank=adherence: no classifier of pixelfaces"),
        (["keep=2"], "keep=2: belongs to a ranking; give rank=adherence too"),
        (["of=8"], "of=8: belongs to a ranking"),
    ],
)
def test_rankings_that_are_not_possible_are_refused_before_anything_is_sampled(
    in_tmp, weights, capsys, settings, message
):
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", *settings)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(in_tmp.iterdir())


def test_a_ranking_needs_a_request_and_a_classifier(prepared, classifier):
    require_ranking(prepared("attrs=crown")[0])
    with pytest.raises(ValueError, match="nothing is asked for"):
        require_ranking(prepared("attrs=any")[0])
