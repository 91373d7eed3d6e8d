"""The entry points, run in the process of a test."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_program(program: str, *arguments: str) -> None:
    """Run "sample.py" or "scripts/compare.py" in this process, as `python program arguments` would."""
    before = sys.argv
    sys.argv = [str(ROOT / program), *arguments]
    try:
        runpy.run_path(str(ROOT / program), run_name="__main__")
    finally:
        sys.argv = before
