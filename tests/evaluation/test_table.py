"""Evaluations side by side, and the time that they take."""

import json

import pytest

from data import PixelFaces
from diffusion.guidance import CFG, Interval
from evaluation.speed import Speed, SpeedSettings
from tests.evaluation.stubs import bench_of
from tests.programs import run_program


def record(folder, sampler="ddim", guidance=None, **figures) -> None:
    """What evaluate.py leaves, as far as the table reads it."""
    settings = {
        "checkpoint": "abc",
        "split": "validation",
        "spacing": {"name": "trailing"},
        "steps": 25,
        "refine": 4,
        "seed": 0,
    }
    settings |= {"precision": "fp32", "guide": None, "sampler": {"name": sampler, "eta": 0.0}}
    settings |= {"guidance": (guidance or CFG()).plain()}
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({**settings, **figures}), encoding="utf-8")


def estimate(value: float) -> dict:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 100}


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_a_table_has_the_settings_that_differ_and_what_was_measured(in_tmp, capsys):
    exact = {"w": 2, "nfe": 50, "exact_one_seed": estimate(0.25), "wrong_mean": estimate(3.0)}
    record(in_tmp / "b", "ddpm", exact=exact)
    record(in_tmp / "a", "ddim", exact={**exact, "exact_one_seed": estimate(0.5)})
    record(
        in_tmp / "c", "ddpm", speed={"w": 2.0, "nfe": 50, "seconds": 2.0}
    )  # the same settings, measured another time
    run_program("scripts/maintain/table.py", "a", "b", "c")
    header, _, *rows = cells(capsys.readouterr().out)
    assert header == ["sampler", "exact", "wrong pixels", "NFE", "seconds"]
    assert rows == [
        ["ddim 0.0", "50.0 % (40.0 to 60.0)", "3.00 (2.90 to 3.10)", "50", ""],
        ["ddpm 0.0", "25.0 % (15.0 to 35.0)", "3.00 (2.90 to 3.10)", "50", "2.00"],
    ]


def test_each_guidance_weight_has_a_row_and_a_point(in_tmp, capsys):
    none = {"value": None, "low": None, "high": None, "n": 0}
    by_w = {
        "1": {"nfe": 25, "present": estimate(0.5), "absent": estimate(0.6), "whole": estimate(0.4)},
        "3": {"nfe": 50, "present": estimate(0.9), "absent": none, "whole": estimate(0.8)},
    }
    validity = {"sampled": [{"named": 2, "w": 3.0, "nfe": 50, "valid": estimate(0.45)}]}
    sets = {
        "real halves": {},
        "w = 3": {"nfe": 50, "fid": {"mean": 0.25, "std": 0.0}, "recall": {"mean": 0.5, "std": 0.0}},
    }
    record(in_tmp / "plain", adherence={"by_w": by_w}, distribution={"sets": sets}, validity=validity)
    record(in_tmp / "late", guidance=Interval(), adherence={"by_w": by_w})
    run_program("scripts/maintain/table.py", "plain", "late", "--figure", "curves.png")
    header, _, *rows = cells(capsys.readouterr().out)
    columns = ["guidance", "w", "adherence", "absence", "whole requests", "valid, 2 named", "FID", "recall", "NFE"]
    assert header == columns
    shares = ["90.0 % (80.0 to 100.0)", "", "80.0 % (70.0 to 90.0)", "45.0 % (35.0 to 55.0)"]
    assert rows[3] == ["plain", "3.0", *shares, "0.25", "0.500", "50"]
    assert [row[:2] for row in rows[:2]] == [["interval [0.3, 1.0]", "1.0"], ["interval [0.3, 1.0]", "3.0"]]
    assert (in_tmp / "curves.png").stat().st_size > 1000


def test_seeds_have_a_row_each(in_tmp, capsys):
    ratio = {"w": 1.0, "nfe": 2, "ratio": estimate(1.25)}
    for seed in (1, 0):
        sets = {
            "no request": ratio,
            "requests": {**ratio, "w": 3.0, "nfe": 4},
            "independent slots": {"ratio": estimate(0.9)},
        }
        record(in_tmp / f"seed-{seed}", seed=seed, memorisation={"sets": sets})
    run_program("scripts/maintain/table.py", "seed-0", "seed-1")
    header, _, *rows = cells(capsys.readouterr().out)
    assert header == ["seed", "w", "memorisation ratio", "NFE"]
    assert [row[:2] for row in rows] == [["0", "1.0"], ["0", "3.0"], ["1", "1.0"], ["1", "3.0"]]
    assert rows[0][2:] == ["1.25 (1.15 to 1.35)", "2"]


def test_a_folder_without_figures_is_refused(in_tmp):
    (in_tmp / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"table.py: empty: no metrics.json there"):
        run_program("scripts/maintain/table.py", "empty")


def test_speed_times_what_it_samples_and_nothing_else(monkeypatch):
    """A clock that only sampling moves: the warm-up takes 7 s, the others 2, 9 and 4."""
    passing, clock, asked = iter([7.0, 2.0, 9.0, 4.0]), [0.0], []
    bench = bench_of(PixelFaces(count=60).load(), w=3.0, steps=25)

    def sample(self, label, seeds, options, guide):
        asked.append((len(seeds), options.steps, options.w, options.quantise))
        clock[0] += next(passing)

    monkeypatch.setattr(type(bench.pipe), "__call__", sample, raising=False)
    monkeypatch.setattr("evaluation.speed.time.perf_counter", lambda: clock[0])
    figures = Speed(bench, SpeedSettings(repeats=3)).measure(None)
    assert figures["seconds"] == 4.0 and figures["nfe"] == 50
    assert asked == [(16, steps, 3.0, "pixel") for steps in 4 * [25]]
