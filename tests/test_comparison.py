"""Controlled experiments: one setting at a time, and a command for every cell that draws that cell."""

import csv
import shlex
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from comparison import BASELINE, crossed, plan, run, settings_of, write
from tests.test_bad_input import run_program

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
    monkeypatch.setattr("steering.Drawing.draw", lambda *_: pytest.fail("drew"))
    with pytest.raises(ValueError, match="w=-1"):
        run(plan([f"checkpoint={weights}", *BASE], ["w:1,-1"]), [0])
