"""Programs: how long a person waits for a command, from the shell to its files, its help or its error."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.plots import Panel, table
from scripts.speed.bench import ROOT, Bench
from scripts.speed.timing import Case, Spread, number

MEASUREMENTS = 1
COMMANDS = {  # and the exit status of each
    "python sample.py attrs=male,glasses w=3": 0,
    "python sample.py --help": 0,
    "python sample.py attrs=mael": 2,
}


def measure(bench: Bench) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:  # without runs, whose weights would be taken
        cases = [
            Case(command, lambda command=command: run(command, Path(folder), bench.threads)) for command in COMMANDS
        ]
        seconds = bench.stopwatch.time(cases)
    return {"rows": [{"command": command, "seconds": Spread.of(seconds[command])._asdict()} for command in COMMANDS]}


def run(command: str, folder: Path, threads: int) -> None:
    """Run a command of COMMANDS in `folder`. Raises ValueError where it does not end as it should."""
    _, program, *arguments = shlex.split(command)
    run_python([str(ROOT / program), *arguments], threads, folder, COMMANDS[command])


def run_python(arguments: Sequence[str], threads: int, folder: Path | None = None, status: int = 0) -> None:
    """Run Python with these arguments, in this folder. Raises ValueError, in one line, for another exit status."""
    # cli/app.py sets this for its own time, and with it an error of the child would be a traceback
    environment = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
    )
    if done.returncode != status:
        program = next(Path(argument).name for argument in arguments if argument.endswith(".py"))
        lines = done.stderr.strip().splitlines() or ["no message"]
        said = [line for line in lines if line.startswith(program)] or lines  # torchrun adds lines of its own
        raise ValueError(f"{program}: ended with status {done.returncode} and not {status}: {said[-1]}")


def report(figures: dict[str, Any]) -> str:
    seconds = [Spread(**row["seconds"]) for row in figures["rows"]]
    rows = [(f"`{row['command']}`", f"**{s}**") for row, s in zip(figures["rows"], seconds, strict=True)]
    return f"## Programs\n\n{table(('command', seconds[0].head('seconds')), rows)}"


def summary(figures: dict[str, Any]) -> str:
    return "seconds: " + ", ".join(
        f"{row['command'].removeprefix('python ')} {number(row['seconds']['median'])}" for row in figures["rows"]
    )


def panels(figures: dict[str, Any]) -> list[Panel]:
    return []
