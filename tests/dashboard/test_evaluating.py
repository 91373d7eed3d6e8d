"""Evaluations as processes: one at a time, into a new folder, followed by what they print."""

import signal
from pathlib import Path

import pytest

from dashboard import evaluating, jobs
from tests.dashboard.test_jobs import Sleeping

ROOT = Path("evaluations")


@pytest.fixture
def processes(in_tmp, monkeypatch):
    monkeypatch.setattr(jobs, "_STARTED", {})
    monkeypatch.setattr(jobs.subprocess, "Popen", Sleeping)


def test_one_evaluation_runs_at_a_time(processes):
    job = evaluating.start(["measure=[exact]", "w=2"], ROOT, "faces")
    command = jobs._STARTED[job.log].command
    assert Path(command[1]).name == "evaluate.py" and command[2:] == [f"out={job.run}", "measure=[exact]", "w=2"]
    assert job.run.startswith("evaluations/faces/") and evaluating.running(ROOT) == job
    with pytest.raises(ValueError, match="running already"):
        evaluating.start([], ROOT, "faces")
    jobs._STARTED[job.log].status = 0
    assert evaluating.running(ROOT) is None
    evaluating.start([], ROOT, "faces")


@pytest.mark.parametrize("typed", ["measure=[nothing]", "w=-1", "sampler=../x", "checkpoint=${oc.env:HOME}"])
def test_what_cannot_be_evaluated_is_refused_before_anything_starts(processes, typed):
    with pytest.raises(ValueError, match=typed.partition("=")[0]):
        evaluating.start([typed], ROOT, "faces")
    assert not ROOT.exists()


def test_how_far_it_is_stands_in_its_progress_bar(processes):
    job = evaluating.start([], ROOT, "faces")
    assert evaluating.share(job) is None
    Path(job.log).write_bytes(b"weights: a\n  5%|x | 1/20\r 45%|xx | 9/20, adherence")
    assert evaluating.share(job) == 0.45


def test_a_stop_is_for_a_process_that_is_there(processes, monkeypatch):
    sent = []
    monkeypatch.setattr(evaluating.os, "kill", lambda *which: sent.append(which))
    job = evaluating.start([], ROOT, "faces")
    evaluating.stop(job)
    jobs._STARTED[job.log].status = -15
    evaluating.stop(job)
    assert sent == [(job.pid, signal.SIGTERM)]
