"""evaluate.py as a whole, on a tiny model: the folder it leaves, resumed and shared among processes."""

import json
import os
import socket
import subprocess
import sys

import pytest
import torch

from data.images import read_settings
from evaluation import classifier
from tests.cli.test_bad_input import run_program
from tests.conftest import ROOT

SMALL = [
    "steps=2", "exact.n=6", "exact.tries=2", "adherence.n=1", "adherence.w=[0,3]", "memorisation.n=20", "edits.n=5",
    "speed.repeats=1", "measure=[exact,adherence,memorisation,speed]", "batch_size=16",
]  # fmt: skip


@pytest.fixture
def weights(in_tmp, train_tiny, monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 20)
    return train_tiny("train.steps=2", "run=run").weights


def evaluate(weights, *settings: str) -> None:
    run_program("evaluate.py", f"checkpoint={weights}", "dataset=pixelfaces", *SMALL, *settings)


def figures(folder) -> dict:
    record = json.loads((folder / "metrics.json").read_text())
    return {name: record[name] for name in ("classifier", "exact", "adherence", "memorisation")}


def test_it_leaves_figures_a_report_and_pictures(in_tmp, weights, capsys):
    evaluate(weights, "out=result")
    assert "written: result/report.md" in capsys.readouterr().out
    record = json.loads((in_tmp / "result/metrics.json").read_text())
    assert (record["split"], record["w"], record["steps"]) == ("validation", 3, 2)
    assert set(record["adherence"]["by_w"]) == {"0", "3"}
    assert record["exact"]["images"] == 6 and record["memorisation"]["drawn"]["images"] == 20
    report = (in_tmp / "result/report.md").read_text()
    for name in ("worst.png", "adherence.png", "neighbours.png"):
        assert (in_tmp / "result" / name).exists() and f"]({name})" in report
    assert record["command"].startswith("python evaluate.py checkpoint=") and "out=" not in record["command"]
    assert record["command"] in report and record["checkpoint"] in report and record["speed"]["seconds"] > 0
    inside = read_settings(in_tmp / "result/worst.png")
    assert inside["checkpoint"] == record["checkpoint"]
    assert all(
        part in inside["caption"] for part in (record["checkpoint"], "dpmpp_2m", "2 steps", "w = 3", "validation")
    )


def test_given_again_it_draws_nothing_and_says_the_same(in_tmp, weights, monkeypatch):
    evaluate(weights, "out=first")

    def refuse(*_, **__):
        raise AssertionError("drawn again")

    monkeypatch.setattr("inference.pipeline.Pipeline.__call__", refuse)
    evaluate(weights, "out=second", "measure=[exact,adherence,memorisation]")
    assert figures(in_tmp / "first") == figures(in_tmp / "second")


def test_edits_need_pictures_that_differ_in_one_slot(in_tmp, weights, train_tiny, capsys):
    with pytest.raises(SystemExit):
        evaluate(weights, "measure=[edits]")
    assert "differs from a training picture in one slot alone" in capsys.readouterr().err
    more = train_tiny("train.steps=2", "run=more", "dataset.count=2000").weights
    evaluate(more, "measure=[edits]", "out=result")
    record = json.loads((in_tmp / "result/metrics.json").read_text())["edits"]
    assert record["pairs"] == 5 and set(record["ways"]) == {"edit", "img2img", "redrawn"}
    assert {"+hat", "-hat"} <= set(record["groups"])
    assert all(f["asked"] > 0 and 0 <= f["made"] <= 1 and 0 <= f["kept"] <= 1 for f in record["groups"].values())
    assert "](edits.png)" in (in_tmp / "result/report.md").read_text()
    assert (in_tmp / "result/edits.png").exists()


def test_the_test_split_is_another(in_tmp, weights):
    evaluate(weights, "out=validation", "measure=[exact]")
    evaluate(weights, "out=test", "measure=[exact]", "split=test")
    one, other = (json.loads((in_tmp / name / "metrics.json").read_text()) for name in ("validation", "test"))
    assert one["exact"] != other["exact"] and other["split"] == "test"


def test_unconditional_weights_are_measured_where_that_makes_sense(in_tmp, train_tiny, monkeypatch, capsys):
    monkeypatch.setattr(classifier, "STEPS", 20)
    weights = train_tiny("train.steps=2", "run=off", "cfg=off").weights
    evaluate(weights, "out=result")
    record = json.loads((in_tmp / "result/metrics.json").read_text())
    assert "memorisation" in record and not {"exact", "adherence", "edits"} & set(record)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        evaluate(weights, "measure=[exact]")
    assert "no labels or palette" in capsys.readouterr().err


def test_two_processes_give_the_figures_of_one(in_tmp, weights):
    evaluate(weights, "out=alone")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    elsewhere = in_tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "evaluations").mkdir()
    (in_tmp / "evaluations/classifiers").rename(elsewhere / "evaluations/classifiers")  # the one of 20 steps
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={port}",
        str(ROOT / "evaluate.py"), f"checkpoint={weights.resolve()}", "dataset=pixelfaces", *SMALL, "out=shared",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=elsewhere, capture_output=True, text=True, timeout=200, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written:") == 1
    assert figures(elsewhere / "shared") == figures(in_tmp / "alone")


def test_what_it_draws_is_what_sample_py_would(in_tmp, weights):
    """A picture of the first try of exact match, against the pipeline itself."""
    from data import pixelfaces
    from diffusion.samplers import DDIM
    from evaluation.bench import Bench
    from evaluation.draws import Draws
    from evaluation.exact import ExactMatch
    from inference.pipeline import Pipeline
    from runtime.distributed import Processes

    pipe = Pipeline.load(weights, "cpu")
    splits = pixelfaces.load(count=120)
    bench = Bench(pipe, splits, "validation", {"w": 2.0, "exact": {"n": 5, "tries": 1}}, ())
    (job,) = ExactMatch(bench).jobs
    draws = Draws(pipe, in_tmp / "draws", DDIM(), 3, batch_size=2)
    draws.draw([job], Processes(0, 1, torch.device("cpu")))
    assert torch.equal(
        bench.snapped(draws.read(job)), pipe(splits.validation.labels[:5], range(5), w=2.0, sampler=DDIM(), steps=3)
    )
