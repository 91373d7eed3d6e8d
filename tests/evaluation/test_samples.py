"""Pictures are sampled once, whoever samples them, and again only if what decides them has changed."""

import shutil
from dataclasses import dataclass, field

import pytest
import torch

from diffusion.guidance import CFG, Rescale
from diffusion.samplers import DDIM, DDPM
from diffusion.sampling import FOR_OPEN_LABELS, SamplingOptions
from evaluation.samples import NOT_IN_KEY, ROOT, SampleCache, SampleSet, code_hash, sampling_code
from runtime.device import Compute
from runtime.distributed import Processes

CPU = torch.device("cpu")


@dataclass
class FakePipe:
    """Samples pictures that show their own seed, label and guidance, and remembers which it sampled."""

    checkpoint: str = "a"
    sampled: list = field(default_factory=list)
    edits: list = field(default_factory=list)
    small: list = field(default_factory=list)
    device: torch.device = CPU
    how: Compute = field(default_factory=Compute)

    def resolved(self, options, cond=None, negative=None, edited=False):
        return options.filled(FOR_OPEN_LABELS | {"refine": 4, "complete": False})

    def total_steps(self, options, edit=None):
        return options.steps

    def edit(self, **given):
        return given

    def __call__(self, labels, seeds, options, *, guide, edit, small, on_step):
        assert options.quantise == "none"
        self.sampled += list(seeds)
        self.edits.append(edit)
        self.small.append(small)
        on_step(1, 0, torch.empty(len(seeds)), None)
        columns = [torch.tensor(seeds), labels[:, 0], torch.full((len(seeds),), int(options.w))]
        return torch.stack(columns, dim=1)[:, :, None, None].to(torch.uint8)


class Alone(Processes):
    """A process of several that waits for none of the others."""

    def sum(self, values):
        return values


ONE = Alone(0, 1, CPU)
BASE = SamplingOptions(sampler=DDIM(), steps=2, batch_size=4)


@pytest.fixture
def sets():
    labels = torch.arange(10)[:, None]
    return [SampleSet("one", labels, range(100, 110), 1.0), SampleSet("two", labels, range(100, 110), 3.0)]


def cache(folder, pipe, guide=None, **options):
    return SampleCache(pipe, folder, BASE.replace(**options), guide)


def names(folder, pipe, samples, guide=None, **options) -> list[str]:
    return [path.name for _, path in cache(folder, pipe, guide, **options)._parts(samples)]


def test_pictures_come_back_in_the_order_of_their_set(tmp_path, sets):
    kept = cache(tmp_path, FakePipe())
    kept.fill(sets, ONE)
    for samples in sets:
        images = kept.read(samples)[:, :, 0, 0].tolist()
        assert images == [[100 + i, i, int(samples.w)] for i in range(10)]


def test_nothing_is_sampled_twice_and_the_cost_says_what_was(tmp_path, sets):
    first, second = FakePipe(), FakePipe()
    cost = cache(tmp_path, first).fill(sets[:1], ONE)
    assert (cost.pictures, cost.sampled) == (10, 10) and cost.seconds > 0
    cost = cache(tmp_path, second).fill(sets, ONE)
    assert (cost.pictures, cost.sampled) == (20, 10)
    assert len(first.sampled) == 10 and len(second.sampled) == 10


def test_options_that_nobody_set_are_part_of_the_name_as_they_are_resolved(tmp_path, sets):
    """What is left out depends on labels and edits: refine=0 may be the default of one set and not of another."""

    class Resolving(FakePipe):
        def resolved(self, options, cond=None, negative=None, edited=False):
            return options.filled(FOR_OPEN_LABELS | {"refine": 4 if edited else 0, "complete": False})

    plain, edited = sets[0], SampleSet("one", sets[0].labels, sets[0].seeds, 1.0, {"strength": 0.5})
    for samples, same in ((plain, True), (edited, False)):
        left_out, typed = (names(tmp_path, Resolving(), samples, **refine) for refine in ({}, {"refine": 0}))
        assert (left_out == typed) == same


def test_a_stopped_evaluation_goes_on_where_it_was(tmp_path, sets):
    class Stopped(FakePipe):
        def __call__(self, *args, **kwargs):
            if len(self.sampled) >= 8:
                raise KeyboardInterrupt
            return super().__call__(*args, **kwargs)

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, Stopped()).fill(sets, ONE)
    rest = FakePipe()
    cache(tmp_path, rest).fill(sets, ONE)
    assert len(rest.sampled) == 12
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_the_work_and_get_the_same_pictures(tmp_path, sets, size):
    """Each on a GPU of its own, which must not show in the names of the files: the first one reads them all."""
    pipes = [FakePipe(device=torch.device("cuda", rank)) for rank in range(size)]
    for rank, pipe in enumerate(pipes):
        cache(tmp_path / "shared", pipe).fill(sets, Alone(rank, size, CPU))
    assert sum(len(pipe.sampled) for pipe in pipes) == 20
    assert all(pipe.sampled for pipe in pipes)
    alone = cache(tmp_path / "alone", FakePipe())
    alone.fill(sets, ONE)
    for samples in sets:
        assert torch.equal(cache(tmp_path / "shared", pipes[0]).read(samples), alone.read(samples))


def test_each_part_gets_the_edits_of_its_pictures(tmp_path, sets):
    init = torch.arange(10)
    samples = SampleSet("edited", sets[0].labels, sets[0].seeds, 1.0, {"init": init, "strength": 0.5})
    pipe = FakePipe()
    cache(tmp_path, pipe).fill([samples], ONE)
    assert [edit["strength"] for edit in pipe.edits] == [0.5] * 3
    assert torch.equal(torch.cat([edit["init"] for edit in pipe.edits]), init)


# -- the key: two samples under one name would pass pictures of one setting off as those of another -----------------

OTHER_OPTIONS = {
    "complete": True, "guidance": Rescale(rescale=0.5), "sampler": DDPM(), "steps": 3, "spacing": "karras", "refine": 2,
}  # fmt: skip


def test_every_option_that_decides_a_picture_is_in_the_key(tmp_path, sets):
    """All options of sampling, also those that will be added: each is in OTHER_OPTIONS, or named as one that is not."""
    assert OTHER_OPTIONS.keys() | NOT_IN_KEY == SamplingOptions.model_fields.keys()
    before = names(tmp_path, FakePipe(), sets[0])
    for option, value in OTHER_OPTIONS.items():
        assert not set(names(tmp_path, FakePipe(), sets[0], **{option: value})) & set(before), option
    one, other = (names(tmp_path, FakePipe(), sets[0], guidance=CFG(fade=fade)) for fade in (0.1, 0.2))
    assert one != other  # also the settings of an option
    assert names(tmp_path, FakePipe(), sets[0], quantise="palette") == before
    assert names(tmp_path, FakePipe(), sets[0], w=7.0) == before  # each set has its own
    assert names(tmp_path, FakePipe(), sets[0], refine=4) == before  # what None stands for


@pytest.mark.parametrize(
    "other",
    [
        FakePipe("b"),
        FakePipe(how=Compute("bf16")),
        FakePipe(how=Compute(compile=True)),
        FakePipe(how=Compute(channels_last=True)),
        FakePipe(device=torch.device("cuda", 0)),  # GPUs round otherwise than CPUs do
    ],
    ids=["weights", "precision", "compiled", "layout", "device"],
)
def test_weights_and_how_and_where_they_are_computed_are_in_the_key(tmp_path, sets, other):
    assert not set(names(tmp_path, other, sets[0])) & set(names(tmp_path, FakePipe(), sets[0]))


def test_the_guide_the_code_and_the_version_of_torch_are_in_the_key(tmp_path, sets, monkeypatch):
    before = names(tmp_path, FakePipe(), sets[0])
    assert names(tmp_path, FakePipe(), sets[0], guide=FakePipe("weak")) != before
    monkeypatch.setattr(torch, "__version__", "1.0")
    assert names(tmp_path, FakePipe(), sets[0]) != before
    monkeypatch.undo()
    monkeypatch.setattr("evaluation.samples.code_hash", lambda: "another")
    assert names(tmp_path, FakePipe(), sets[0]) != before


def test_small_pictures_are_in_the_name_and_each_part_gets_those_of_its_pictures(tmp_path, sets):
    small = torch.arange(10, dtype=torch.uint8)[:, None, None, None]
    given = lambda small: SampleSet("one", sets[0].labels, sets[0].seeds, 1.0, small=small)  # noqa: E731
    found = [names(tmp_path, FakePipe(), given(x)) for x in (None, small, 255 - small)]
    assert len({name for three in found for name in three}) == 9
    pipe = FakePipe()
    cache(tmp_path, pipe).fill([given(small)], ONE)
    assert [part.flatten().tolist() for part in pipe.small] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_labels_seeds_guidance_and_edits_are_in_the_name_and_what_a_set_is_called_is_not(tmp_path, sets):
    labels, seeds = sets[0].labels, sets[0].seeds
    init = torch.zeros(10, 1)
    different = [
        SampleSet("one", labels, seeds, 1.0),
        SampleSet("one", labels + 1, seeds, 1.0),
        SampleSet("one", labels, range(10), 1.0),
        SampleSet("one", labels, seeds, 1.5),
        SampleSet("one", labels, seeds, 1.0, {"init": init}),
        SampleSet("one", labels, seeds, 1.0, {"init": init + 1}),
        SampleSet("one", labels, seeds, 1.0, {"init": init, "strength": 0.5}),
        SampleSet("one", labels, seeds, 1.0, {"init": init, "mask": init}),
    ]
    found = [names(tmp_path, FakePipe(), samples) for samples in different]
    assert len({name for part in found for name in part}) == 3 * len(different)
    assert names(tmp_path, FakePipe(), SampleSet("renamed", labels, seeds, 1.0)) == found[0]


def test_any_change_of_the_code_that_samples_is_noticed(tmp_path):
    """Networks and samplers in sub-folders too, and what makes objects of settings; but no measure and no report."""
    files = [path.relative_to(ROOT).as_posix() for path in sampling_code()]
    wanted = [
        path.relative_to(ROOT).as_posix() for name in ("diffusion", "models") for path in (ROOT / name).rglob("*.py")
    ]
    wanted += ["inference/pipeline.py", "runtime/factory.py", "runtime/latents.py", "runtime/checkpoint.py"]
    wanted += ["data/images.py"]
    assert set(wanted) <= set(files)
    assert not any(name.startswith(("evaluation/", "training/", "dashboard/")) for name in files)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    before = code_hash(tmp_path)
    assert before == code_hash()
    for name in files:
        source = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(source + b"#")
        assert code_hash(tmp_path) != before, name
        (tmp_path / name).write_bytes(source)
