"""Every run shows, also one that is broken or whose process has died."""

import datetime
import json
import os

import filelock
import pytest
import yaml

from dashboard.overview import duration, overview, overviews, preview_requests, run_folders, sample_grids
from training.run import Run

LONG_AGO = "2020-01-01T00:00:00+00:00"


def status(folder, **values):
    folder.mkdir(parents=True, exist_ok=True)
    status = {"state": "finished", "step": 5, "steps": 10, "updated": LONG_AGO, "pid": 1, "dataset": "mnist"} | values
    (folder / "status.json").write_text(json.dumps(status))
    return folder


def test_a_trained_run_is_described(in_tmp, train_tiny):
    train_tiny("train.steps=2", "train.log_every=1", "train.preview_every=1", "run=runs/faces/a")
    (found,) = overviews(in_tmp / "runs")
    assert (found.name, found.state, found.step, found.steps) == ("faces/a", "finished", 2, 2)
    assert (found.dataset, found.device, found.seconds_left) == ("pixelfaces", "cpu", 0)
    assert found.images_per_second > 0 and found.loss > 0 and found.doing == ""
    grids = sample_grids(found.run)
    assert {(grid.step, grid.kind, grid.w) for grid in grids} == {(s, k, w) for s in (1, 2) for k in ("raw", "ema")
                                                                  for w in ("1", "3")}  # fmt: skip
    assert len(preview_requests(found.run)) == 6


def test_a_running_process_holds_its_lock_and_a_killed_one_does_not(tmp_path):
    folder = status(tmp_path / "run", state="running")
    lock = filelock.FileLock(folder / ".lock")
    with lock:
        assert overview(folder, tmp_path).state == "running"
    assert overview(folder, tmp_path).state == "killed"
    fresh = datetime.datetime.now().astimezone().isoformat()
    assert overview(status(folder, state="running", updated=fresh), tmp_path).state == "running"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"state": 1}',
        b"\xff\xfe",
        b'{"state": "finished", "step": null, "steps": 1}',
        b'{"state": "failed", "step": Infinity}',
    ],
)
def test_a_broken_status_shows_as_such_and_hides_no_other_run(tmp_path, content):
    status(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "status.json").write_bytes(content)
    states = {run.name: run.state for run in overviews(tmp_path)}
    assert states == {"good": "finished", "bad": "broken"}


def test_numbers_that_are_none_are_left_out(tmp_path):
    """A training that diverged writes NaN; the page that shows all runs must not break on it."""
    folder = status(tmp_path / "run", seconds_left=float("nan"), loss=float("inf"), images_per_second=float("nan"))
    found = overview(folder, tmp_path)
    assert (found.state, found.seconds_left, found.loss, found.images_per_second) == ("finished", None, None, None)


def test_runs_are_found_at_any_depth_and_links_are_not_followed(tmp_path):
    elsewhere = status(tmp_path / "elsewhere" / "run")
    root = tmp_path / "runs"
    status(root / "a" / "b" / "c")
    status(root / ".jobs" / "x")
    (root / "d").mkdir()
    (root / "d" / "config.yaml").write_text("{}")
    if os.name == "posix":
        (root / "link").symlink_to(elsewhere.parent, target_is_directory=True)
    assert sorted(folder.relative_to(root).as_posix() for folder in run_folders(root)) == ["a/b/c", "d"]
    assert overview(root / "d", root).state == "unknown"


def test_no_folder_is_no_run(tmp_path):
    assert overviews(tmp_path / "runs") == []


@pytest.mark.parametrize("config", ["[]", "{}", "a: [", yaml.safe_dump({"dataset": {}, "cfg": {"conditional": True}})])
def test_requests_of_a_broken_config_are_not_known(tmp_path, config):
    (tmp_path / "config.yaml").write_text(config)
    assert preview_requests(Run(tmp_path)) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0, "0 s"), (61, "1 min 01 s"), (3600 * 2 + 300, "2 h 05 min")]
)
def test_durations_are_told_in_two_units(seconds, text):
    assert duration(seconds) == text
