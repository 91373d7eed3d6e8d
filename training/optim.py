"""The optimiser and the learning rate, which is a function of the step and nothing else."""

from __future__ import annotations

import math

import torch
from torch import nn


def learning_rate(step: int, steps: int, lr: float, warmup: int, schedule: str) -> float:
    """Linear warm-up over `warmup` steps, then constant, or a half cosine to 0 at `steps`.

    Loshchilov & Hutter 2017, equation 5, without restarts. `step` counts from 0.
    """
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if schedule == "constant":
        return lr * ramp
    progress = min(max(step - warmup, 0) / max(steps - warmup, 1), 1.0)
    return lr * ramp * 0.5 * (1 + math.cos(math.pi * progress))


def build_optimizer(model: nn.Module, optim: dict) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019); biases, norms and embedding tables do not decay."""
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim > 1 and "table" not in name else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": optim["weight_decay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optim["lr"], betas=tuple(optim["betas"]), fused=True)
