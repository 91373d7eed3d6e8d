"""The entry points, run in the process of a test, or in several that work together."""

import os
import runpy
import socket
import subprocess
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


def run_together(folder: Path, *command: str, size: int = 2) -> list[subprocess.CompletedProcess]:
    """`python command` in `size` processes, with the environment that torchrun gives; as they ended, rank by rank."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    group = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    common = {**os.environ, **group, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}  # one thread: sums in one order
    started = [
        subprocess.Popen(
            [sys.executable, *command], cwd=folder, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip
    try:
        outputs = [process.communicate(timeout=250) for process in started]
    finally:
        for process in started:
            process.kill()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *output)
        for process, output in zip(started, outputs, strict=True)
    ]
