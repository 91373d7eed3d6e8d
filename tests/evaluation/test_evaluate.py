"""evaluate.py as a whole, on a tiny model: the folder it leaves, resumed and shared among processes."""

import contextlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from data import PixelFaces
from data.images import read_settings
from diffusion.samplers import DDIM
from evaluation import classifier
from evaluation.bench import Bench
from evaluation.exact import ExactMatch, ExactMatchSettings
from evaluation.intervals import Estimate
from evaluation.report import write
from evaluation.samples import Cost, SampleCache
from evaluation.settings import EvaluateSettings
from inference.pipeline import Pipeline
from runtime.checkpoint import load_tensors, read_info, save_weights
from runtime.distributed import Processes
from tests.evaluation.stubs import bench_of
from tests.programs import ROOT, run_program, run_together

SMALL = [
    "steps=2", "refine=0", "exact.n=6", "exact.tries=2", "adherence.n=1", "adherence.w=[0,3]", "validity.n=4",
    "validity.named=[0,2]", "validity.w=[3]", "memorisation.n=20", "edits.n=5", "speed.repeats=1",
    "measure=[exact,adherence,validity,memorisation,speed]", "batch_size=64", "device=cpu",
]  # fmt: skip
WEIGHTS = Path("run/checkpoints/ema.safetensors")


@pytest.fixture(scope="module", autouse=True)
def hasty():
    """A classifier of two steps; what it reads does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "STEPS", 2)
        patch.setattr(classifier, "BATCH", 8)
        yield


@pytest.fixture(scope="module")
def evaluated(train_tiny, tmp_path_factory):
    """A folder with a run, its classifier, the samples of one evaluation, and its figures in result/."""
    folder = tmp_path_factory.mktemp("evaluated")
    with contextlib.chdir(folder):
        train_tiny("train.steps=2", "run=run")
        evaluate(WEIGHTS, "out=result")
    return folder


@pytest.fixture
def copied(evaluated, in_tmp):
    """The working directory holds a copy of that folder."""
    shutil.copytree(evaluated, in_tmp, dirs_exist_ok=True)
    return in_tmp


def evaluate(weights, *settings: str) -> None:
    run_program("evaluate.py", f"checkpoint={weights}", *SMALL, *settings)


def read(folder) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def figures(folder) -> dict:
    record = read(folder)
    return {name: record[name] for name in ("classifier", "exact", "adherence", "validity", "memorisation")}


def test_it_leaves_figures_a_report_and_pictures(evaluated):
    record = read(evaluated / "result")
    assert (record["split"], record["w"], record["steps"], record["nfe"]) == ("validation", 3, 2, 4)
    assert set(record["adherence"]["by_w"]) == {"0", "3"}
    assert [record["adherence"]["by_w"][w]["nfe"] for w in ("0", "3")] == [2, 4]  # without guidance, half the cost
    assert record["exact"]["images"] == 6 and record["memorisation"]["sets"]["no request"]["samples"] == 20
    pictures = 2 * 6 + 2 * record["adherence"]["requests"] + 2 * 4 + 2 * 20
    assert record["sampling"]["sampled"] == record["sampling"]["pictures"] == pictures
    report = (evaluated / "result/report.md").read_text()
    for name in ("worst.png", "adherence.png", "validity.png", "neighbours.png"):
        assert (evaluated / "result" / name).exists() and f"]({name})" in report
    assert record["command"].startswith("python evaluate.py checkpoint=") and "out=" not in record["command"]
    assert record["command"] in report and record["checkpoint"] in report and record["speed"]["seconds"] > 0
    reader = record["classifier"]
    assert len(reader["digest"]) == 8 and f"known as {reader['digest']}. FID" in report
    assert all(f"| {slot} | {100 * share:.1f} % |" in report for slot, share in reader["accuracy"].items())
    assert f"dpmpp_2m, steps 2, spacing {record['spacing']['name']}" in report
    assert f"refine {record['refine']}, w = 3 unless stated otherwise; seed 0; NFE 4 per picture" in report
    inside = read_settings(evaluated / "result/worst.png")
    assert inside["checkpoint"] == record["checkpoint"]
    shown = (record["checkpoint"], "dpmpp_2m", "2 steps", "w = 3", "NFE 4", "validation")
    assert all(part in inside["caption"] for part in shown)


def test_given_again_it_samples_nothing_and_says_the_same(copied, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("sampled again")

    monkeypatch.setattr("inference.pipeline.Pipeline.__call__", refuse)
    nfe = {0: 2, 1: 2, 3: 4}
    monkeypatch.setattr(  # which would sample, to count
        "inference.pipeline.Pipeline.evaluations", lambda self, cond, options, **_: nfe[options.w]
    )
    evaluate(WEIGHTS, "out=second", "measure=[exact,adherence,validity,memorisation]")
    assert figures(copied / "second") == figures(copied / "result")
    assert read(copied / "second")["sampling"]["sampled"] == 0


def test_edits_are_measured_where_pictures_differ_in_one_slot(copied, train_tiny, capsys):
    with pytest.raises(SystemExit):
        evaluate(WEIGHTS, "measure=[edits]")
    assert "differs from a training picture in one slot alone" in capsys.readouterr().err
    more = train_tiny("train.steps=2", "run=more", "dataset.count=1200").weights
    evaluate(more, "measure=[edits]", "out=edits")
    record = read(copied / "edits")["edits"]
    assert record["pairs"] == 5 and set(record["methods"]) == {"edit", "img2img", "label_alone"}
    assert {"+hat", "-hat"} <= set(record["groups"])
    groups = record["groups"].values()
    assert all(f["pictures"] > 0 and f["success"]["low"] >= 0 and 0 <= f["kept"] <= 1 for f in groups)
    assert record["methods"]["img2img"]["nfe"] < record["methods"]["edit"]["nfe"]
    assert "](edits.png)" in (copied / "edits/report.md").read_text() and (copied / "edits/edits.png").exists()


def test_the_test_split_is_another(copied):
    evaluate(WEIGHTS, "out=test", "measure=[exact]", "split=test")
    record = read(copied / "test")
    assert record["split"] == "test" and record["exact"] != read(copied / "result")["exact"]
    assert record["test_split_uses"] == 1 and "test_split_uses" not in read(copied / "result")
    evaluate(WEIGHTS, "out=again", "measure=[exact]", "split=test")
    assert read(copied / "again")["test_split_uses"] == 2
    assert "| test split, used 2 times so far for these weights |" in (copied / "again/report.md").read_text()


def test_the_test_split_is_refused_to_weights_that_were_trained_on_it(copied, capsys):
    """Those of an earlier split rule, or that began with such weights."""
    info = replace(read_info(WEIGHTS), splits="id % 20: 7 validation, 13 test")
    save_weights(Path("older.safetensors"), load_tensors(WEIGHTS), info)
    with pytest.raises(SystemExit):
        evaluate("older.safetensors", "measure=[exact]", "split=test")
    error = capsys.readouterr().err
    assert (
        "split=test: the weights of checkpoint were trained under another rule (id % 20: 7 validation, 13 test)"
        in error
    )
    assert "split=validation" in error and error.count("\n") == 1
    with pytest.raises(SystemExit):
        evaluate(WEIGHTS, "guide=older.safetensors", "measure=[exact]", "split=test")
    assert "split=test: the weights of guide were trained under another rule" in capsys.readouterr().err
    evaluate("older.safetensors", "measure=[exact]", "out=older")
    assert read(copied / "older")["split"] == "validation"


def test_unconditional_weights_are_measured_where_that_makes_sense(copied, train_tiny, capsys):
    weights = train_tiny("train.steps=2", "run=off", "cfg=off").weights
    evaluate(weights, "out=off/result", "measure=[exact,adherence,memorisation,edits]")
    record = read(copied / "off/result")
    assert "memorisation" in record and not {"exact", "adherence", "edits"} & set(record)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        evaluate(weights, "measure=[exact]")
    assert "no labels or palette" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_finish_with_the_figures_of_one(copied):
    """As torchrun starts them: each samples its share of the files, which the first then finds by their names."""
    shutil.rmtree(copied / "evaluations/samples")
    ended = run_together(copied, str(ROOT / "evaluate.py"), f"checkpoint={WEIGHTS}", *SMALL, "out=shared")
    assert [process.returncode for process in ended] == [0, 0], ended
    assert [process.stdout.count("written:") for process in ended] == [1, 0]
    assert figures(copied / "shared") == figures(copied / "result")
    assert read(copied / "shared")["sampling"]["sampled"] == read(copied / "result")["sampling"]["sampled"]


def test_what_it_samples_is_what_sample_py_would(copied):
    """A picture of the first try of exact match, against the pipeline itself."""
    pipe, splits = Pipeline.load(WEIGHTS, "cpu"), PixelFaces(count=120).load()
    settings = EvaluateSettings(w=2.0, sampler=DDIM(), steps=3, batch_size=2)
    bench = Bench(pipe, None, splits, settings, ())
    (samples,) = ExactMatch(bench, ExactMatchSettings(n=5, tries=1)).sets
    cache = SampleCache(pipe, copied / "samples", settings)
    cache.fill([samples], Processes(0, 1, torch.device("cpu")))
    expected = pipe(splits.validation.labels[:5], range(5), w=2.0, sampler=DDIM(), steps=3)
    assert torch.equal(bench.quantised(cache.read(samples)), expected)


def test_figures_that_are_no_numbers_become_null(tmp_path, monkeypatch):
    """JSON has no NaN: a reader such as the dashboard would fail at the file."""

    class Undefined:
        reads = True

        def measure(self, read):
            return {"share": math.nan, "list": [math.inf, 1.0], "inner": {"n": 3, "none": None, "text": "NaN"},
                    "estimate": Estimate(0.5, math.nan, 1.0, 3)}  # fmt: skip

        def report(self, figures, out):
            return f"## Undefined\n\n{figures['share']:.2f}\n"

    bench = bench_of(PixelFaces(count=60).load())
    write(
        tmp_path,
        bench,
        {"undefined": Undefined()},
        SimpleNamespace(read=None),
        Cost(3, 1, 0.5),
        "python evaluate.py",
        tmp_path / "uses",
    )
    text = (tmp_path / "metrics.json").read_text()
    record = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in metrics.json"))
    inner = {"n": 3, "none": None, "text": "NaN"}
    estimate = {"value": 0.5, "low": None, "high": 1.0, "n": 3}
    assert record["undefined"] == {"share": None, "list": [None, 1.0], "inner": inner, "estimate": estimate}
    assert record["sampling"] == {"pictures": 3, "sampled": 1, "seconds": 0.5} and record["nfe"] == 20
    report = (tmp_path / "report.md").read_text()
    assert "NFE 20 per picture" in report and "1 pictures in 0.5 s, and 2 kept from earlier evaluations" in report
