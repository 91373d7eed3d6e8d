"""That threads which wait do not spin: the policy must be set before torch is loaded, which reads it once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.py"), *(ROOT / "scripts").glob("*.py")]
)
PROGRAM = """
import os, runpy, sys

class AtTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"))
            sys.stdout.flush()
            os._exit(0)

sys.path.insert(0, ".")
sys.meta_path.insert(0, AtTorch())
runpy.run_path(sys.argv[1])
"""


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_waiting_threads_sleep_in_every_entry_point(entry, monkeypatch):
    """Two threads that spin beside another process sampled five times slower than one."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    found = subprocess.run([sys.executable, "-c", PROGRAM, entry], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == "PASSIVE", found.stderr


def test_what_the_environment_says_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    found = subprocess.run([sys.executable, "-c", PROGRAM, "train.py"], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == "ACTIVE", found.stderr
