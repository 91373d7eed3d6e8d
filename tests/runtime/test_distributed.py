"""Two processes on one machine: what one of them finds, both know; and an error in either is reported by its rank."""

import re

import pytest

from runtime.distributed import processes
from tests.conftest import TINY
from tests.programs import ROOT, run_program, run_together

TOGETHER = """
import sys
from pathlib import Path
import torch
from runtime.distributed import processes, rank
from runtime.settings import compose
from training.settings import TrainSettings
from training.trainer import Trainer

def refuse():
    raise ValueError("seed=-1: must be a whole number")

def agree():  # whose model is gone when the interpreter ends: its threads cannot take the GIL any more then
    with processes("cpu") as here:
        found = [here.rank == rank(), here.is_main == (here.rank == 0), here.world_size]
        found.append(here.on_main(lambda: f"by {here.rank}"))
        try:
            here.on_main(refuse)
        except ValueError as error:
            found.append(str(error))
        for items in (range(5), range(1)):
            rows = here.shared(items, lambda mine: torch.tensor([[i, here.rank] for i in mine]))
            found.append(None if rows is None else rows.tolist())
        found += [here.any(here.rank == 1), here.any(False), here.sum(torch.tensor([here.rank + 1.0])).item()]
        model = here.wrap(torch.nn.Linear(1, 1, bias=False))
        model(torch.full((1, 1), 2.0 * here.rank)).sum().backward()
        found.append(model.module.weight.grad.item())
        Path(f"rank-{here.rank}").write_text(repr(found))
        settings = compose(TrainSettings, sys.argv[1:])
        trainer = Trainer(settings, settings.dataset.load(""), here)
        for step in range(2):
            trainer.step(step, 2)
        weights = torch.nn.utils.parameters_to_vector(trainer.model.parameters())
        Path(f"weights-{here.rank}").write_bytes(weights.detach().numpy().tobytes())

agree()
"""


def test_what_the_main_process_returns_or_raises_every_process_returns_or_raises(tmp_path):
    """Otherwise one process ends and the other waits for it; and each would train a network of its own."""
    ended = run_together(tmp_path, "-c", TOGETHER, *TINY, "train.accumulate=2")
    assert [process.returncode for process in ended] == [0, 0], ended
    refusal = "seed=-1: must be a whole number"
    for rank in range(2):
        found = (tmp_path / f"rank-{rank}").read_text()
        rows = [[[0, 0], [1, 1], [2, 0], [3, 1], [4, 0]], [[0, 0]]] if rank == 0 else [None, None]
        assert found == repr([True, True, 2, "by 0", refusal, *rows, True, False, 3.0, 1.0]), rank
    one, other = ((tmp_path / f"weights-{rank}").read_bytes() for rank in range(2))  # of other pictures and noise each
    assert one == other and any(one)


@pytest.mark.slow
def test_one_two_and_three_processes_write_equal_pictures(tmp_path, weights):
    """sample.py shares its seeds out; also more processes than pictures, and what a label prior decides by the seed."""
    common = [str(ROOT / "sample.py"), f"checkpoint={weights}", "steps=2", "sampler=ddpm", "refine=1", "device=cpu"]
    for n in (5, 1):
        for size in (1, 2, 3):
            out = f"out={n}-of-{size}"
            ended = run_together(tmp_path, *common, "attrs=crown", "w=1", f"n={n}", out, size=size)
            assert [process.returncode for process in ended] == [0] * size, ended
        alone = sorted((tmp_path / f"{n}-of-1").glob("*.png"))
        assert len(alone) == n + 1
        for size in (2, 3):
            shared = sorted((tmp_path / f"{n}-of-{size}").glob("*.png"))
            assert [path.name for path in shared] == [path.name for path in alone]
            for one, other in zip(alone, shared, strict=True):
                assert one.read_bytes() == other.read_bytes(), other


@pytest.mark.parametrize(("rank", "speaker"), [("0", "train.py: "), ("1", r"train.py \(rank 1\): ")])
def test_an_error_on_any_rank_ends_with_its_words(capsys, in_tmp, monkeypatch, rank, speaker):
    """An error may occur on one rank alone, and torchrun itself only says that a process has failed."""
    monkeypatch.setenv("RANK", rank)
    with pytest.raises(SystemExit, match="2"):
        run_program("train.py", *TINY, "train.steps=1", "init_from=nowhere")
    assert re.search(f"^{speaker}init_from=nowhere: no such file", capsys.readouterr().err, re.MULTILINE)


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
