"""The entry points, run in the process of a test."""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """The folder of the published data files, which need not be there."""
    return ROOT / os.environ.get("DATA_ROOT", "datasets")  # an absolute one takes the place of ROOT


def run_program(program: str, *arguments: str) -> None:
    """Run "sample.py" or "scripts/compare.py" in this process, as `python program arguments` would."""
    before = sys.argv
    sys.argv = [str(ROOT / program), *arguments]
    try:
        runpy.run_path(str(ROOT / program), run_name="__main__")
    finally:
        sys.argv = before
