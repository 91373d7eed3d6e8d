"""Controlled experiments: one setting at a time, and a command for every cell that draws that cell."""

import csv
import shlex
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from inference.comparison import BASELINE, FIXED, Row, crossed, naming_weights, plan, run, settings_of, write
from inference.job import prepare
from inference.pipeline import Pipeline
from tests.cli.test_bad_input import run_program

BASE = ["attrs=crown", "steps=3", "w=2"]


def test_each_row_changes_one_setting():
    rows = plan(BASE, ["w:1,7", "sampler:unipc", "attrs:crown,pipe;mohawk"])
    assert [(row.setting, row.value) for row in rows] == [
        (BASELINE, ""), ("w", "1"), ("w", "7"), ("sampler", "unipc"), ("attrs", "crown,pipe"), ("attrs", "mohawk"),
    ]  # fmt: skip
    assert rows[0].overrides == tuple(BASE)
    for row in rows[1:]:
        assert f"{row.setting}={row.value}" in row.overrides
        others = [o for o in BASE if not o.startswith(f"{row.setting}=")]
        assert [o for o in row.overrides if not o.startswith(f"{row.setting}=")] == others


def test_crossed_settings_take_every_pair_of_values():
    rows = crossed(BASE, ("steps", [5, 15]), ("w", ["0", "3"]))
    assert [row.value for row in rows] == ["5 x 0", "5 x 3", "15 x 0", "15 x 3"]
    assert rows[1].overrides == ("attrs=crown", "steps=5", "w=3")  # those of the base make room


def test_settings_can_be_composed_by_many_threads_at_once():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: settings_of([f"seed={seed}"], "train")["seed"], range(8)))
    assert found == list(range(8))


@pytest.mark.parametrize(
    ("text", "told"),
    [("w", "name a setting and its values"), ("w:", "name a setting"), ("width:3", "'width' is no setting"),
     ("seed:1,2", "'seed' is no setting that can vary"), ("out:a", "'out' is no setting")],
)  # fmt: skip
def test_what_cannot_vary_is_refused(text, told):
    with pytest.raises(ValueError, match=told):
        plan(BASE, [text])


def test_values_may_hold_commas_in_brackets_or_between_semicolons():
    rows = plan(BASE, ["guidance.interval:[0.1,1],[0.2, 1]", "steps:3,4", "negative:hat,pipe;crown"])[1:]
    assert [row.value for row in rows] == ["[0.1,1]", "[0.2, 1]", "3", "4", "hat,pipe", "crown"]
    assert [settings_of(row.overrides)["guidance"]["interval"][0] for row in rows[:2]] == [0.1, 0.2]


@pytest.mark.parametrize("key", FIXED)
def test_what_a_comparison_sets_itself_is_refused_in_the_base(key):
    for typed in (f"{key}=4", f"+{key}=4"):
        for rows in (lambda base: plan(base, ["w:1"]), lambda base: crossed(base, ("w", [1]), ("steps", [2]))):
            with pytest.raises(ValueError, match=rf"^\+?{key}=4: .*[a-z]") as refused:
                rows([*BASE, typed])
            assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rank=adherence", "of=4"], "compare.py: rank=adherence: every row shows the same seeds"),
        (["n=4"], "n=4: every row has one picture for each seed; name the seeds, as in seeds=0,1,2"),
        (["scale=0"], "scale=0: must be a whole number of at least 1"),
        (["vary=sampler:ddim,ddpm", "sampler=ddim", "sampler.eta=0.5"],
         "compare.py: sampler = ddpm: sampler.eta: a setting of another option of its group than the one chosen"),
        (["vary=sampler:ddpm", "sampler.eta=0.5"], "compare.py: baseline: sampler.eta: a setting of another option"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told_in_one_line_before_anything_is_drawn(
    in_tmp, weights, monkeypatch, arguments, told
):
    monkeypatch.setattr("inference.job.Drawing.draw", lambda *_: pytest.fail("drew"))
    with pytest.raises(SystemExit) as refused:
        run_program("scripts/compare.py", f"checkpoint={weights}", "vary=w:1", "out=sheet", *arguments)
    assert str(refused.value).startswith(told if told.startswith("compare") else f"compare.py: {told}")
    assert "\n" not in str(refused.value) and not (in_tmp / "sheet").exists()


def test_what_was_made_of_a_phrase_is_told_once(in_tmp, weights, capsys):
    common = [f"checkpoint={weights}", "prompt=a crown on a bicycle", "steps=1", "refine=0", "seeds=0"]
    for scale in (1, 2):
        run_program("scripts/compare.py", *common, "vary=w:1,2", f"scale={scale}", f"out={scale}")
    told = capsys.readouterr().out
    assert told.count("ignored: 'bicycle'") == told.count("understood: Crown") == 2  # once for each run
    heights = [Image.open(in_tmp / f"{scale}/contact.png").height for scale in (1, 2)]
    assert heights[1] - heights[0] >= 3 * 24  # a sheet of three rows is enlarged


def test_commands_name_the_weights_also_where_none_were_named(in_tmp, weights, monkeypatch):
    newest = in_tmp / "runs/a/checkpoints/ema.safetensors"
    newest.parent.mkdir(parents=True)
    newest.write_bytes(weights.read_bytes())
    monkeypatch.setattr("inference.weights.find_checkpoint", lambda dataset: newest)
    for base in (["dataset=pixelfaces"], ["dataset=pixelfaces", "checkpoint=null"]):
        for result in run(plan([*base, "steps=1", "refine=0"], ["w:1"]), [3]):
            arguments = shlex.split(result.row.command(3))[2:]
            assert [a for a in arguments if "checkpoint" in a] == ["checkpoint=runs/a/checkpoints/ema.safetensors"]


@pytest.mark.parametrize("folder", ["plain", "a b", "a,b", "l'été", "x=1", "a[1]", "$a", "(1)"])
def test_weights_are_named_wherever_they_lie(in_tmp, weights, folder):
    path = in_tmp / "runs" / folder / "checkpoints/ema.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(weights.read_bytes())
    row = Row(BASELINE, "", ("dataset=pixelfaces",))
    named = naming_weights(row, prepare(settings_of(row.overrides))[0])
    assert settings_of(named.overrides)["checkpoint"] == f"runs/{folder}/checkpoints/ema.safetensors"


@pytest.fixture
def results(in_tmp, weights):
    rows = plan([f"checkpoint={weights}", *BASE], ["w:2,6", "steps:5"])
    return run(rows, [4, 9])


def test_distances_are_from_the_baseline_of_the_same_seed(results):
    base, same, other, more = results
    assert base.distance.tolist() == [0, 0] and same.distance.tolist() == [0, 0]
    assert (other.distance > 0).all() and (more.distance > 0).all()
    by_hand = np.abs(other.images[1].double().numpy() - base.images[1].double().numpy()).mean()
    assert other.distance[1].item() == pytest.approx(by_hand)
    assert all(result.adherence is None for result in results)  # no classifier of this data


def test_the_baseline_tells_its_value_of_all_that_varies(in_tmp, weights):
    base = [f"checkpoint={weights}", *BASE]
    rows = plan(base, ["w:2,6", "spacing:linspace", "sampler:ddim", "guidance.interval:[0.2,1]", "negative:crown"])
    results = run(rows, [4])
    assert results[0].row.told == (
        "w = 2, spacing = trailing, sampler = dpmpp_2m, guidance.interval = [0.0, 1.0], negative = null"
    )
    assert results[0].row.label == "baseline"  # so many belong into the caption
    assert [result.row.label for result in results[1:3]] == ["w = 2", "w = 6"]
    write(in_tmp, results, [4])
    with (in_tmp / "cells.csv").open(encoding="utf-8") as file:
        cell = next(csv.DictReader(file))
    assert (cell["setting"], cell["value"]) == (BASELINE, "")
    assert shlex.split(cell["command"])[2:] == [*base, "seed=4", "n=1"]


def test_numbers_that_nobody_typed_are_written_as_one_types_them(in_tmp, weights):
    Image.new("RGB", (24, 24), (200, 50, 50)).save("init.png")
    base = [f"checkpoint={weights}", "steps=2", "refine=0", "init=init.png"]
    assert run(plan(base, ["strength:0.3,0.7"]), [0])[0].row.label == "baseline (strength = 1)"


def test_the_command_of_a_cell_draws_that_cell(in_tmp, results):
    write(in_tmp, results, [4, 9])
    with (in_tmp / "cells.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == 8 and Image.open(in_tmp / "contact.png").height > 4 * 24 * 4
    cell = next(c for c in cells if (c["setting"], c["value"], c["seed"]) == ("w", "6", "9"))
    program, *arguments = shlex.split(cell["command"])[1:]
    run_program(program, *arguments, "scale=1", "out=cell")
    drawn = np.asarray(Image.open(in_tmp / "cell/seed-000009.png"))
    assert np.array_equal(drawn, results[2].images[1].permute(1, 2, 0).numpy())


def test_an_impossible_value_stops_before_anything_is_drawn(in_tmp, weights, monkeypatch):
    monkeypatch.setattr("inference.job.Drawing.draw", lambda *_: pytest.fail("drew"))
    with pytest.raises(ValueError, match="w = -1: w=-1"):
        run(plan([f"checkpoint={weights}", *BASE], ["w:1,-1"]), [0])


def test_rows_of_the_same_weights_share_one_network(in_tmp, weights):
    loaded = []

    def load(*asked):
        loaded.append(asked)
        return Pipeline.load(*asked)

    run(plan([f"checkpoint={weights}", *BASE], ["w:1,4", "precision:bf16"]), [0], load=load)
    assert [precision for _, _, precision in loaded] == ["fp32", "bf16"]
