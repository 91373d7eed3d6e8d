"""Trainings as processes: started, seen, stopped so that they save, and continued."""

import os
import signal
import time
from types import SimpleNamespace

import pytest

from dashboard import jobs
from dashboard.overview import overview
from runtime.checkpoint import load_state
from tests.conftest import TINY
from training.run import Run


def wait_for(condition, seconds=240):  # on a busy machine, importing alone takes more than one minute
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.mark.skipif(os.name != "posix", reason="a training is stopped from the dashboard on Linux and macOS only")
def test_a_training_is_started_stopped_and_continued(in_tmp):
    runs = in_tmp / "runs"
    job = jobs.start([*TINY, "name=mine", "train.steps=100000", "train.log_every=1"], jobs.Path("runs"), threads=1)
    run = Run(job.run)
    assert job.preparing and job.run.startswith("runs/pixelfaces/") and job.run.endswith("-mine")
    wait_for(lambda: run.status.exists() and not job.preparing)
    assert os.getsid(job.pid) != os.getsid(0)  # what ends this session does not end the training
    with pytest.raises(ValueError, match="is being trained already"):
        jobs.resume(run, jobs.Path("runs"))
    jobs.stop(run)
    wait_for(lambda: job.exit_status is not None)
    assert job.exit_status == 128 + signal.SIGINT
    found = overview(run.path, jobs.Path("runs"))
    assert found.state == "stopped" and load_state(run.state)["step"] == found.step > 0
    with pytest.raises(ValueError, match="no training is running there"):
        jobs.stop(run)

    again = jobs.resume(run, jobs.Path("runs"), [f"train.steps={found.step + 2}"])
    wait_for(lambda: again.exit_status is not None)
    assert again.exit_status == 0, again.printed()
    assert overview(run.path, jobs.Path("runs")).state == "finished"
    assert [known.pid for known in jobs.jobs(runs)] == [again.pid, job.pid]
    assert "finished: weights in" in again.printed()
    assert str(in_tmp) not in run.config.read_text()  # a run can be moved


def test_settings_that_cannot_be_are_refused_before_anything_starts(in_tmp):
    for overrides, message in (
        (["train.steps=0"], "train.steps=0"),
        (["name=../x"], "name='../x'"),
        (["diffusion.prediction=eps", "optim.schedule=steep"], "optim.schedule='steep'"),
        (["model=dit", "model.channels=8"], "model.channels"),
    ):
        with pytest.raises(ValueError, match=message):
            jobs.start(overrides, jobs.Path("runs"))
    assert list(in_tmp.iterdir()) == []


class Sleeping:
    """A process that runs until it is stopped."""

    def __init__(self, command, **_):
        self.pid, self.status, self.command = 2**30 + len(jobs._STARTED), None, command

    def poll(self):
        return self.status


def test_no_more_trainings_run_at_once_than_a_machine_can_take(in_tmp, monkeypatch):
    monkeypatch.setattr(jobs, "_STARTED", {})
    monkeypatch.setattr(jobs.subprocess, "Popen", Sleeping)
    runs = jobs.Path("runs")
    started = [jobs.start([f"name=run-{i}"], runs) for i in range(jobs.AT_ONCE)]
    for refused in (lambda: jobs.start(["name=more"], runs), lambda: jobs.resume(Run("runs/pixelfaces/more"), runs)):
        with pytest.raises(ValueError, match=f"at most {jobs.AT_ONCE} trainings") as message:
            refused()
        assert all(job.run in str(message.value) for job in started)
    assert len(jobs.jobs(runs)) == jobs.AT_ONCE
    jobs._STARTED[started[0].log].status = 0
    jobs.start(["name=more"], runs)


def test_a_training_of_an_earlier_dashboard_counts_while_it_runs(in_tmp, monkeypatch):
    monkeypatch.setattr(jobs, "_STARTED", {})
    run = Run("runs/faces/a")
    job = jobs.Job(str(run), 4321, [], "", "")
    with run.locked():
        run.write_status(state="running", pid=4321)
        assert job.running and not job.preparing
        run.write_status(state="running", pid=99)  # of another process, which continues the run
        assert not job.running
    run.write_status(state="running", pid=4321)
    assert not job.running


def test_a_process_number_that_came_again_is_another_job(in_tmp, monkeypatch):
    """Else an evaluation of an earlier dashboard would count as running with a new training, and be stopped with it."""
    monkeypatch.setattr(jobs, "_STARTED", {"runs/.jobs/new.log": SimpleNamespace(poll=lambda: None)})
    old, new = (jobs.Job(f"runs/{name}", 4321, [], "", f"runs/.jobs/{name}.log") for name in ("old", "new"))
    assert new.running and not old.running and not old.preparing


def test_options_that_are_no_options_are_refused_also_where_no_list_was_clicked(in_tmp):
    for typed in ("model=../../x", "dataset=/etc/x"):
        with pytest.raises(ValueError, match="unknown; choose one of"):
            jobs.start([typed], jobs.Path("runs"))


@pytest.mark.parametrize(
    "line",
    [
        "run=/etc/x", "init_from=/etc/x",
        "data_root=/etc", "resume=never", "hydra.run.dir=/tmp", "+x=1", "train.steps", "--multirun",
        "name=${oc.env:HOME}", "model=../../x", "dataset=nothing", "wrong.key=1",
    ],
)  # fmt: skip
def test_paths_and_the_environment_are_not_for_visitors_to_set(line):
    with pytest.raises(ValueError, match="no setting that can be given here"):
        jobs.extra(line)


def test_further_settings_are_taken_line_by_line():
    text = "train.ema_decay=0.99\n\n  model.channels=16 \ndataset=mnist"
    assert jobs.extra(text) == ["train.ema_decay=0.99", "model.channels=16", "dataset=mnist"]


def test_a_job_file_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / ".jobs").mkdir()
    (tmp_path / ".jobs" / "a.json").write_text("{")
    (tmp_path / ".jobs" / "b.json").write_text('{"other": 1}')
    assert jobs.jobs(tmp_path) == [] == jobs.jobs(tmp_path / "nowhere")


def test_a_progress_bar_is_told_as_it_stands(tmp_path):
    (tmp_path / "log").write_bytes(b"begun\n 10%\r 20%\r 30%\nended\n")
    assert jobs.Job("run", 1, [], "", str(tmp_path / "log")).printed() == "begun\n 30%\nended"
    assert jobs.Job("run", 1, [], "", str(tmp_path / "none")).printed() == ""
