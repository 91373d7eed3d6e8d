"""What every part of the benchmark is given: device, threads, stopwatch, and trainings on random pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from conditions.schema import ConditionSchema
from conf import Settings
from data.base import InMemoryDataset, Splits
from data.palette import Palette
from inference.weights import PRETRAINED
from runtime.checkpoint import read_info
from runtime.distributed import Processes
from runtime.settings import compose
from scripts.speed.settings import BenchmarkSettings
from scripts.speed.timing import Stopwatch
from training.settings import TrainSettings
from training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = PRETRAINED / "cryptopunks.safetensors"
SIDE = 24  # pixels, of CryptoPunks
ENDLESS = 10**6  # steps of a training that is never finished, so that the learning rate does not fall


@dataclass(frozen=True)
class Bench:
    """Where is measured, and with what. `precision` is fp32, tf32 or bf16."""

    settings: BenchmarkSettings
    device: torch.device
    precision: str
    threads: int
    stopwatch: Stopwatch

    def trainer(
        self,
        overrides: Sequence[str],
        side: int = SIDE,
        batch_size: int | None = None,
        model: Settings | None = None,
    ) -> Trainer:
        """A training with these overrides of train.py, on one batch of random pictures: the same for all networks.

        model : settings of a network that is not one of this project's, in the place of it
        """
        batch_size = batch_size or self.settings.batch_size
        common = [
            "dataset=cryptopunks",
            f"train.batch_size={batch_size}",
            f"train.steps={ENDLESS}",
            f"precision={self.precision}",
        ]
        settings = compose(TrainSettings, [*common, *overrides])
        if model is not None:
            settings = settings.model_copy(update={"model": model})
        data = random_pictures(side, batch_size)
        return Trainer(settings, Splits(data, data, data), Processes(0, 1, self.device))


def random_pictures(side: int, count: int) -> InMemoryDataset:
    """Noise in the colours of the punks, with random labels: as costly to train on as punks, without their files."""
    info = read_info(WEIGHTS)
    schema, palette = ConditionSchema.from_json(info.schema), Palette.from_plain(info.palette, None, side, side)
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(len(palette), (count, side, side), generator=generator)
    labels = [torch.randint(values, (count,), generator=generator) for values in schema.cardinalities]
    images = palette.colours[numbers].permute(0, 3, 1, 2).contiguous()
    return InMemoryDataset(info.dataset, images, torch.stack(labels, dim=1), schema, palette, torch.arange(count))


def stepping(trainer: Trainer) -> Callable[[], object]:
    """Each call is the next step of a training: forward, backward, optimiser, EMA."""
    steps = itertools.count()
    return lambda: trainer.step(next(steps), ENDLESS)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def flops(run: Callable[[], object]) -> int:
    """Floating-point operations of matrix products and convolutions, two for each multiplication with addition.

    Attention is computed as plain products here, for the counter does not know each device's fused kernel.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def usual_threads() -> int:
    """How many threads PyTorch takes by itself."""
    return torch.get_num_threads()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of PyTorch on the CPU, for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
