"""Runs are renamed, or put into a bin and taken out of it again; nothing is deleted for good."""

from __future__ import annotations

from pathlib import Path

from dashboard.jobs import NAME
from dashboard.overview import run_folders
from training.run import Run

FOLDER = "bin"  # beside the folder of all runs, where no search for weights comes


def rename(name: str, to: str, runs: Path) -> str:
    """Give the run `name`, a path below `runs`, another last part, and return the new name.

    Raises ValueError for a run that is being trained, and for a name that is taken or cannot be one.
    """
    if not NAME.fullmatch(to):
        raise ValueError(f"name={to!r}: must be letters, digits, dots, dashes and underscores, of which none leads")
    return _move(runs / name, (runs / name).with_name(to)).relative_to(runs).as_posix()


def discard(name: str, runs: Path) -> str:
    """Put a run into the bin, and return its name there. Raises ValueError for one that is being trained."""
    return _move(runs / name, _free(runs.parent / FOLDER / name)).relative_to(runs.parent / FOLDER).as_posix()


def discarded(runs: Path) -> list[str]:
    """The names of the runs in the bin."""
    root = runs.parent / FOLDER
    return sorted(folder.relative_to(root).as_posix() for folder in run_folders(root))


def put_back(name: str, runs: Path) -> str:
    """Take a run out of the bin, and return its name among the runs."""
    return _move(runs.parent / FOLDER / name, _free(runs / name)).relative_to(runs).as_posix()


def _free(folder: Path) -> Path:
    """The folder, or where something stands there, one with a number behind its name."""
    candidates = (folder.with_name(folder.name + (f"-{i}" if i else "")) for i in range(10_000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _move(folder: Path, to: Path) -> Path:
    """Rename a folder, which is one operation, so that a run is never in two places."""
    if Run(folder).held:
        raise ValueError(f"{folder.as_posix()}: is being trained; stop that first")
    if to.exists():
        raise ValueError(f"{to.as_posix()}: is there already; choose another name")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(to)
    except OSError as error:
        raise ValueError(f"{folder.as_posix()}: cannot be moved to {to.as_posix()} ({error.strerror})") from error
    return to
