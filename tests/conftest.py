"""Fixtures that many tests share."""

import contextlib
import gc
import pkgutil
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.browser import chromium, web_runtime  # noqa: F401  fixtures
from tests.programs import data_root
from tests.quicker_hydra import quicker_hydra

settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("default")


# Files of few but long tests, the longest first: where they come last, one of two workers waits for the other.
LONG = (
    "dashboard/test_browser.py", "cli/test_commands.py", "evaluation/test_evaluate.py", "training/test_resume.py",
    "cli/test_baselines.py", "scripts/test_studies.py", "inference/export/test_network.py", "training/test_learning.py",
    "dashboard/test_jobs.py", "dashboard/test_data_browser.py", "test_tutorial.py", "runtime/test_distributed.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files; --no-loadscope-reorder, in pyproject.toml, keeps this order."""
    order = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path, len(LONG)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch finds")


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on, collecting garbage need not search all that was imported, which took a seventh of some tests, nor
    begin whenever 700 objects are new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session", autouse=True)
def composing():
    with quicker_hydra():
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small tensors gain nothing from more, and threads that wait for one another stall on busy cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The data_root with the published files; tests that need them are skipped where they are not."""
    root = data_root()
    if not (root / "cryptopunks" / "punks.png").exists() or not (root / "MNIST" / "raw").exists():
        pytest.skip(f"no published data in {root}; set DATA_ROOT to a folder that has them")
    return root


# A network and a data set small enough that a training of a few steps takes about a second.
TINY = [
    "dataset.count=120",
    "model.channels=8",
    "model.channel_mults=[1,2]",
    "model.blocks=1",
    "model.attention_levels=[1]",
    "model.head_dim=8",
    "model.map_channels=2",
    "model.patch=2",
    "train.batch_size=8",
    "train.validate_every=0",
    "train.preview_every=0",
    "train.preview.steps=2",
    "train.preview.columns=1",
    "device=cpu",
    "precision=fp32",  # timing a step in bf16 too, on CPUs that have it, would show the network more batches
]


@pytest.fixture
def in_tmp(tmp_path, monkeypatch) -> Path:
    """The working directory is an empty folder, so that default paths lead nowhere else."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Where the settings of each program are declared. Imported when a test asks for them, for some need much.
PROGRAMS = {
    "train": "training.settings:TrainSettings",
    "sample": "inference.settings:SampleSettings",
    "compare": "inference.settings:CompareSettings",
    "animate": "inference.settings:AnimateSettings",
    "interpolate": "inference.settings:InterpolateSettings",
    "evaluate": "evaluation.settings:EvaluateSettings",
    "export": "inference.export.settings:ExportSettings",
    "score": "evaluation.score:ScoreSettings",
    "check_data": "data.folder_check:CheckSettings",
    "doctor": "diagnosis.settings:DoctorSettings",
    "import_data": "data.importing:ImportSettings",
}


@pytest.fixture(scope="session")
def compose():
    """(program or its class of settings, overrides) -> the typed settings, as the entry points get them."""
    from runtime.settings import compose as composed

    def settings(program, overrides=()):
        return composed(pkgutil.resolve_name(PROGRAMS[program]) if isinstance(program, str) else program, overrides)

    return settings


@pytest.fixture(scope="session")
def train_tiny(compose):
    """Train on small settings in this process: train_tiny("train.steps=4", "run=a") -> Run."""
    from runtime import memory
    from training.loop import train

    reckon, known = memory.activations, {}

    def reckoned(model, *shape) -> int:  # takes longer than the steps of most tests; the networks are the same few
        key = (str(model), *shape)
        known[key] = known.get(key) or reckon(model, *shape)
        return known[key]

    def run(*overrides: str):
        tiny = TINY[1:] if "dataset=folder" in overrides else TINY  # whose pictures cannot be counted beforehand
        overrides = [*tiny, *overrides]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(memory, "activations", reckoned)
            return train(compose("train", overrides), overrides).run

    return run


@pytest.fixture(scope="session")
def train_reacting(train_tiny):
    """(folder, overrides) -> weights with random values also where training starts at zero, so that they react."""
    from runtime.checkpoint import load_tensors, read_info, save_weights

    def run(folder: Path, *overrides: str) -> Path:
        with contextlib.chdir(folder):
            path = folder / train_tiny("train.steps=1", "run=run", *overrides).weights
        generator, tensors = torch.Generator().manual_seed(0), load_tensors(path)
        for name, tensor in tensors.items():
            if not name.endswith("table.weight"):  # whose first row stays zero
                tensor += 0.05 * torch.randn(tensor.shape, generator=generator)
        save_weights(path, tensors, read_info(path))
        return path

    return run


@pytest.fixture(scope="session")
def weights(train_reacting, tmp_path_factory):
    """Weights of a tiny network."""
    return train_reacting(tmp_path_factory.mktemp("weights"), "diffusion.prediction=v")
