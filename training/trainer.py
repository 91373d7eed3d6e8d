"""The objects of one training, and one step of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.dropout import LabelDropout
from conditions.schema import ConditionSchema
from data.base import Batch, Splits
from data.loader import BatchOrder
from diffusion.gaussian import GaussianDiffusion
from runtime.checkpoint import CheckpointError, load_tensors, read_info
from runtime.device import in_precision, pick_precision
from runtime.distributed import Processes
from runtime.factory import Recipe, build_model
from training.ema import EMA
from training.settings import TrainSettings

UNCONDITIONAL_ROWS = 4
NOISE, DROPOUT = (), (1,)  # what a seed of a step is for: two streams that have nothing in common


class StepResult(NamedTuple):
    losses: Tensor  # (B,) of this process
    t: Tensor  # (B,)
    grad_norm: Tensor  # ()
    lr: float


def step_seed(seed: int, rank: int, step: int, use: tuple[int, ...] = NOISE) -> int:
    """A seed that depends on these alone, different for each."""
    return int(np.random.SeedSequence((seed, rank, step, *use)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def preview_labels(schema: ConditionSchema, requests: list[str]) -> Tensor:
    """(R, F) labels of the requests that sample grids show, a row each; a few rows of nothing without labels."""
    if not len(schema):
        return schema.unknown(UNCONDITIONAL_ROWS)
    return torch.stack([schema.encode(request, "dataset.preview") for request in requests])


class Trainer:
    """Model, average, optimiser and data, and how one step changes them.

    Everything random in `step(k)` is a function of (seed, rank, k), so state and step number are the whole
    state of a training.
    """

    def __init__(self, settings: TrainSettings, splits: Splits, here: Processes):
        self.settings, self.here = settings, here
        self.data = splits.train.to(here.device)
        self.schema = splits.train.schema
        self.diffusion: GaussianDiffusion = settings.diffusion.build()
        self.model = build_model(settings, self.data.image_shape, self.schema).to(here.device)
        self.ema = EMA(self.model, settings.train.ema_decay)
        self.optimizer = settings.optim.build(self.model)
        self.precision = pick_precision(settings.precision, here.device)
        self.net = self.in_precision(here.wrap(self.model))
        self.order = BatchOrder(len(self.data), settings.train.batch_size, settings.seed, here.rank, here.world_size)
        self.preview = preview_labels(self.schema, settings.dataset.preview)
        self._unchecked: tuple[int, Tensor] | None = None

    def in_precision(self, model: torch.nn.Module):
        return in_precision(model, self.here.device, self.precision)

    def conditions(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The batch's labels as the network sees them in training: whole, in part, or not at all."""
        dropout = self.settings.cfg
        return dropout(self.schema, batch.cond, generator) if isinstance(dropout, LabelDropout) else batch.cond

    def step(self, step: int) -> StepResult:
        """The optimiser's step number `step`, counted from 0.

        Raises FloatingPointError for a loss or gradient that is not finite: on the CPU before it reaches the weights,
        elsewhere at the next step, or at `check`, so that no step waits for the device.
        """
        seed, rank, settings = self.settings.seed, self.here.rank, self.settings
        torch.manual_seed(step_seed(seed, rank, step, DROPOUT))  # for dropout layers, which take no generator
        generator = torch.Generator(self.here.device).manual_seed(step_seed(seed, rank, step))
        lr = settings.optim.rate(step, settings.train.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = lr

        batch = self.data.batch(self.order.indices(step))
        cond = self.conditions(batch, generator)
        t, eps = self.diffusion.sample_times_and_noise(batch.x_0, generator)
        losses = self.diffusion.loss_at(self.net, batch.x_0, cond, t, eps)

        self.optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.train.grad_clip)
        self.check()
        self._unchecked = step, torch.stack([losses.detach().mean(), grad_norm])
        if self.here.device.type == "cpu":
            self.check()
        self.optimizer.step()
        self.ema.update(self.model, step)
        return StepResult(losses.detach(), t, grad_norm, lr)

    def check(self) -> None:
        """Raise FloatingPointError if the last step was not finite. Waits for the device."""
        if self._unchecked is None:
            return
        (step, values), self._unchecked = self._unchecked, None
        loss, grad_norm = values.tolist()
        if not np.isfinite([loss, grad_norm]).all():
            raise FloatingPointError(
                f"step {step}: the loss is {loss:.4g} and the gradient norm {grad_norm:.4g}; stopped before this "
                "reached a checkpoint. Lower optim.lr, lengthen optim.warmup, or use precision=fp32"
            )

    def init_from(self, path: Path) -> None:
        """Start from the weights of another training. Raises CheckpointError where they mean something else."""
        info = read_info(path)
        was, now = Recipe.of(info.config), self.settings
        for name, theirs, ours in (
            ("images", tuple(info.image_shape), self.data.image_shape),
            ("labels", ConditionSchema.from_json(info.schema).fields, self.schema.fields),
            ("network", {**was.model.plain(), "dropout": 0}, {**now.model.plain(), "dropout": 0}),
            ("prediction", was.diffusion.prediction, now.diffusion.prediction),
            ("noise schedule", (was.diffusion.schedule, was.diffusion.T), (now.diffusion.schedule, now.diffusion.T)),
        ):
            if theirs != ours:
                raise CheckpointError(
                    f"init_from={path}: trained with other {name}; choose the data set, model.* and diffusion.* that "
                    "they had, or leave init_from out"
                )
        tensors = load_tensors(path)
        try:
            self.model.load_state_dict(tensors)
            self.ema.model.load_state_dict(tensors)
        except RuntimeError as error:
            raise CheckpointError(
                f"init_from={path}: its weights do not fit the network it describes; it was written by another version "
                "of this code, or changed since"
            ) from error

    def state(self) -> dict:
        """All that changes during training, but for the step number."""
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "data_hash": self.data.hash,
        }

    def load(self, state: dict) -> None:
        """Continue from what `state()` returned. Raises CheckpointError if it is of other data or another model."""
        if state["data_hash"] != self.data.hash:
            raise CheckpointError("the data set has changed since this run was begun; restore it, or start another run")
        try:
            self.model.load_state_dict(state["model"])
            self.ema.model.load_state_dict(state["ema"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the saved state is of another network ({str(error).splitlines()[0]}); start another run"
            ) from error
