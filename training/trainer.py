"""The objects of one training, and one step of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.dropout import LabelDropout
from conditions.prior import LabelPrior
from conditions.schema import ConditionSchema
from data.base import Batch, Splits
from data.loader import BatchOrder
from diffusion.gaussian import GaussianDiffusion
from runtime.checkpoint import CheckpointError
from runtime.device import Compute, computed, lay_out
from runtime.distributed import Processes
from runtime.factory import build_diffusion, build_model, build_objective
from runtime.latents import LatentSpace
from training.compute import Why, as_asked, as_before, fastest, fastest_threads, threads_before
from training.ema import EMA
from training.settings import TrainSettings
from training.teacher import teacher

UNCONDITIONAL_ROWS = 4
NOISE, DROPOUT = (), (1,)  # what a seed of a step is for: two independent streams
CHECK_EVERY = 16  # updates, where a check waits for the device
TIMED = {True: 2, False: 10}  # passes, on a CPU and on a GPU, whose passes are short


class StepResult(NamedTuple):
    """Of this process; with several updates in a step, each value is of the last one that has it."""

    curves: dict[str, Tensor]  # (B,) each, as the objective names them
    t: Tensor | None  # (B,) noise levels, where there are any
    grad_norm: Tensor  # ()
    lr: float

    @property
    def losses(self) -> Tensor:
        """(B,), those by which the training is followed."""
        return self.curves["loss/train"]


def step_seed(seed: int, rank: int, step: int, use: tuple[int, ...] = NOISE) -> int:
    """A seed that depends on these alone, different for each."""
    return int(np.random.SeedSequence((seed, rank, step, *use)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def first(values: dict[str, Any]) -> Any:
    """Of the losses of an objective, the one that is minimised."""
    return next(iter(values.values()))


def preview_labels(schema: ConditionSchema, requests: list[str]) -> Tensor:
    """(R, F): the requests of the sample grids, a row each; without labels, a few rows that request nothing."""
    if not len(schema):
        return schema.unknown(UNCONDITIONAL_ROWS)
    return torch.stack([schema.encode(request, "dataset.preview") for request in requests])


class Trainer:
    """Model, EMA, optimiser and data, and how one step changes them.

    Everything random in step k is a function of (seed, rank, k), so `state()` and the number of the next step are
    all that a training has to save.

    space          : the autoencoder of the data set's latents, where it has some
    checks_at_once : whether a step stops before it changes the weights where its loss is not finite. On a GPU that
                     would wait for the device at every step; there, `CHECK_EVERY` steps are checked together.
    """

    def __init__(self, settings: TrainSettings, splits: Splits, here: Processes, space: LatentSpace | None = None):
        self.settings, self.here, self.space = settings, here, space
        self.data = replace(splits.train, palette=settings.augment.palette(splits.train.palette)).to(here.device)
        self.schema = splits.train.schema
        inner = space and space.info["dataset"] == self.data.name  # what the autoencoder has seen counts as seen
        self.splits = space.info["splits"] if inner else settings.dataset.split_rule
        self.prior = LabelPrior.fit(self.schema, self.data.labels.cpu()) if len(self.schema) else None
        self.diffusion: GaussianDiffusion = build_diffusion(settings, self.data.palette)
        self.model = build_model(settings, self.data.x_shape, self.schema, self.data.palette).to(here.device)
        self.teacher, self.teacher_hash = teacher(settings, self.data) if settings.distill.on else (None, None)
        if self.teacher is not None:
            self.teacher.to(here.device)
        self.objective = build_objective(settings, self.diffusion, self.taught)
        if here.world_size > 1 and not settings.is_diffusion:
            raise ValueError(f"model={settings.model.name}: trains in one process; start it without torchrun")
        self.ema = EMA(self.model, settings.train.ema_decay)
        parts = {update: self.objective.part(self.model, update) for update in self.objective.updates}
        self.optim = settings.optimizer
        self.optimizers = {update: self.optim.build(part) for update, part in parts.items()}
        self.order = BatchOrder(len(self.data), settings.train.batch_size, settings.seed, here.rank, here.world_size)
        self.preview = preview_labels(self.schema, settings.dataset.preview)
        self.threads: str | None = None  # why there are as many as there are, where that was measured
        self.checks_at_once = here.device.type == "cpu"
        self._unchecked: list[tuple[int, Tensor]] = []
        self._compute(*as_asked(settings, here.device))

    def settle(self) -> None:
        """Time a step for each way to compute it that the settings leave open, and take the fastest."""
        if self.here.device.type == "cpu" and self.here.world_size == 1:
            self.threads = fastest_threads(lambda: self._seconds(self.how))
        self._compute(*self.here.on_main(lambda: fastest(self.settings, self.here.device, self._seconds)))

    def _compute(self, how: Compute, why: Why) -> None:
        self.how, self.why = how, why
        for model in filter(None, (self.model, self.ema.model, self.teacher)):
            lay_out(model, how.channels_last)
        self.__dict__.pop("net", None)

    @cached_property
    def wrapped(self) -> torch.nn.Module:
        """Made for the first step, for DDP keeps the layout that it finds."""
        return self.here.wrap(self.model)

    @cached_property
    def net(self) -> Callable[..., Tensor]:
        """What the objective evaluates in training."""
        return self.evaluated(self.wrapped, self.how)

    def evaluated(self, model: torch.nn.Module, how: Compute) -> Callable[..., Tensor]:
        """What the objective evaluates: the denoiser, or a baseline, of whose parts it makes use, as it is."""
        return computed(model, self.here.device, how) if self.settings.is_diffusion else model

    def denoiser(self, model: torch.nn.Module) -> Callable[..., Tensor]:
        """Of the raw or the EMA weights, for reports: not compiled, since other batches would be compiled anew."""
        return computed(model, self.here.device, self.how._replace(compile=False))

    def taught(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """The output of the teacher, in the precision of the training."""
        return self.denoiser(self.teacher)(x_t, t, cond)

    def _seconds(self, how: Compute) -> float:
        """The time of one forward and backward pass, at best of several after a first one."""
        rows = self.order.indices(0).chunk(self.settings.train.accumulate)[0]
        batch, times = self.data.batch(rows), []
        generator = torch.Generator(self.here.device).manual_seed(0)
        update, draws = self.objective.updates[0], self.objective.draws(batch.x_0, generator)
        net = self.evaluated(lay_out(self.model, how.channels_last), how)
        with torch.random.fork_rng(devices=[]):  # for dropout layers
            for _ in range(1 + TIMED[self.checks_at_once]):
                self._wait()
                began = time.perf_counter()
                first(self.objective.losses(update, net, batch.x_0, batch.cond, *draws)).mean().backward()
                self._wait()
                times.append(time.perf_counter() - began)
        self.model.zero_grad(set_to_none=True)
        lay_out(self.model, self.how.channels_last)
        return min(times[1:])

    def _wait(self) -> None:
        """Until the device has done all that it was given."""
        if self.here.device.type == "cuda":
            torch.cuda.synchronize(self.here.device)

    def conditions(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The batch's labels as the network sees them in training: whole, in part, or not at all."""
        dropout = self.settings.cfg
        return dropout(self.schema, batch.cond, generator) if isinstance(dropout, LabelDropout) else batch.cond

    def inputs(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, ...]:
        """What the losses of an update are computed on: pictures, labels, random numbers, and where the network is told
        of it, how the pictures were augmented. That comes last, so that all else is as it would be without.
        """
        augment, cond = self.settings.augment, self.conditions(batch, generator)
        draws = self.objective.draws(batch.x_0, generator)
        x_0, vector = augment(batch.x_0, generator)
        return (x_0, cond, *draws, *([vector] if augment.dims else []))

    def step(self, step: int, total: float) -> StepResult:
        """The optimiser's step number `step`, counted from 0, of `total`.

        Raises FloatingPointError for a loss or gradient that is not finite: before it reaches the weights if the
        trainer `checks_at_once`, else within CHECK_EVERY steps, or at `check`.
        """
        seed, rank = self.settings.seed, self.here.rank
        torch.manual_seed(step_seed(seed, rank, step, DROPOUT))  # for dropout layers, which take no generator
        generator = torch.Generator(self.here.device).manual_seed(step_seed(seed, rank, step))
        lr, updates, curves = self.optim.rate(step, total), self.objective.updates, {}
        for i, update in enumerate(updates):
            batch = self.data.batch(self.order.indices(step * len(updates) + i))
            x_0, cond, *draws = self.inputs(batch, generator)
            losses, grad_norm = self._update(step, update, lr, (x_0, cond, *draws))
            curves |= losses
        self.ema.update(self.model, step)
        return StepResult(curves, self.objective.times(draws), grad_norm, lr)

    def _update(self, step: int, update: str, lr: float, batch: tuple[Tensor, ...]) -> tuple[dict[str, Tensor], Tensor]:
        """Have one optimiser change its part of the network; returns the losses, and the norm of the gradient."""
        optimizer, part = self.optimizers[update], self.objective.part(self.model, update)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        losses = self._backward(update, *batch)
        grad_norm = torch.nn.utils.clip_grad_norm_(part.parameters(), self.settings.train.grad_clip)
        self._unchecked.append((step, torch.stack([first(losses).mean(), grad_norm])))
        if self.checks_at_once or len(self._unchecked) >= CHECK_EVERY:
            self.check()
        optimizer.step()
        return losses, grad_norm

    def _backward(self, update: str, *batch: Tensor) -> dict[str, Tensor]:
        """Add the gradient of the mean loss of (x_0, cond, *draws), part by part; returns all values (B,)."""
        parts = list(zip(*(tensor.chunk(self.settings.train.accumulate) for tensor in batch), strict=True))
        values = []
        for i, part in enumerate(parts):
            with self.here.gradients(self.wrapped, last=i == len(parts) - 1):
                losses = self.objective.losses(update, self.net, *part)
                (first(losses).mean() * (len(part[0]) / len(batch[0]))).backward()
            values.append({name: value.detach() for name, value in losses.items()})
        return {name: torch.cat([part[name] for part in values]) for name in values[0]}

    def check(self) -> None:
        """Raise FloatingPointError if a step since the last check was not finite. Waits for the device."""
        if not self._unchecked:
            return
        steps, values = zip(*self._unchecked, strict=True)
        self._unchecked = []
        for step, (loss, grad_norm) in zip(steps, torch.stack(values).tolist(), strict=True):
            if not (math.isfinite(loss) and math.isfinite(grad_norm)):
                raise FloatingPointError(
                    f"step {step}: the loss is {loss:.4g} and the gradient norm {grad_norm:.4g}; stopped before this "
                    "reached a checkpoint. Lower optim.lr, lengthen optim.warmup, or use precision=fp32"
                )

    def state(self) -> dict:
        """All that changes during training, except the step number."""
        optimizers = {update: optimizer.state_dict() for update, optimizer in self.optimizers.items()}
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizer": optimizers if len(optimizers) > 1 else first(optimizers),
            "data_hash": self.data.hash,
            "splits": self.splits,
            "teacher": self.teacher_hash,
            "autoencoder": self.space and self.space.hash,
            "threads": torch.get_num_threads(),
            **self.how._asdict(),
        }

    def load(self, state: dict) -> None:
        """Continue from what `state()` returned. Raises CheckpointError if it is of other data or another model."""
        if state.get("data_hash") != self.data.hash:
            raise CheckpointError("the data set has changed since the run started; restore it, or start another run")
        if state.get("teacher") != self.teacher_hash:
            raise CheckpointError(
                f"init_from={self.settings.init_from}: other weights than this run began to distil; restore them, or "
                "start another run"
            )
        if state.get("autoencoder") != (self.space and self.space.hash):
            raise CheckpointError(
                f"autoencoder={self.settings.autoencoder}: other weights than this run began with; restore them, or "
                "start another run"
            )
        several = len(self.optimizers) > 1
        try:
            self.model.load_state_dict(state["model"])
            self.ema.model.load_state_dict(state["ema"])
            for update, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizer"][update] if several else state["optimizer"])
            self.splits = state["splits"]
            threads_before(state)
            self._compute(*as_before(state, self.settings, self.here.device))
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the saved state belongs to another network ({str(error).splitlines()[0]}); start another run"
            ) from error
