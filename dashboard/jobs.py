"""Trainings, and other programs, as processes of their own: they outlive the page, the browser and the dashboard.

What is known of them lies on disk, in <runs>/.jobs: for each a JSON file, and what the process printed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from conf import groups, names
from dashboard.overrides import refuse
from runtime.checkpoint import write_atomically
from runtime.settings import CONF, compose, options, override
from training.run import Run, choose_run, now
from training.settings import TrainSettings

AT_ONCE = 2  # trainings started here that may run at the same time; they share one machine
ROOT = CONF.parent  # where train.py is
FOLDER = ".jobs"
# Settings of train.py that decide where files are read and written: the dashboard chooses these itself.
OWN = {"run", "resume", "init_from", "data_root", "dataset.path"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
TAIL = 4000  # bytes of what a process printed last


@dataclass(frozen=True)
class Job:
    """A process that was started here. `run` is the folder that it fills, `log` the file with what it printed."""

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
        process = _STARTED.get(self.log)
        return process.poll() if process is not None else None

    @property
    def running(self) -> bool:
        """Whether the process is there still; of trainings alone, also where an earlier dashboard started it."""
        if self.log in _STARTED:
            return self.exit_status is None
        return self._reports and Run(self.run).held

    @property
    def preparing(self) -> bool:
        """Whether the process has been started but has not begun to report on its run."""
        return self.log in _STARTED and self.exit_status is None and not self._reports

    @property
    def _reports(self) -> bool:
        """Whether it is this process that wrote the status of the run."""
        try:
            return json.loads(Run(self.run).status.read_text(encoding="utf-8"))["pid"] == self.pid
        except (OSError, ValueError, KeyError, TypeError):
            return False


def extra(text: str) -> list[str]:
    """Settings of train.py that a person typed, one on each line. Raises ValueError for what is not theirs to set."""
    known, lines = names(TrainSettings) - OWN, []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        # Of a group only its own options, so that no other file is read as settings.
        fits = key not in groups(TrainSettings) or value in options(TrainSettings, key)
        if not equals or key not in known or "$" in value or not fits:
            usual = "train.ema_decay=0.999 or model.channels=48"
            raise ValueError(f"{line!r}: no setting that can be given here; write one on each line, such as {usual}")
        lines.append(line)
    return lines


def check(overrides: Sequence[str]) -> TrainSettings:
    """The settings that train.py would have. Raises ValueError, as train.py would."""
    refuse(overrides, TrainSettings)
    return compose(TrainSettings, overrides)


def start(overrides: Sequence[str], runs: Path, threads: int | None = None) -> Job:
    """Begin a new run below `runs`, whose name says what was set. Raises ValueError for settings that cannot be."""
    name = next((o.partition("=")[2] for o in overrides if o.startswith("name=")), None)
    if name is not None and not NAME.fullmatch(name):
        raise ValueError(f"name={name!r}: must be letters, digits, dots, dashes and underscores")
    run, _ = choose_run(check(overrides), list(overrides))
    return _launch(runs / run.path.relative_to("runs"), overrides, runs, threads)


def resume(run: Run, runs: Path, overrides: Sequence[str] = (), threads: int | None = None) -> Job:
    """Continue a run with these settings, such as a later end. Raises ValueError where it is being written."""
    if run.held:
        raise ValueError(f"{run}: is being trained already")
    return _launch(run.path, overrides, runs, threads)


def _launch(run: Path, overrides: Sequence[str], runs: Path, threads: int | None) -> Job:
    with LAUNCHING:
        _refuse_more(runs)
        return launch("train", override("run", run.as_posix()), run, overrides, runs, threads)


def launch(
    program: str, where: str, target: Path, overrides: Sequence[str], root: Path, threads: int | None = None
) -> Job:
    """Start a program, and note below `root` that it was; the caller holds LAUNCHING.

    where  : the argument that makes the program write to `target`
    target : the folder that it fills
    """
    folder, started = root / FOLDER, now()
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{started}-{target.name}")
    log = folder / f"{stem}.log"
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    command = [sys.executable, str(ROOT / f"{program}.py"), where, *overrides]
    apart = {"start_new_session": True} if os.name == "posix" else {"creationflags": _WINDOWS}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment, **apart
        )
    _STARTED[log.as_posix()] = process
    job = Job(target.as_posix(), process.pid, list(overrides), started, log.as_posix())
    write_atomically(folder / f"{stem}.json", lambda file: file.write(json.dumps(asdict(job)).encode()))
    return job


def _refuse_more(runs: Path) -> None:
    """Raises ValueError where as many trainings run as may."""
    running = [job.run for job in jobs(runs) if job.running]
    if len(running) >= AT_ONCE:
        raise ValueError(
            f"{' and '.join(running)}: running already; at most {AT_ONCE} trainings are started from here at once, so "
            "stop one, or wait until one ends"
        )


LAUNCHING = threading.Lock()  # two visitors cannot both take the last place
_STARTED: dict[str, subprocess.Popen] = {}  # by this dashboard since its own start, by their logs: pids come again
_ASKED: set[tuple[str, int]] = set()  # runs and their processes that were asked to stop
_WINDOWS = 0x00000200 | 0x08000000  # CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW


def jobs(runs: Path) -> list[Job]:
    """All that were started here, the latest first; files that cannot be read are left out."""
    known = []
    for path in sorted((runs / FOLDER).glob("*.json"), reverse=True):
        try:
            known.append(Job(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return known


def stopping(run: Run, pid: int | None) -> bool:
    """Whether the process that writes to `run` was asked to stop from here."""
    return (str(run), pid) in _ASKED


def stop(run: Run) -> None:
    """Ask the training that writes to `run` to save and stop, as Ctrl-C does. Raises ValueError where there is none.

    The process is the one that holds the run's lock, and so one of this machine. It is asked once.
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
    if stopping(run, pid):
        return
    _ASKED.add((str(run), pid))
    try:
        os.kill(pid, signal.SIGINT)
    except (ProcessLookupError, PermissionError) as error:
        raise ValueError(f"{run}: process {pid} cannot be reached ({error.strerror})") from error
