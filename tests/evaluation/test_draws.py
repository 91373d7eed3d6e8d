"""Pictures are drawn once, whoever draws them, and again only if what decides them has changed."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch

from diffusion.guidance import Guidance
from diffusion.samplers import DDIM, DDPM
from evaluation.draws import Draws, Job
from runtime.distributed import Processes

CPU = torch.device("cpu")


@dataclass
class FakePipe:
    """Draws pictures that show their own seed, label and guidance, and remembers which it drew."""

    checkpoint: str = "a"
    drawn: list = field(default_factory=list)
    edits: list = field(default_factory=list)
    device: torch.device = CPU
    precision: str = "fp32"

    def refinement(self, refine):
        return 4 if refine is None else refine

    def rounds(self, steps, refine):
        return steps

    def __call__(
        self, labels, seeds, w, sampler, steps, spacing, refine, guidance, weaker, snap, batch_size, on_step, **edit
    ):
        self.drawn += list(seeds)
        self.edits.append(edit)
        on_step(1, 0, torch.empty(len(seeds)), None)
        columns = [torch.tensor(seeds), labels[:, 0], torch.full((len(seeds),), int(w))]
        return torch.stack(columns, dim=1)[:, :, None, None].to(torch.uint8)


@pytest.fixture
def jobs():
    labels = torch.arange(10)[:, None]
    return [Job("one", labels, range(100, 110), 1.0), Job("two", labels, range(100, 110), 3.0)]


def draws(folder, pipe, **settings):
    return Draws(
        **{
            "pipe": pipe,
            "sampler": DDIM(),
            "steps": 2,
            "spacing": "trailing",
            "folder": folder,
            "batch_size": 4,
            **settings,
        }
    )


def alone(rank=0, size=1):
    """Process `rank` of `size`, which waits for none of the others."""
    here = Processes(rank, size, CPU)
    return SimpleNamespace(rank=rank, world_size=size, is_main=here.is_main, wait=lambda: None)


def test_pictures_come_back_in_the_order_of_their_job(tmp_path, jobs):
    bench = draws(tmp_path, FakePipe())
    bench.draw(jobs, alone())
    for job in jobs:
        images = bench.read(job)[:, :, 0, 0].tolist()
        assert images == [[100 + i, i, int(job.w)] for i in range(10)]


def test_nothing_is_drawn_twice(tmp_path, jobs):
    first, second = FakePipe(), FakePipe()
    draws(tmp_path, first).draw(jobs, alone())
    draws(tmp_path, second).draw(jobs, alone())
    assert len(first.drawn) == 20 and second.drawn == []


def test_a_stopped_evaluation_goes_on_where_it_was(tmp_path, jobs):
    class Stopped(FakePipe):
        def __call__(self, *args, **kwargs):
            if len(self.drawn) >= 8:
                raise KeyboardInterrupt
            return super().__call__(*args, **kwargs)

    with pytest.raises(KeyboardInterrupt):
        draws(tmp_path, Stopped()).draw(jobs, alone())
    rest = FakePipe()
    draws(tmp_path, rest).draw(jobs, alone())
    assert len(rest.drawn) == 12
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_the_work_and_get_the_same_pictures(tmp_path, jobs, size):
    pipes = [FakePipe() for _ in range(size)]
    for rank, pipe in enumerate(pipes):
        draws(tmp_path / "shared", pipe).draw(jobs, alone(rank, size))
    assert sum(len(pipe.drawn) for pipe in pipes) == 20
    assert all(pipe.drawn for pipe in pipes)
    whole = draws(tmp_path / "alone", FakePipe())
    whole.draw(jobs, alone())
    for job in jobs:
        assert torch.equal(draws(tmp_path / "shared", FakePipe()).read(job), whole.read(job))


@pytest.mark.parametrize(
    "change",
    [
        "weights",
        "sampler",
        "steps",
        "spacing",
        "guidance",
        "weaker",
        "w",
        "seeds",
        "labels",
        "edit",
        "precision",
        "code",
    ],
)
def test_whatever_decides_the_pictures_is_drawn_anew_when_it_changes(tmp_path, jobs, change, monkeypatch):
    job = jobs[0]
    draws(tmp_path, FakePipe()).draw([job], alone())
    pipe = FakePipe("b" if change == "weights" else "a", precision="bf16" if change == "precision" else "fp32")
    settings = {"sampler": DDPM()} if change == "sampler" else {"steps": 3} if change == "steps" else {}
    settings |= {"spacing": "karras"} if change == "spacing" else {}
    settings |= {"refine": 2} if change == "refine" else {}
    settings |= {"guidance": Guidance(rescale=0.5)} if change == "guidance" else {}
    settings |= {"weaker": FakePipe("weak")} if change == "weaker" else {}
    w = 2.0 if change == "w" else job.w
    seeds = range(10) if change == "seeds" else job.seeds
    labels = job.labels + 1 if change == "labels" else job.labels
    edit = {"init": torch.zeros(10, 1), "strength": 0.5} if change == "edit" else {}
    if change == "code":
        monkeypatch.setattr("evaluation.draws.code_hash", lambda: "another")
    draws(tmp_path, pipe, **settings).draw([Job("renamed", labels, seeds, w, edit)], alone())
    assert len(pipe.drawn) == 10


def test_each_part_gets_the_edits_of_its_pictures(tmp_path, jobs):
    init = torch.arange(10)
    job = Job("edited", jobs[0].labels, jobs[0].seeds, 1.0, {"init": init, "strength": 0.5})
    pipe = FakePipe()
    draws(tmp_path, pipe).draw([job], alone())
    assert [edit["strength"] for edit in pipe.edits] == [0.5] * 3
    assert torch.equal(torch.cat([edit["init"] for edit in pipe.edits]), init)
    other = FakePipe()
    draws(tmp_path, other).draw(
        [Job("edited", job.labels, job.seeds, 1.0, {"init": init + 1, "strength": 0.5})], alone()
    )
    assert len(other.drawn) == 10
