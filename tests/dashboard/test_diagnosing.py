"""Diagnoses as processes, and the panel that shows what they found."""

import json
from pathlib import Path

import pytest

from dashboard import diagnosing, jobs
from diagnosis.findings import FAULT, OK, Finding, Outcome, sentence
from diagnosis.report import FINDINGS
from tests.dashboard.apps import labelled, open_page
from tests.dashboard.test_jobs import Sleeping
from training.run import Run

RUNS, RUN = Path("runs"), Run(Path("runs/faces/a"))
FOUND = [
    Finding("label", "x", Outcome(FAULT, sentence("trained without labels"), sentence("raise optim.lr to {lr:.1g}, or "
            "train longer", lr=0.01))),
    Finding("data", "x", Outcome(OK, sentence("levels {low}", low=3))),
]  # fmt: skip


@pytest.fixture
def processes(in_tmp, monkeypatch):
    monkeypatch.setattr(jobs, "_STARTED", {})
    monkeypatch.setattr(jobs.subprocess, "Popen", Sleeping)
    RUN.path.mkdir(parents=True)
    RUN.config.write_text("{}")
    RUN.status.write_text('{"state": "finished", "step": 5, "steps": 5, "updated": "2020-01-01T00:00:00+00:00"}')


def write(name: str, findings=FOUND, step: int = 5) -> Path:
    folder = RUN.path / "doctor" / name
    folder.mkdir(parents=True)
    path = folder / FINDINGS
    path.write_text(json.dumps({"step": step, "findings": [finding.plain() for finding in findings]}))
    return path


def test_one_run_is_examined_at_a_time_and_takes_no_place_of_a_training(processes):
    job = diagnosing.start(RUN, RUNS)
    command = jobs._STARTED[job.log].command
    assert [Path(part).name for part in command[1:2]] == ["doctor.py"]
    assert command[2:] == [f"out={job.run}", "run=runs/faces/a"] and Path(job.run).parent == RUN.path / "doctor"
    assert diagnosing.running(RUNS) == job and jobs.jobs(RUNS) == []
    with pytest.raises(ValueError, match="being examined already"):
        diagnosing.start(RUN, RUNS)
    jobs._STARTED[job.log].status = 0
    assert diagnosing.running(RUNS) is None and diagnosing.failure(RUN, RUNS) == ""
    diagnosing.start(RUN, RUNS)


def test_why_a_diagnosis_failed_is_the_last_line_that_it_printed(processes):
    job = diagnosing.start(RUN, RUNS)
    Path(job.log).write_text("a warning\ndoctor.py: run=runs/faces/a: has saved nothing yet\n")
    jobs._STARTED[job.log].status = 2
    assert diagnosing.failure(RUN, RUNS) == "run=runs/faces/a: has saved nothing yet"
    assert diagnosing.failure(Run(Path("runs/faces/b")), RUNS) == ""


def test_the_newest_diagnosis_that_can_be_read_is_shown(processes):
    assert diagnosing.latest(RUN) is None
    write("2026-01-01", step=3)
    write("2026-01-02", step=4)
    for number, content in enumerate(("{", "[]", '{"step": 1, "findings": [{}]}', '{"step": 1, "findings": 7}')):
        write(f"2026-02-0{number}").write_text(content)
    gap = json.loads(write("2026-03-01").read_text())
    gap["findings"][1]["figure"]["values"] = {}
    (RUN.path / "doctor" / "2026-03-01" / FINDINGS).write_text(json.dumps(gap))
    assert diagnosing.latest(RUN).step == 4


def test_the_page_examines_a_run_and_shows_findings_in_both_languages(processes):
    app = open_page("runs")
    assert any("Not examined yet" in caption.value for caption in app.caption)
    labelled(app.button, "Examine").click().run()
    assert not app.exception and labelled(app.button, "Examine").disabled
    assert any("is being examined" in caption.value for caption in app.caption)
    (job,) = jobs.jobs(RUNS / diagnosing.PLACE)
    jobs._STARTED[job.log].status = 0
    write("2099-01-01")
    shown = "".join(block.value for block in app.run().markdown)
    assert "trained without labels" in shown and "raise optim\\.lr to 0\\.01" in shown and "fault" in shown
    french = "".join(block.value for block in open_page("runs", language="Français").markdown)
    assert "entraîné sans étiquettes" in french and "défaut" in french and "élevez optim" in french
