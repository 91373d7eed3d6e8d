"""A training is timed by itself, and a time that nobody waits for any more is given up."""

import pytest

from dashboard import checking
from dashboard.background import Cancelled
from data.folder_source import Problems
from tests.data.folders import colours, sprites


@pytest.fixture
def checked(in_tmp):
    sprites(in_tmp / "own", metadata=colours())
    settings = checking.settings_of(["dataset.path=own"])
    return settings, settings.dataset.read(settings.data_root, Problems(""))


def cancelled(*which):
    raise Cancelled


def test_the_time_of_a_training_waits_for_another_one_and_can_be_given_up(checked, monkeypatch):
    monkeypatch.setattr(checking, "forecast", lambda *which: pytest.fail("two at once"))
    with checking.TIMING, pytest.raises(Cancelled):
        checking.timed(*checked, cancelled)


def test_the_next_one_is_timed_where_one_was_given_up(checked, monkeypatch):
    monkeypatch.setattr(checking, "forecast", lambda settings, splits, here, on_step: on_step(0.5))
    with pytest.raises(Cancelled):
        checking.timed(*checked, cancelled)
    assert not checking.TIMING.locked()
