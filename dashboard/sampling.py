"""From overrides to pictures: the overrides of sample.py are what is sampled and what is shown to copy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import torch
from torch import Tensor

from conditions.requests import expected
from conditions.values import one_hot, value_names
from dashboard import view
from dashboard.background import Show
from dashboard.overrides import command, refuse
from data.base import Dataset
from evaluation.memorisation import nearest
from inference.animation import denoising
from inference.job import Job, Load, prepare
from inference.settings import SampleSettings
from runtime.settings import compose

SHOW_EVERY = 3  # steps between two previews of unfinished pictures


@dataclass(frozen=True)
class Generation:
    """The pictures of one press of the button, and what it takes to show, download and reproduce them.

    It holds no network, for a visit remembers many.

    images     : (N, C, H, W) uint8, one for each of `seeds`
    overrides  : of sample.py, which generate the same
    record     : what the PNG of a picture carries beside its seed
    dataset    : what the weights were trained on, and the hash of its training pictures
    attributes : for each picture, what was asked for and how likely it shows it; None where nothing can tell
    init       : (C, H, W) uint8, the picture that an edit started from
    animations : GIF files of the denoising by row, as far as they were asked for
    number     : tells it from the others since the server started
    """

    images: Tensor
    seeds: list[int]
    overrides: tuple[str, ...]
    record: dict[str, Any]
    dataset: Dataset
    data_hash: str
    notes: list[str]
    seconds: float
    attributes: list[list[tuple[str, float]]] | None = None
    init: Tensor | None = None
    animations: dict[int, bytes] = field(default_factory=dict)
    number: int = field(default_factory=count().__next__)

    @property
    def request(self) -> str:
        return self.record["request"]

    @property
    def command(self) -> str:
        return command("sample", self.overrides)

    def png(self, row: int) -> bytes:
        """The PNG of one picture as sample.py writes it, from which it can be reproduced."""
        return view.png(self.images[row], self.record["scale"], {**self.record, "seed": self.seeds[row]})

    def archive(self) -> bytes:
        """A ZIP of all of them."""
        return view.archive({f"seed-{seed:06d}.png": self.png(row) for row, seed in enumerate(self.seeds)})


def prepared(overrides: Sequence[str], load: Load) -> tuple[Job, list[str]]:
    """The job that sample.py would make of these overrides, and notes for a person. Raises ValueError."""
    refuse(overrides, SampleSettings)
    return prepare(compose(SampleSettings, overrides), load)


def begin(overrides: Sequence[str], load: Load) -> Callable[[Show], Generation]:
    """What samples, once it has proved possible; it calls Show on the way. Raises ValueError."""
    job, notes = prepared(overrides, load)

    def sample(show: Show) -> Generation:
        began = time.perf_counter()
        seeds = list(job.settings.seeds)
        images = job.sample(seeds, on_step=progress(job, show))
        seconds = time.perf_counter() - began
        return Generation(
            images, seeds, tuple(overrides), job.record, job.pipe.recipe.dataset, job.pipe.info.data_hash, notes,
            seconds, attributes(job, images), job.init,
        )  # fmt: skip

    return sample


def progress(job: Job, show: Show) -> Callable:
    """For Job.sample: tells `show` how far it is, and every few steps how the pictures look by now."""
    total, done_before = len(job.settings.seeds) * job.total_steps, 0

    def on_step(done: int, s: int, x_s: Tensor, x_0: Tensor) -> None:
        nonlocal done_before
        done_before += len(x_s)
        unfinished = job.pipe.shown(x_0) if done % SHOW_EVERY == 0 else None
        show(min(done_before / total, 1.0), unfinished, job.evaluations)

    return on_step


def attributes(job: Job, images: Tensor) -> list[list[tuple[str, float]]] | None:
    """For each picture, every attribute that it is expected to show, or with a minus not to, and how likely it does.

    Of an edited picture only what the edit changed; the rest was there before. None where nothing is asked or there is
    no classifier.
    """
    schema, parts = job.pipe.schema, expected(job.requests)
    if job.pipe.classifier is None or not parts:
        return None
    names, shares = value_names(schema), job.pipe.classifier.probabilities(images)
    columns = dict.fromkeys(
        (v, wanted) for label, wanted in parts for v in one_hot(label[None], schema)[0].nonzero()[:, 0].tolist()
    )
    if job.change is not None:
        before = one_hot(job.change.before[None], schema)[0]
        columns = {(v, wanted): None for v, wanted in columns if bool(before[v]) != wanted}
    return [
        [(names[v], row[v].item()) if wanted else (negated(names[v]), 1 - row[v].item()) for v, wanted in columns]
        for row in shares
    ]


def negated(name: str) -> str:
    """What asks for the contrary: "-hat" for "hat", and the other way round."""
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def animation(generation: Generation, row: int, load: Load) -> bytes:
    """A GIF of one picture as it comes out of the noise: x_t on the left, the predicted x_0 on the right.

    It is sampled once more for that. Raises ValueError where the weights have changed since.
    """
    if row not in generation.animations:
        job, _ = prepared(generation.overrides, load)
        if job.pipe.checkpoint != generation.record["checkpoint"]:
            raise ValueError(f"{job.weights.as_posix()}: trained further since; generate the pictures again")
        frames = denoising(job, generation.seeds[row])
        pairs = torch.stack([torch.cat([frame.x_t, frame.x_0], dim=-1) for frame in frames])
        generation.animations[row] = view.gif(pairs, rate=max(4.0, len(frames) / 4))
    return generation.animations[row]


def nearest_training_picture(image: Tensor, training: Tensor) -> tuple[Tensor, int]:
    """The training picture (C, H, W) uint8 that is nearest to `image`, and how many pixels differ."""
    _, rows = nearest(image[None], training)
    neighbour = training[rows[0]]
    return neighbour, int((neighbour != image).any(dim=0).sum())


def levels_apart(one: Tensor, other: Tensor) -> float:
    """Mean absolute difference of two uint8 pictures in levels of 255, for those in which hardly a pixel is equal."""
    return (one.float() - other.float()).abs().mean().item()
