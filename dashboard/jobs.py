"""Trainings as processes of their own: they outlive the page, the browser and the dashboard.

What is known of them lies on disk, in <runs>/.jobs: for each a JSON file, and what the process printed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cli import help as explain
from dashboard.asking import options
from inference.comparison import settings_of
from runtime.checkpoint import write_atomically
from training.run import Run, choose_run, now
from training.settings import check_training

ROOT = explain.CONF.parent  # where train.py is
FOLDER = ".jobs"
# Settings of train.py that decide where files are read and written: the dashboard chooses these itself.
OWN = {"run", "resume", "start", "data_root"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
TAIL = 4000  # bytes of what a process printed last


@dataclass(frozen=True)
class Job:
    """A training that was started here. `run` is its folder, `log` the file with what it printed."""

    run: str
    pid: int
    overrides: list[str]
    started: str
    log: str

    def printed(self) -> str:
        """The last lines that the process printed."""
        try:
            text = Path(self.log).read_bytes()[-TAIL:].decode("utf-8", errors="replace")
        except OSError:
            return ""
        # A progress bar goes back to the beginning of its line; what it wrote last is what stands there.
        return "\n".join(line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").strip().split("\n"))

    @property
    def exit_status(self) -> int | None:
        """How the process ended; None while it runs, and where it was started before the dashboard was."""
        process = _STARTED.get(self.pid)
        return process.poll() if process is not None else None

    @property
    def preparing(self) -> bool:
        """Whether the process has been started but has not begun to report on its run."""
        process = _STARTED.get(self.pid)
        if process is None or process.poll() is not None:
            return False
        try:
            return json.loads(Run(self.run).status.read_text(encoding="utf-8"))["pid"] != self.pid
        except (OSError, ValueError, KeyError, TypeError):
            return True


def extra(text: str) -> list[str]:
    """Settings of train.py that a person typed, one on each line. Raises ValueError for what is not theirs to set."""
    groups = {group for group, _ in explain.groups(explain.CONF / "train.yaml")}
    known = {*explain.names("train"), *groups} - OWN
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        fits = key not in groups or value in options(key)  # no other file is read as settings
        if not equals or key not in known or "$" in value or not fits:
            usual = "train.ema_decay=0.999 or model.channels=48"
            raise ValueError(f"{line!r}: no setting that can be given here; write one on each line, such as {usual}")
        found.append(line)
    return found


def check(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration that train.py would have. Raises ValueError, or an error of Hydra, as train.py would."""
    cfg = settings_of(overrides, "train")
    check_training(cfg)
    return cfg


def start(overrides: Sequence[str], runs: Path, threads: int | None = None) -> Job:
    """Begin a new run below `runs`, whose name says what was set. Raises ValueError for settings that cannot be."""
    name = next((o.partition("=")[2] for o in overrides if o.startswith("name=")), None)
    if name is not None and not NAME.fullmatch(name):
        raise ValueError(f"name={name!r}: must be letters, digits, dots, dashes and underscores")
    cfg = check(overrides)
    run, _ = choose_run({**cfg, "run": None}, list(overrides))
    return _launch(runs / run.path.relative_to("runs"), overrides, runs, threads)


def resume(run: Run, runs: Path, steps: int | None = None, threads: int | None = None) -> Job:
    """Continue a run, up to `steps` if they are given. Raises ValueError where it is being written."""
    if run.held:
        raise ValueError(f"{run}: is being trained already")
    return _launch(run.path, [f"train.steps={steps}"] if steps else [], runs, threads)


def _launch(run: Path, overrides: Sequence[str], runs: Path, threads: int | None) -> Job:
    folder = runs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    started = now()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{started}-{run.name}")
    log = folder / f"{stem}.log"
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    command = [sys.executable, str(ROOT / "train.py"), f"run={run.as_posix()}", *overrides]
    apart = {"start_new_session": True} if os.name == "posix" else {"creationflags": _WINDOWS}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment, **apart
        )
    _STARTED[process.pid] = process
    job = Job(run.as_posix(), process.pid, list(overrides), started, log.as_posix())
    write_atomically(folder / f"{stem}.json", lambda file: file.write(json.dumps(asdict(job)).encode()))
    return job


_STARTED: dict[int, subprocess.Popen] = {}  # by this dashboard since its own start
_WINDOWS = 0x00000200 | 0x08000000  # CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW


def jobs(runs: Path) -> list[Job]:
    """All that were started here, the latest first; files that cannot be read are left out."""
    found = []
    for path in sorted((runs / FOLDER).glob("*.json"), reverse=True):
        try:
            found.append(Job(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return found


def stop(run: Run) -> None:
    """Ask the training that writes to `run` to save and stop, as Ctrl-C does. Raises ValueError where there is none.

    The process is the one that holds the run's lock, and so one of this machine.
    """
    if os.name != "posix":
        raise ValueError(f"{run}: a training can be stopped from here on Linux and macOS only; its last save is kept")
    try:
        status = json.loads(run.status.read_text(encoding="utf-8"))
        running, pid = status["state"] == "running", int(status["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        running, pid = False, 0
    if not running or pid <= 1 or not run.held:
        raise ValueError(f"{run}: no training is running there")
    try:
        os.kill(pid, signal.SIGINT)
    except (ProcessLookupError, PermissionError) as error:
        raise ValueError(f"{run}: process {pid} cannot be reached ({error.strerror})") from error
