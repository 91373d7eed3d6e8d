"""What a training step minimises: the denoising loss of a diffusion model, or the losses of a baseline."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from baselines import BaselineSettings
from baselines.base import Objective
from diffusion.gaussian import GaussianDiffusion
from training.settings import TrainSettings


class Denoising(Objective):
    """The loss of `GaussianDiffusion` at random times; `network` is the denoiser (x_t, t, cond) -> raw output."""

    updates = ("model",)

    def __init__(self, diffusion: GaussianDiffusion):
        self.diffusion = diffusion

    def part(self, network: nn.Module, update: str) -> nn.Module:
        return network

    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Times and noise."""
        return self.diffusion.sample_times_and_noise(x_0, generator)

    def held_out_draws(self, x_0: Tensor) -> tuple[Tensor, ...]:
        """Times that every noise level has alike, and fixed noise."""
        return self.diffusion.spread_times(len(x_0)), torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0))

    def times(self, draws: tuple[Tensor, ...]) -> Tensor:
        return draws[0]

    def losses(
        self, update: str, network: Callable[..., Tensor], x_0: Tensor, cond: Tensor, *draws: Tensor
    ) -> dict[str, Tensor]:
        return {"loss/train": self.diffusion.loss_at(network, x_0, cond, *draws)}


def objective_for(settings: TrainSettings, diffusion: GaussianDiffusion) -> Objective:
    """That of the settings' family of models."""
    model = settings.model
    return model.objective(diffusion) if isinstance(model, BaselineSettings) else Denoising(diffusion)
