"""The exponential moving average (EMA) of the weights, which samples better pictures than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


def decay_at(step: int, decay: float) -> float:
    """The decay at a step counted from 0: small at first, so that early averages forget the random initial weights."""
    return min(decay, (1 + step) / (10 + step))


class EMA:
    """Exponential moving average of a model's parameters (Polyak & Juditsky 1992), held in a copy of it."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """average <- decay * average + (1 - decay) * model, after the optimiser's step `step`."""
        average = get_ema_multi_avg_fn(decay_at(step, self.decay))
        average(list(self.model.parameters()), list(model.parameters()), step)
