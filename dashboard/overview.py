"""What is known of every run below a folder, read from what trainings leave there. Nothing is opened elsewhere."""

from __future__ import annotations

import datetime
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from training.run import Run

FRESH_S = 20.0  # a status younger than this is believed without a look at the lock
MARKS = {"config.yaml", "status.json", "train.log"}
GRID_NAME = re.compile(r"step-(\d+)-(raw|ema)-w([\d.e+-]+)\.png")


@dataclass(frozen=True)
class Overview:
    """One run. `state` is running, finished, stopped, failed, killed, unknown or broken; the rest may be missing.

    name    : path below the folder of all runs, with forward slashes
    doing   : what it does beside its steps, such as sampling grids; empty while it takes steps
    message : why it failed, or what is wrong with its files
    """

    name: str
    run: Run
    state: str
    step: int | None = None
    steps: int | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None
    doing: str = ""
    device: str = ""
    dataset: str = ""
    loss: float | None = None
    held_out_loss: float | None = None
    pid: int | None = None
    updated: str = ""
    message: str = ""


class SampleGrid(NamedTuple):
    """A grid of pictures that a training sampled on its way. `kind` is raw or ema."""

    step: int
    kind: str
    w: str
    path: Path


def overviews(root: Path) -> list[Overview]:
    """All runs below `root`, those that changed last first."""
    runs = [overview(folder, root) for folder in run_folders(root)]
    return sorted(runs, key=lambda run: (run.updated, run.name), reverse=True)


def run_folders(root: Path) -> Iterator[Path]:
    """Every folder that is a run or the remains of one, at any depth; links are not followed."""
    for folder, below, files in os.walk(root):
        if MARKS & set(files):
            below.clear()
            yield Path(folder)
        below[:] = [name for name in below if not name.startswith(".")]


def overview(folder: Path, root: Path) -> Overview:
    """One run, whatever state its files are in."""
    run, name = Run(folder), folder.relative_to(root).as_posix()
    try:
        status = json.loads(run.status.read_text(encoding="utf-8"))
        return _read(run, name, status)
    except FileNotFoundError:
        state = "running" if run.held else "unknown"
        return Overview(name, run, state, updated=_changed(folder), message="no status.json yet")
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        reason = f"status.json cannot be read ({type(error).__name__})"
        return Overview(name, run, "broken", updated=_changed(folder), message=reason)


def _read(run: Run, name: str, status: dict[str, Any]) -> Overview:
    state, message = str(status["state"]), str(status.get("message", ""))
    updated = datetime.datetime.fromisoformat(status["updated"]).astimezone(datetime.UTC)
    age = (datetime.datetime.now(datetime.UTC) - updated).total_seconds()
    if state == "running" and age > FRESH_S and not run.held:
        state, message = "killed", "its process is gone and has not said why"
    numbers = {key: _number(status.get(key)) for key in ("images_per_second", "seconds_left", "loss", "held_out_loss")}
    return Overview(
        name, run, state, int(status["step"]), int(status["steps"]), **numbers, doing=str(status.get("doing", "")),
        device=str(status.get("device", "")), dataset=str(status.get("dataset", "")), pid=status.get("pid"),
        updated=updated.isoformat(), message=message,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _changed(folder: Path) -> str:
    """When a folder changed; nothing for one that has just gone."""
    if not folder.is_dir():
        return ""
    return datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")


def sample_grids(run: Run) -> list[SampleGrid]:
    """The sample grids of a run, in the order of their steps."""
    matches = ((GRID_NAME.fullmatch(path.name), path) for path in run.samples.glob("step-*.png"))
    return sorted(SampleGrid(int(m[1]), m[2], m[3], path) for m, path in matches if m)


def preview_requests(run: Run) -> list[str]:
    """What the rows of its sample grids were asked for; nothing where that is not known."""
    try:
        config = run.read_config()
        return [str(request) for request in config["dataset"]["preview"]] if config["cfg"]["conditional"] else []
    except (ValueError, KeyError, TypeError):
        return []


def duration(seconds: float | None) -> str:
    """For people: "1 h 05 min", "3 min 20 s", "12 s"; nothing for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
