"""Work beside the page: what it returns is kept, it can be cancelled, and why it failed is told."""

import threading

import pytest
import torch

from dashboard.background import Work, end_all

IMAGES = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)


def test_the_result_is_kept_and_the_way_there_can_be_followed():
    go = threading.Event()

    def task(show):
        show(0.5, IMAGES, 8)
        show(0.75, None, 8)
        go.wait(10)
        return "pictures"

    work = Work(task)
    assert not work.wait(0.1) and (work.share, work.nfe, work.result) == (0.75, 8, None)
    assert work.images is IMAGES  # the last that were shown
    go.set()
    assert work.wait(10) and work.result == "pictures" and work.error is None


def test_cancelled_work_ends_at_its_next_step_and_is_no_failure():
    steps, go = [], threading.Event()

    def task(show):
        for step in range(1000):
            show(step / 1000, None, 0)
            steps.append(step)
            go.wait(10)

    work = Work(task)
    work.cancel()
    go.set()
    assert work.wait(10) and work.cancelled and (work.result, work.error) == (None, None)
    assert len(steps) <= 1


def test_what_was_expected_to_fail_is_told_in_its_own_words():
    def task(show):
        raise ValueError("w=-1: must be a number of at least 0")

    work = Work(task)
    assert work.wait(10) and work.error == "w=-1: must be a number of at least 0"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_code_is_not_waited_for_in_vain():
    work = Work(lambda show: [][0])
    assert work.wait(10) and work.error.startswith("IndexError")


def test_what_still_runs_when_the_server_ends_is_cancelled_first():
    def task(show):
        while True:
            show(0.0, None, 0)

    work = Work(task)
    assert not work.wait(0.1)
    end_all()
    assert work.done and work.cancelled
