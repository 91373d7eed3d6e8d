"""Runs are renamed, put into a bin and taken out of it, with all that they hold, and never while they are trained."""

from pathlib import Path

import pytest

from dashboard import bin
from inference.weights import WEIGHTS
from training.run import Run

RUNS = Path("runs")


@pytest.fixture
def run(in_tmp) -> Run:
    run = Run(RUNS / "faces" / "one")
    run.weights.parent.mkdir(parents=True)
    run.config.write_text("seed: 3")
    run.weights.write_bytes(b"weights")
    return run


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_renamed_run_holds_what_it_held(run):
    before = everything(run.path)
    assert bin.rename("faces/one", "two", RUNS) == "faces/two"
    assert everything(RUNS / "faces" / "two") == before and not run.path.exists()


def test_a_run_comes_back_from_the_bin_as_it_was_and_is_not_found_while_it_is_there(run):
    before = everything(run.path)
    assert bin.discard("faces/one", RUNS) == "faces/one" and bin.discarded(RUNS) == ["faces/one"]
    assert not list(RUNS.glob(WEIGHTS))
    assert bin.put_back("faces/one", RUNS) == "faces/one"
    assert everything(run.path) == before and bin.discarded(RUNS) == []


def test_nothing_in_the_bin_or_outside_is_overwritten(run):
    bin.discard("faces/one", RUNS)
    for text in ("second", "third"):
        run.path.mkdir()
        run.config.write_text(text)
        if text == "second":
            assert bin.discard("faces/one", RUNS) == "faces/one-1"
    assert bin.put_back("faces/one", RUNS) == "faces/one-1"
    assert run.config.read_text() == "third" and (RUNS / "faces/one-1/config.yaml").read_text() == "seed: 3"
    with pytest.raises(ValueError, match="is there already"):
        bin.rename("faces/one", "one-1", RUNS)


@pytest.mark.parametrize("to", ["", "..", "../x", "a/b", ".hidden", "/etc/x"])
def test_a_name_leads_nowhere_else(run, to):
    with pytest.raises(ValueError, match="must be letters"):
        bin.rename("faces/one", to, RUNS)


def test_a_run_that_is_being_trained_stays_where_it_is(run):
    with run.locked():
        for act in (lambda: bin.rename("faces/one", "two", RUNS), lambda: bin.discard("faces/one", RUNS)):
            with pytest.raises(ValueError, match="is being trained"):
                act()
    assert run.config.exists()
