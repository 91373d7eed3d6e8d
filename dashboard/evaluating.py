"""Evaluations as processes of their own: started, followed and stopped, one at a time for each dashboard."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from dashboard import jobs
from dashboard.jobs import Job
from dashboard.overrides import refuse
from evaluation.settings import EvaluateSettings
from runtime.settings import compose, override

FINE = (None, 0, -signal.SIGTERM)  # exit statuses: running or not known, done, stopped from here
SHARE = re.compile(r"(\d+)%\|")  # of a progress bar


def start(overrides: Sequence[str], root: Path, dataset: str) -> Job:
    """Evaluate into a new folder below `root`. Raises ValueError for settings that cannot be, and beside another."""
    refuse(overrides, EvaluateSettings)
    compose(EvaluateSettings, overrides)
    with jobs.LAUNCHING:
        if running(root):
            raise ValueError("an evaluation is running already; wait until it ends, or stop it")
        stamp = re.sub(r"[^0-9]+", "-", jobs.now()[:19])
        out = root / dataset / f"{stamp}-validation"
        return jobs.launch("evaluate", override("out", out.as_posix()), out, overrides, root)


def running(root: Path) -> Job | None:
    """The evaluation that was started from here and has not ended."""
    return next((job for job in jobs.jobs(root) if job.running), None)


def share(job: Job) -> float | None:
    """How much of the pictures are sampled; None where that is not known."""
    found = SHARE.findall(job.printed())
    return int(found[-1]) / 100 if found else None


def stop(job: Job) -> None:
    """End an evaluation; what was sampled is kept in files, and the next one goes on from there."""
    if job.running:
        os.kill(job.pid, signal.SIGTERM)
