"""Controlled experiments: one setting at a time, and a command for every cell that samples that cell."""

import csv
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inference import comparison
from inference.comparison import (
    BASELINE,
    Row,
    naming_weights,
    plan,
    run,
    summary,
    value_of,
    write,
)
from inference.job import Job, prepare
from inference.pipeline import Pipeline
from runtime.settings import override
from tests.inference.conftest import picture
from tests.programs import ROOT, run_program

BASE = ["attrs=crown", "steps=3", "w=2", "refine=0", "device=cpu"]


@pytest.fixture(scope="module")
def results(weights):
    began = time.perf_counter()
    found = run(plan([f"checkpoint={weights}", *BASE], {"w": [2, 6], "steps": [5]}), [4, 9])
    assert 0 < sum(result.seconds for result in found) < time.perf_counter() - began
    return found


def test_distances_are_from_the_baseline_of_the_same_seed(results):
    base, same, other, more = results
    assert base.distance.tolist() == [0, 0] and same.distance.tolist() == [0, 0]
    assert (other.distance > 0).all() and (more.distance > 0).all()
    by_hand = np.abs(other.images[1].double().numpy() - base.images[1].double().numpy()).mean()
    assert other.distance[1].item() == pytest.approx(by_hand)
    assert all(result.adherence is None for result in results)  # no classifier of this data
    assert [result.evaluations for result in results] == [6, 6, 6, 10]


def test_rows_are_reported_as_they_are_sampled(weights, monkeypatch):
    """A progress bar that moves before the work is done would lie."""
    order, sample = [], Job.sample
    monkeypatch.setattr(Job, "sample", lambda self, seeds: (order.append(self.settings.w), sample(self, seeds))[1])
    run(plan([f"checkpoint={weights}", *BASE], {"w": [1, 3]}), [0], on_row=lambda row: order.append(row.value))
    assert order == [2.0, "", 1.0, "1", 3.0, "3"]


def test_rows_say_how_well_they_show_what_is_asked_for(in_tmp, weights, classifier):
    found = run(plan([f"checkpoint={weights}", *BASE], {"attrs": ["any", "pipe"]}), [1, 2, 3])
    for result in (found[0], found[2]):
        assert torch.allclose(result.adherence, result.images[:, 0].float().mean(dim=(1, 2)) / 255)
    assert found[1].adherence is None  # of what nothing is asked of
    assert classifier == ["pixelfaces"]


def test_the_baseline_names_its_value_of_all_that_varies(in_tmp, weights):
    vary = {
        "w": [2, 6], "spacing": ["linspace"], "sampler": ["ddim"], "guidance.interval": [[0.2, 1]],
        "negative": ["crown"], "refine": [1], "dataset": ["pixelfaces"],
    }  # fmt: skip
    base = [f"checkpoint={weights}", "attrs=crown", "steps=1", "w=2", "device=cpu"]
    found = run(plan(base, vary), [4])
    assert found[0].row.described == (
        "w = 2, spacing = trailing, sampler = dpmpp_2m, guidance.interval = [0,1], negative = null, refine = 0, "
        "dataset = null"
    )
    assert found[0].row.label == "baseline"  # so many belong into the caption
    assert [result.row.label for result in found[1:3]] == ["w = 2", "w = 6"]
    assert all(result.row.varied == () for result in found[1:])
    write(in_tmp, found, [4], scale=1)
    with (in_tmp / "cells.csv").open(encoding="utf-8") as file:
        cell = next(csv.DictReader(file))
    assert (cell["setting"], cell["value"]) == (BASELINE, "")
    chosen = ["sampler=dpmpp_2m", "spacing=trailing", "refine=0"]  # what nobody typed, as it was
    assert sorted(shlex.split(cell["command"])[2:]) == sorted([*chosen, *base, "seed=4", "n=1"])


def test_a_row_differs_from_the_baseline_in_what_varies_alone(in_tmp, weights):
    """Several conditions alone would be sampled by other steps altogether, and the request would get the blame."""
    base = [f"checkpoint={weights}", "attrs=crown", "device=cpu"]
    found = run(plan(base, {"attrs": ["crown | pipe"], "complete": [False], "steps": [2]}), [4])
    assert [result.evaluations for result in found] == [8, 12, 8, 4]  # of four steps, but for the last
    assert all("sampler=ddim" in result.row.overrides for result in found)


def test_one_thing_that_varies_stands_in_the_label_of_the_baseline(results):
    row = replace(results[0].row, varied=(("w", "2"),))
    assert row.label == "baseline (w = 2)" and replace(row, varied=()).label == "baseline"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("w", "3"), ("strength", "1"), ("sampler", "null"), ("guidance.interval", "[0,1]"), ("negative", "null"),
     ("guidance.fade", "0.05"), ("spacing", "null"), ("attrs", "any"), ("dataset", "null")],
)  # fmt: skip
def test_values_are_written_as_one_types_them(compose, setting, expected):
    assert value_of(setting, compose("sample")) == expected


def test_a_table_has_a_line_for_each_row(results):
    head, *rows = summary([replace(results[0], adherence=torch.tensor([0.25, 0.5])), *results[1:]])
    assert head.split() == ["seconds", "NFE", "adherence", "distance"]
    assert len({len(row) for row in rows}) == 1 and len(rows[0]) == len(head)
    assert rows[0].split()[2:] == ["6", "0.375", "0.00"] and rows[0].startswith("baseline")
    assert rows[2].startswith("w = 6 ") and rows[2].split()[-1] == f"{results[2].distance.mean():.2f}"


def test_the_sheet_shows_every_picture_and_the_table_every_cell(in_tmp, results):
    write(in_tmp, results, [4, 9], scale=2)
    with (in_tmp / "cells.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [(c["setting"], c["value"], c["seed"]) for c in cells[:4]] == [
        (BASELINE, "", "4"), (BASELINE, "", "9"), ("w", "2", "4"), ("w", "2", "9"),
    ]  # fmt: skip
    assert len(cells) == 8
    for cell, (result, i) in zip(cells, [(result, i) for result in results for i in range(2)], strict=True):
        assert float(cell["seconds"]) == pytest.approx(result.seconds / 2, abs=1e-4)
        assert (int(cell["nfe"]), cell["adherence"]) == (result.evaluations, "")
        assert float(cell["distance"]) == pytest.approx(result.distance[i].item(), abs=1e-3)
        assert shlex.split(cell["command"])[-2:] == [f"seed={cell['seed']}", "n=1"]
    sheet = picture(in_tmp / "contact.png")
    for result in results:
        for image in result.images:
            enlarged = image.permute(1, 2, 0).numpy().repeat(2, 0).repeat(2, 1)
            windows = np.lib.stride_tricks.sliding_window_view(sheet, enlarged.shape)[:, :, 0]
            corner = (windows[:, :, 0, 0] == enlarged[0, 0]).all(axis=-1)
            assert any(np.array_equal(windows[y, x], enlarged) for y, x in np.argwhere(corner))


def test_the_caption_says_what_the_labels_do_not(in_tmp, results, monkeypatch):
    captions = []

    def labelled_rows(rows, labels, scale, caption):
        captions.append((labels, scale, caption))
        return Image.new("L", (1, 1))

    monkeypatch.setattr(comparison, "labelled_rows", labelled_rows)
    monkeypatch.setattr(comparison, "fitting", lambda scale, count, shape: (scale, count, tuple(shape)))
    first = results[0]
    for varied in ((("w", "2"),), (("w", "2"), ("steps", "3"))):
        write(in_tmp, [replace(first, row=replace(first.row, varied=varied)), *results[1:]], [4, 9], scale=3)
    (one, scale, caption), (several, _, longer) = captions
    assert (one[0], several[0], one[1:]) == ("baseline (w = 2)", "baseline", ["w = 2", "w = 6", "steps = 5"])
    assert scale == (3, 4 * 2, (3, 24, 24))  # what fits so many pictures
    assert caption == f"seeds 4, 9; {first.row.command(4)}"
    assert longer == f"baseline: w = 2, steps = 3; {caption}"


def test_the_command_of_a_cell_samples_that_cell(in_tmp, results):
    write(in_tmp, results, [4, 9], scale=1)
    with (in_tmp / "cells.csv").open(encoding="utf-8") as file:
        cell = next(c for c in csv.DictReader(file) if (c["setting"], c["value"], c["seed"]) == ("w", "6", "9"))
    program, *arguments = shlex.split(cell["command"])[1:]
    run_program(program, *arguments, "scale=1", "out=cell")
    assert np.array_equal(picture("cell/seed-000009.png"), results[2].images[1].permute(1, 2, 0).numpy())


# -- weights -------------------------------------------------------------------------------------------------------


def test_each_network_is_loaded_once_the_guides_too(in_tmp, weights, pipe):
    guide = in_tmp / "guide.safetensors"
    guide.write_bytes(weights.read_bytes())
    loaded, usual = [], ("cpu", "fp32", False, False)

    def load(*asked):
        loaded.append(asked)
        return Pipeline.load(*asked)

    base = [f"checkpoint={weights}", *BASE, "guidance=cfg", f"guide={guide}"]
    run(plan(base, {"w": [1, 4], "steps": [2]}), [0], load=load)
    assert loaded == [(weights, *usual), (guide, *usual)]
    loaded.clear()
    run(plan([f"checkpoint={weights}", *BASE], {"guide": [str(weights), "guide.safetensors"]}), [0], load=load)
    assert loaded == [(weights, *usual), (Path("guide.safetensors"), *usual)]
    loaded.clear()
    run(plan([f"checkpoint={weights}", *BASE], {"precision": ["bf16"]}), [0], load=load)
    assert [precision for _, _, precision, *_ in loaded] == ["fp32", "bf16"]


def test_commands_name_the_weights_also_where_nobody_did(in_tmp, weights):
    newest = in_tmp / "runs/a/checkpoints/ema.safetensors"
    newest.parent.mkdir(parents=True)
    newest.write_bytes(weights.read_bytes())
    for base in (["dataset=pixelfaces"], ["dataset=pixelfaces", "checkpoint=null"]):
        for result in run(plan([*base, "steps=1", "refine=0"], {"w": [1]}), [3]):
            arguments = shlex.split(result.row.command(3))[2:]
            assert [a for a in arguments if "checkpoint" in a] == ["checkpoint=runs/a/checkpoints/ema.safetensors"]
    first, _ = run(plan(["dataset=pixelfaces", "steps=1", "refine=0"], {"checkpoint": [str(weights)]}), [3])
    assert first.row.label == "baseline (checkpoint = runs/a/checkpoints/ema.safetensors)"


@pytest.mark.parametrize("folder", ["plain", "a b", "a,b", "l'été", "x=1", "a[1]", "$a", "(1)"])
def test_weights_are_named_wherever_they_lie(in_tmp, weights, pipe, compose, folder):
    path = in_tmp / "runs" / folder / "checkpoints/ema.safetensors"
    path.parent.mkdir(parents=True)
    shutil.copy(weights, path)
    row = Row(BASELINE, "", ("dataset=pixelfaces",))
    named = naming_weights(row, prepare(compose("sample", row.overrides), lambda *_: pipe)[0])
    assert compose("sample", named.overrides).checkpoint == f"runs/{folder}/checkpoints/ema.safetensors"
    typed = Row(BASELINE, "", (override("checkpoint", str(weights)),))
    assert naming_weights(typed, prepare(compose("sample", typed.overrides), lambda *_: pipe)[0]) == typed


# -- the script ----------------------------------------------------------------------------------------------------


def test_notes_are_told_once(in_tmp, weights, capsys):
    common = [f"checkpoint={weights}", "prompt=a crwon on a bicycle", "steps=1", "refine=0", "seeds=[0]"]
    for scale in (1, 2):
        run_program("scripts/compare.py", *common, "vary.w=[1,2]", f"scale={scale}", f"out={scale}")
    out = capsys.readouterr().out
    assert out.count("ignored: 'bicycle'") == out.count("'crwon' as Crown") == 2  # once for each run
    assert "written: 1/contact.png and cells.csv\n" in out and "w = 2 " in out
    heights = [Image.open(in_tmp / f"{scale}/contact.png").height for scale in (1, 2)]
    assert heights[1] - heights[0] >= 3 * 24  # a sheet of three rows is enlarged


def test_it_runs_from_the_top_of_a_checkout(tmp_path, weights):
    """As a person types it, in a process of its own."""
    command = ["vary.steps=[2,3]", "vary.w=[1,7]", "seeds=[0,1,2]", "attrs=crown,pipe", "refine=0", "steps=1"]
    done = subprocess.run(
        [sys.executable, "scripts/compare.py", *command, f"checkpoint={weights}", f"out={tmp_path / 'sheet'}"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ".", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:6]] == [
        "baseline", "steps = 2", "steps = 3", "w = 1", "w = 7",
    ]  # fmt: skip
    with (tmp_path / "sheet/cells.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 15
