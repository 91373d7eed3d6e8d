"""What a diagnosis is made from: a run's record, its curves, its weights and its data."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.base import InMemoryDataset, Splits
from diagnosis.probe import CHOICE, Probe
from diagnosis.settings import DoctorSettings
from diffusion.gaussian import GaussianDiffusion
from inference.pipeline import Pipeline
from runtime.checkpoint import load_state
from runtime.device import computed, pick_device
from runtime.factory import build_diffusion, build_model, build_splits
from training.run import Run, settings_in
from training.scalars import Scalars
from training.settings import TrainSettings

MOST = 50_000_000  # levels of training pictures that are looked through, which take 400 MB where they are compared
SEED = 3_000_000  # of the first sample
Curves = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Weights:
    """Those of the last save of a training, after `step` steps: of one step, ready to sample with."""

    step: int
    averaged: Pipeline
    raw: Pipeline


@dataclass(frozen=True)
class Case:
    """A run as it was read at one moment.

    status  : what the run says of itself
    curves  : (steps, values) by name, as the training logged them
    weights : None where the training failed before its first save
    """

    run: Run
    settings: TrainSettings
    options: DoctorSettings
    status: dict[str, Any]
    curves: Curves
    splits: Splits
    weights: Weights | None

    @property
    def step(self) -> int:
        return self.weights.step if self.weights else self._counted("step", 0)

    @property
    def planned(self) -> int:
        """Steps in all, as far as the training knew."""
        return self._counted("steps", self.settings.train.steps)

    def _counted(self, name: str, otherwise: int) -> int:
        """A number of the status file, which may be damaged."""
        value = self.status.get(name)
        return value if isinstance(value, int) else otherwise

    @property
    def state(self) -> str:
        """Such as finished or running, of which the last save is examined."""
        return str(self.status.get("state", "unknown"))

    @property
    def denoises(self) -> bool:
        """Whether there are weights, and of a network that makes pictures of noise alone: what losses need."""
        settings = self.settings
        others = settings.distill.on or settings.upsample is not None or settings.autoencoder is not None
        generates = settings.is_diffusion and not others
        return self.weights is not None and generates

    @cached_property
    def diffusion(self) -> GaussianDiffusion:
        return build_diffusion(self.settings, self.splits.train.palette)

    @cached_property
    def pictures(self) -> Tensor:
        """(N, C, H, W) uint8: training pictures, of a large data set each k-th."""
        images = self.splits.train.images
        return images[:: math.ceil(images.numel() / MOST)].cpu()

    @cached_property
    def held_out(self) -> Probe | None:
        """None where no picture is held out."""
        return self._probe(self.splits.validation) if len(self.splits.validation) else None

    @cached_property
    def seen(self) -> Probe:
        """Of training pictures, at the noise levels of those that are held out."""
        return self._probe(self.splits.train)

    def _probe(self, data: InMemoryDataset) -> Probe:
        return Probe.of(data, self.options.images, self.diffusion, pick_device(self.options.device))

    @cached_property
    def held_out_losses(self) -> Tensor:
        """(n,) of the averaged weights with the true labels."""
        return self.held_out.losses(self.weights.averaged.denoiser)

    @cached_property
    def untrained(self) -> float:
        """The loss of an output of zeros, which is that of a network before its first step."""
        if self.diffusion.prediction == "palette":
            return math.log(len(self.splits.train.palette))
        return self.seen.losses(lambda x_t, t, cond: torch.zeros_like(x_t)).mean().item()

    @cached_property
    def asked(self) -> InMemoryDataset:
        """The pictures whose labels the samples are asked for: held-out ones, or else training pictures."""
        data = self.splits.validation if len(self.splits.validation) else self.splits.train
        generator = torch.Generator().manual_seed(CHOICE)
        return data.select(torch.randint(len(data), (self.options.samples,), generator=generator))

    @cached_property
    def samples(self) -> tuple[Tensor, Tensor]:
        """(n, C, H, W) uint8 each, of the averaged and of the raw weights: the same seeds, without guidance."""
        labels, seeds = self.asked.labels.cpu(), range(SEED, SEED + self.options.samples)
        both = self.weights.averaged, self.weights.raw
        return tuple(pipe(labels, seeds, w=1.0) for pipe in both)


def read(options: DoctorSettings) -> Case:
    """Read a run; nothing of it is changed. Raises ValueError, in one line, for what cannot be examined."""
    run = _run(options.run)
    settings = settings_in(run.read_config(), run)
    status, state = _status(run), load_state(run.state)
    failed = status.get("state") == "failed"
    if state is None and not failed:
        raise ValueError(
            f"run={run}: has saved nothing yet that could be examined; it saves every "
            f"{settings.train.checkpoint_every} steps (train.checkpoint_every)"
        )
    root = settings.data_root if options.data_root is None else options.data_root
    splits = build_splits(settings.dataset, root, settings.cfg.conditional)
    if state is not None and state.get("data_hash") != splits.train.hash:
        raise ValueError(
            f"run={run}: was trained on other pictures or labels of {splits.train.name} than {root} has now; restore "
            "them, or set data_root=FOLDER"
        )
    weights = None if state is None else _weights(run, state, options.device)
    return Case(run, settings, options, status, Scalars(run.path).read(), splits, weights)


def _run(path: str | None) -> Run:
    if path is None:
        raise ValueError("run: which one? Name its folder, as in run=runs/cryptopunks/NAME")
    run = Run(path)
    if not run.exists:
        what = "no run (it holds no config.yaml)" if run.path.is_dir() else "no such folder"
        raise ValueError(f"run={run}: {what}; name the folder of a training, such as runs/cryptopunks/NAME")
    return run


def _status(run: Run) -> dict[str, Any]:
    """What the status file says; nothing where it cannot be read."""
    try:
        status = json.loads(run.status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _weights(run: Run, state: dict, device: str) -> Weights:
    pipe = Pipeline.load(run.weights, device)

    def of(tensors: dict[str, Tensor]) -> Pipeline:
        model = build_model(pipe.recipe, pipe.x_shape, pipe.schema, pipe.palette)
        model.load_state_dict(tensors)
        model = model.to(pipe.device).eval().requires_grad_(False)
        return replace(pipe, denoiser=computed(model, pipe.device, pipe.how))

    try:
        return Weights(state["step"], of(state["ema"]), of(state["model"]))
    except (RuntimeError, KeyError) as error:
        raise ValueError(f"run={run}: its training state and its weights are of different networks") from error
