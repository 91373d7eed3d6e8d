"""Two processes on one machine: what one of them finds, both know; and an error in either is reported by its rank."""

import os
import subprocess
import sys

import pytest

from runtime.distributed import processes
from tests.conftest import TINY
from tests.programs import ROOT


def torchrun(folder, program, *arguments: str) -> subprocess.CompletedProcess:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    return subprocess.run(
        [*launcher, str(program), *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )


TOGETHER = """
import sys
from pathlib import Path
import torch
from runtime.distributed import processes, rank

def refuse():
    raise ValueError("seed=-1: must be a whole number")

with processes("cpu") as here:
    found = [here.rank == rank(), here.is_main == (here.rank == 0), here.world_size]
    found.append(here.on_main(lambda: f"by {here.rank}"))
    try:
        here.on_main(refuse)
    except ValueError as error:
        found.append(str(error))
    found += [here.any(here.rank == 1), here.any(False), here.sum(torch.tensor([here.rank + 1.0])).item()]
    model = here.wrap(torch.nn.Linear(1, 1, bias=False))
    model(torch.full((1, 1), 2.0 * here.rank)).sum().backward()
    found.append(model.module.weight.grad.item())
    Path(f"rank-{here.rank}").write_text(repr(found))
"""


def test_what_the_main_process_returns_or_raises_every_process_returns_or_raises(tmp_path):
    """Otherwise one process ends and the other waits for it."""
    (tmp_path / "program.py").write_text(TOGETHER)
    done = torchrun(tmp_path, "program.py")
    assert done.returncode == 0, done.stderr
    refusal = "seed=-1: must be a whole number"
    for rank in range(2):
        found = (tmp_path / f"rank-{rank}").read_text()
        assert found == repr([True, True, 2, "by 0", refusal, True, False, 3.0, 1.0]), rank


def test_an_error_on_any_rank_ends_with_its_words(tmp_path):
    done = torchrun(tmp_path, ROOT / "train.py", *TINY, "train.batch_size=7", "train.steps=1", "run=a")
    assert done.returncode != 0
    for speaker in ("train.py: ", "train.py (rank 1): "):
        assert f"{speaker}train.batch_size=7 counts the images of all processes" in done.stderr
    assert not list(tmp_path.iterdir())


def test_one_process_needs_no_group(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes("cpu") as here:
        assert (here.rank, here.world_size, here.is_main) == (0, 1, True)
        assert here.on_main(lambda: 5) == 5
        assert here.any(True) and not here.any(False)
        with pytest.raises(KeyError):  # whatever it is
            here.on_main(lambda: {}["none"])


def test_mps_has_no_process_group(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    with pytest.raises(ValueError, match=r"device=mps: .*use device=cpu"), processes("mps"):
        pass
