"""Trainings by the clock: they end when the time is up, and the learning rate with them."""

import json

import pytest

from runtime.distributed import Processes
from training import clock as module
from training.clock import Clock
from training.optim import AdamW
from training.settings import Loop

ALONE = Processes(0, 1, None)


@pytest.fixture
def time(monkeypatch):
    """A clock that a test moves: time[0] in seconds."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def test_by_steps_the_time_does_not_count(time):
    clock = Clock(Loop(steps=10), ALONE)
    time[0] += 1e6
    clock.read()
    assert clock.total(3) == 10 and not clock.over(9) and clock.over(10)


@pytest.mark.parametrize("schedule", ["cosine", "trapezoid"])
def test_the_learning_rate_is_at_its_end_when_the_time_is_up_whatever_the_pace(time, schedule):
    """At a steady pace it is that of the run with as many steps as fit, from the first step on."""
    optim, clock = AdamW(schedule=schedule, warmup=0), Clock(Loop(minutes=1.0), ALONE)
    rates = []
    for step in range(30):
        rates.append(optim.rate(step, clock.total(step)))
        time[0] += 2.0
        clock.read()
    assert clock.over(30)
    assert rates[1:] == pytest.approx([optim.rate(step, 30) for step in range(1, 30)])
    assert clock.total(30) == 30


def test_a_machine_that_slows_down_makes_fewer_steps_of_the_same_schedule(time):
    optim, clock, step, rates = (
        AdamW(lr=1.0, schedule="trapezoid", cooldown=1.0, warmup=0),
        Clock(Loop(minutes=1.0), ALONE),
        0,
        [],
    )
    while not clock.over(step):
        rates.append(optim.rate(step, clock.total(step)) / optim.lr)
        time[0] += 1.0 if step < 20 else 4.0
        step += 1
        clock.read()
    assert step == 30
    assert rates[20] == pytest.approx(1 - 20 / 60, abs=0.02)  # a third of the time is gone
    assert rates[-1] == pytest.approx(4 / 60, abs=0.02)  # all but the last step


def test_a_resumed_run_goes_on_with_the_time_that_is_left(time):
    clock = Clock(Loop(minutes=1.0), ALONE, elapsed=45.0)
    time[0] += 14.0
    clock.read()
    assert clock.elapsed == 59.0 and not clock.over(10)
    time[0] += 1.0
    clock.read()
    assert clock.over(10)


def test_what_is_done_before_the_start_does_not_count(time):
    """On a GPU a network is compiled first, which takes longer than many a training."""
    clock = Clock(Loop(minutes=1.0), ALONE, elapsed=10.0)
    time[0] += 100.0
    clock.start()
    time[0] += 5.0
    clock.read()
    assert clock.elapsed == 15.0


def test_steps_end_it_where_they_come_first(time):
    clock = Clock(Loop(minutes=1.0, steps=5), ALONE)
    time[0] += 1.0
    clock.read()
    assert clock.total(1) == 5 and clock.over(5)


def test_a_training_ends_by_the_clock_and_goes_on_with_more_time(train_tiny, in_tmp, capsys):
    run = train_tiny("train.minutes=0.02", "run=run", "optim.warmup=0", "optim.schedule=trapezoid", "optim.cooldown=1")
    status = json.loads(run.status.read_text())
    assert status["state"] == "finished" and 0 < status["step"] == status["steps"] < 20_000
    train_tiny("train.minutes=0.02", "run=run")
    assert f"finished at step {status['step']}; to train further, add train.minutes=MORE" in capsys.readouterr().out
    train_tiny("train.minutes=0.03", "run=run")
    assert json.loads(run.status.read_text())["step"] > status["step"]
