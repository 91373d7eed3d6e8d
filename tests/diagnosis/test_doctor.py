"""scripts/doctor.py as it is typed: what it writes and prints, and what it refuses in one line."""

import json
import shutil
from pathlib import Path

import filelock
import pytest

from data.images import read_rgb
from diagnosis.checks import CHECKS
from diagnosis.findings import UNCHECKED
from diagnosis.report import FINDINGS, GUIDE, PICTURE, REPORT
from tests.cli.test_bad_input import everything_below, refused
from tests.cli.test_baselines import TYPED
from tests.diagnosis.conftest import SMALL, diagnosed
from tests.programs import ROOT, run_program
from training.loop import train
from training.run import Run
from training.trainer import Trainer

DOCTOR, QUICK = "scripts/doctor.py", ("images=16", "samples=2", "device=cpu")


@pytest.fixture
def healthy(trained, there, tmp_path) -> Run:
    """A copy, to write into."""
    return Run(shutil.copytree(trained("healthy").path, tmp_path / "run"))


def test_it_writes_into_the_run_and_changes_nothing_else_of_it(healthy, capsys):
    before = everything_below(healthy.path)
    run_program(DOCTOR, f"run={healthy}", *QUICK)
    after = everything_below(healthy.path)
    assert {path: after[path] for path in before} == before
    (folder,) = (healthy.path / "doctor").iterdir()
    assert {Path(path).name for path in after if path not in before} - {"doctor", folder.name} == {
        FINDINGS,
        PICTURE,
        REPORT,
    }
    printed = capsys.readouterr().out
    assert printed.startswith(f"{healthy}: step 60 of 60, finished\n")
    assert all(f"  {check.name}  " in printed for check in CHECKS)
    found = json.loads((folder / FINDINGS).read_text())
    assert [finding["check"] for finding in found["findings"]] == [check.name for check in CHECKS]
    text = (folder / REPORT).read_text()
    assert text.count("\n| ok |") == sum(finding["verdict"] == "ok" for finding in found["findings"]) > 0
    assert read_rgb(folder / PICTURE).float().std() > 1
    run_program(DOCTOR, f"run={healthy}", *QUICK)  # again, beside the first
    assert len(list((healthy.path / "doctor").iterdir())) == 2


def test_a_run_in_progress_is_examined_as_of_its_last_save(healthy, capsys):
    with filelock.FileLock(healthy.path / ".lock"):
        run_program(DOCTOR, f"run={healthy}", "out=apart", *QUICK)
    assert "it goes on, and this is of its last save" in capsys.readouterr().out
    shutil.rmtree("apart")


def test_what_cannot_be_examined_is_one_line(healthy, there, capsys):
    assert "Name its folder" in refused(capsys, there, DOCTOR)
    assert "no such folder" in refused(capsys, there, DOCTOR, "run=runs/nowhere")
    assert "no run (it holds no config.yaml)" in refused(capsys, there, DOCTOR, "run=squares")
    assert "no such folder" in refused(capsys, there, DOCTOR, "run=squares/metadata.csv")
    healthy.state.unlink()
    assert "has saved nothing yet" in refused(capsys, there, DOCTOR, f"run={healthy}")
    healthy.config.write_text("dataset: [")
    assert "cannot be read" in refused(capsys, there, DOCTOR, f"run={healthy}")


def test_other_pictures_than_those_of_the_training_are_refused(healthy, there, capsys):
    text = healthy.config.read_text()
    assert "path: squares" in text
    healthy.config.write_text(text.replace("path: squares", "path: twenty"))
    assert "was trained on other pictures or labels" in refused(capsys, there, DOCTOR, f"run={healthy}")
    healthy.config.write_text(text.replace("path: squares", "path: nowhere"))
    assert "nowhere" in refused(capsys, there, DOCTOR, f"run={healthy}")


def test_a_training_that_failed_before_its_first_save_is_told_why(compose, there, tmp_path, monkeypatch):
    step = Trainer.step

    def failing(self, number, total):
        if number == 6:
            raise FloatingPointError("step 6: the loss is nan and the gradient norm nan; stopped")
        return step(self, number, total)

    typed = [*SMALL, "dataset.path=squares", "train.steps=9", f"run={tmp_path}/failed", "train.log_every=1"]
    with monkeypatch.context() as patch, pytest.raises(FloatingPointError):
        patch.setattr(Trainer, "step", failing)
        train(compose("train", typed), typed)
    found = diagnosed(Run(tmp_path / "failed"))
    assert "the loss is nan" in str(found["learning rate"].figure)
    assert found["label"].verdict == found["samples"].verdict == UNCHECKED != found["data"].verdict


@pytest.mark.parametrize("model", ["vae", "wgan_gp"])
def test_of_a_baseline_it_says_what_it_cannot_check(compose, in_tmp, model):
    typed = [f"model={model}", *TYPED, "train.steps=6", "run=baseline"]
    found = diagnosed(train(compose("train", typed), typed).run, images=16, samples=2)
    without = {name for name, outcome in found.items() if outcome.verdict == UNCHECKED}
    assert without == {"EMA weights", "noise levels", "other runs", "label", "memorisation"}


def test_every_check_leads_to_a_section_of_the_guide():
    lines = (ROOT / GUIDE).read_text(encoding="utf-8").splitlines()
    sections = {line.removeprefix("## ").lower().replace(" ", "-") for line in lines if line.startswith("## ")}
    rows = {line.split(" | ")[0].removeprefix("| ") for line in lines}
    assert {check.section for check in CHECKS} <= sections and {check.name for check in CHECKS} <= rows
