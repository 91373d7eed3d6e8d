"""What a training needs of this machine, and whether the pictures are enough for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from data.base import Splits
from runtime.distributed import Processes
from runtime.memory import refuse_impossible
from training.settings import TrainSettings
from training.trainer import Trainer

TIMED = 2  # steps, after a first one
FEW = 1000  # pictures; a network from random weights learns them by heart before it learns what they have in common
LARGE = 32  # pixels, beyond which a network that takes each as a position is slow


@dataclass(frozen=True)
class Forecast:
    """Of a training with these settings.

    parameters : of the network
    pictures   : to train on
    seconds    : for one step, on `device`
    side       : of the pictures, the longer one
    pixel_art  : whether they have a palette
    """

    settings: TrainSettings
    parameters: int
    pictures: int
    seconds: float
    device: str
    side: int = LARGE
    pixel_art: bool = False

    @property
    def minutes(self) -> float:
        return self.seconds * self.settings.train.steps / 60

    @property
    def lines(self) -> list[str]:
        """What it says to a person."""
        train = self.settings.train
        epochs = train.steps * train.batch_size / self.pictures
        lines = [
            f"The network of model={self.settings.model.name} has {self.parameters / 1e6:.1f} M parameters, "
            f"{self.parameters / self.pictures:,.0f} for each training picture.",
            f"{train.steps:,} steps of {train.batch_size} pictures, {epochs:,.0f} times the data set, take about "
            f"{in_words(self.minutes)} on this machine ({self.device}). train.minutes=30 ends it earlier.",
        ]
        if self.settings.diffusion.prediction == "eps" and self.pixel_art:
            lines.append("Pixel art: diffusion.prediction=palette learns much sooner than the default.")
        elif self.settings.diffusion.prediction == "eps" and self.side > LARGE:
            lines.append(
                f"Larger than {LARGE} pixels: model=auto with diffusion.prediction=x_0 learns much sooner than the "
                "defaults."
            )
        if self.pictures < FEW:
            lines.append(
                f"Fewer than {FEW:,} pictures: expect copies of them. Start from pretrained weights "
                "(init_from=checkpoints/cryptopunks.safetensors), stop when the held-out loss rises "
                "(train.patience=5), and see what evaluate.py says of memorisation."
            )
        return lines

    def to_markdown(self) -> str:
        return "## Training\n\n" + "\n".join(self.lines) + "\n"


OnStep = Callable[[float], None]  # called before each step with the share that is done; what it raises ends the timing


def forecast(
    settings: TrainSettings, splits: Splits, here: Processes, on_step: OnStep = lambda share: None
) -> Forecast:
    """Times steps of a training on these data, and keeps nothing of it. Raises ValueError for one that cannot be."""
    train = splits.train
    refuse_impossible(settings, train.image_shape, train.schema, train.palette, here.device)
    trainer = Trainer(settings, splits, here)
    trainer.settle()
    parameters = sum(p.numel() for p in trainer.model.parameters())
    seconds = step_seconds(trainer, on_step)
    side, pixel_art = max(train.image_shape[1:]), train.palette is not None
    return Forecast(settings, parameters, len(train), seconds, str(here.device), side, pixel_art)


def step_seconds(trainer: Trainer, on_step: OnStep = lambda share: None) -> float:
    """The time of one step of training, at best of some after a first one; the steps change the trainer."""
    times = []
    for step in range(1 + TIMED):
        on_step(step / (1 + TIMED))
        began = time.perf_counter()
        trainer.step(step, trainer.settings.train.steps)
        trainer.check()  # which waits for the device
        times.append(time.perf_counter() - began)
    return min(times[1:])


def in_words(minutes: float) -> str:
    """A duration as people say it, such as "4 h 20 min"."""
    if minutes < 1:
        return "a minute"
    if minutes < 60:
        return f"{minutes:.0f} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
