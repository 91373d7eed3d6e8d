"""The objects of one training, and one step of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from data.base import Batch, Splits
from data.loader import BatchOrder
from diffusion.gaussian import GaussianDiffusion
from runtime.checkpoint import CheckpointError, load_tensors, read_info
from runtime.device import in_precision, pick_precision
from runtime.distributed import Processes
from runtime.factory import build_diffusion, build_model
from training.ema import EMA
from training.optim import build_optimizer, learning_rate

UNCONDITIONAL_ROWS = 4
LR_SETTINGS = ("lr", "warmup", "schedule", "cooldown")
DROP_SETTINGS = ("drop_prob", "partial_prob", "max_known", "present_weight")


class StepResult(NamedTuple):
    losses: Tensor  # (B,) of this process
    t: Tensor  # (B,)
    grad_norm: float
    lr: float


def step_seed(seed: int, rank: int, step: int) -> int:
    """A seed that depends on these three alone, different for each."""
    return int(np.random.SeedSequence((seed, rank, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def preview_labels(schema: ConditionSchema, requests: list) -> Tensor:
    """(R, F) labels of the requests that sample grids show, a row each; a few rows of nothing without labels."""
    if not isinstance(requests, list) or not requests:
        raise ValueError(f'dataset.preview={requests!r}: must be a list of requests, such as ["any"]')
    if not len(schema):
        return schema.unknown(UNCONDITIONAL_ROWS)
    return torch.stack([schema.encode(request, "dataset.preview") for request in requests])


class Trainer:
    """Model, average, optimiser and data, and how one step changes them.

    Everything random in `step(k)` is a function of (seed, rank, k), so state and step number are the whole
    state of a training.
    """

    def __init__(self, cfg: dict, splits: Splits, here: Processes):
        self.cfg, self.here = cfg, here
        self.data = splits.train.to(here.device)
        self.schema = splits.train.schema
        self.diffusion: GaussianDiffusion = build_diffusion(cfg)
        self.model = build_model(cfg, self.data.image_shape, self.schema).to(here.device)
        self.ema = EMA(self.model, cfg["train"]["ema_decay"])
        self.optimizer = build_optimizer(self.model, cfg["optim"])
        self.precision = pick_precision(cfg["precision"], here.device)
        self.net = self.in_precision(here.wrap(self.model))
        self.order = BatchOrder(len(self.data), cfg["train"]["batch_size"], cfg["seed"], here.rank, here.world_size)
        self.preview = preview_labels(self.schema, cfg["dataset"]["preview"])
        self.drop = {key: cfg["cfg"][key] for key in DROP_SETTINGS} if len(self.schema) else None

    def in_precision(self, model: torch.nn.Module):
        return in_precision(model, self.here.device, self.precision)

    def conditions(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The batch's labels as the network sees them in training: whole, in part, or not at all."""
        return self.schema.drop(batch.cond, generator=generator, **self.drop) if self.drop else batch.cond

    def step(self, step: int) -> StepResult:
        """The optimiser's step number `step`, counted from 0.

        Raises FloatingPointError before anything non-finite reaches the weights.
        """
        seed = step_seed(self.cfg["seed"], self.here.rank, step)
        torch.manual_seed(seed)  # for dropout layers, which know no generator
        generator = torch.Generator(self.here.device).manual_seed(seed)
        optim = self.cfg["optim"]
        lr = learning_rate(step, self.cfg["train"]["steps"], **{key: optim[key] for key in LR_SETTINGS})
        for group in self.optimizer.param_groups:
            group["lr"] = lr

        batch = self.data.batch(self.order.indices(step))
        cond = self.conditions(batch, generator)
        t, eps = self.diffusion.draw(batch.x_0, generator)
        losses = self.diffusion.loss_at(self.net, batch.x_0, cond, t, eps)

        self.optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg["train"]["grad_clip"])
        losses = losses.detach()
        checked = torch.stack([losses.mean(), grad_norm]).tolist()  # one wait for the device, not two
        if not np.isfinite(checked).all():
            raise FloatingPointError(
                f"step {step}: the loss is {checked[0]:.4g} and the gradient norm {checked[1]:.4g}; stopped before "
                "this reached the weights. Lower optim.lr, lengthen optim.warmup, or use precision=fp32"
            )
        self.optimizer.step()
        self.ema.update(self.model, step)
        return StepResult(losses, t, checked[1], lr)

    def start(self, path: Path) -> None:
        """Begin with the weights of another training. Raises CheckpointError where they mean something else."""
        info, data = read_info(path), self.data
        was, now = info.config, self.cfg
        for name, theirs, ours in (
            ("images", tuple(info.image_shape), data.image_shape),
            ("labels", ConditionSchema.from_json(info.schema).fields, self.schema.fields),
            ("network", was.get("model"), now["model"]),
            ("prediction", was.get("diffusion", {}).get("prediction"), now["diffusion"]["prediction"]),
        ):
            if theirs != ours:
                raise CheckpointError(
                    f"start={path}: trained with other {name}; choose the data set, model.* and diffusion.prediction "
                    "that they had, or leave start out"
                )
        tensors = load_tensors(path)
        try:
            self.model.load_state_dict(tensors)
            self.ema.model.load_state_dict(tensors)
        except RuntimeError as error:
            raise CheckpointError(
                f"start={path}: its weights do not fit the network it describes; it was written by another version "
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
