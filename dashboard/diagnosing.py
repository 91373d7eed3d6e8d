"""Diagnoses of runs as processes of their own, one at a time for each dashboard, and what they found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from dashboard import jobs
from dashboard.jobs import Job
from diagnosis.findings import Sentence
from diagnosis.report import FINDINGS, FOLDER, PICTURE
from runtime.settings import override
from training.run import Run

PLACE = ".doctor"  # below the folder of all runs, for what is known of the processes


class Diagnosis(NamedTuple):
    """The findings as diagnosis/findings.py writes them; `picture` is a file that need not be there."""

    step: int
    findings: list[dict[str, Any]]
    picture: Path


def start(run: Run, runs: Path) -> Job:
    """Examine a run, into a new folder inside it. Raises ValueError beside another diagnosis."""
    with jobs.LAUNCHING:
        if running(runs):
            raise ValueError("a run is being examined already; wait until that ends")
        out = run.path / FOLDER / re.sub(r"[^0-9]+", "-", jobs.now()[:19])
        overrides = [override("run", run.path.as_posix())]
        return jobs.launch("scripts/doctor", override("out", out.as_posix()), out, overrides, runs / PLACE)


def running(runs: Path) -> Job | None:
    """The diagnosis that was started from here and has not ended."""
    return next((job for job in jobs.jobs(runs / PLACE) if job.running), None)


def failure(run: Run, runs: Path) -> str:
    """Why the last diagnosis of a run that was started from here failed; nothing where it did not."""
    ours = (job for job in jobs.jobs(runs / PLACE) if Path(job.run).parent.parent == run.path)
    last = next(ours, None)
    if last is None or last.exit_status in (None, 0):
        return ""
    return (last.printed().splitlines() or [""])[-1].removeprefix("doctor.py: ")


def latest(run: Run) -> Diagnosis | None:
    """The newest diagnosis inside a run that can be read."""
    for path in sorted((run.path / FOLDER).glob(f"*/{FINDINGS}"), reverse=True):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return Diagnosis(int(found["step"]), [_whole(f) for f in found["findings"]], path.with_name(PICTURE))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return None


def _whole(finding: dict[str, Any]) -> dict[str, Any]:
    """The finding itself, if it has all that is shown. Raises LookupError, TypeError or ValueError where it has not."""
    for part in filter(None, (finding["figure"], finding["remedy"])):
        str(Sentence(**part))
    return {name: finding[name] for name in ("check", "verdict", "figure", "remedy")}
