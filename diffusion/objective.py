"""What a training step minimises: the denoising loss here, those of other families of models in baselines/."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.gaussian import GaussianDiffusion


class TrainingObjective(ABC):
    """The losses of one training step.

    updates : of the step, by the part of the network that each changes; each has a batch of its own
    """

    updates: Sequence[str] = ("model",)

    def part(self, network: nn.Module, update: str) -> nn.Module:
        """What an update changes."""
        return network

    @abstractmethod
    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The random numbers of one update, a row for each picture of x_0 (B, C, H, W), on the generator's device."""

    def held_out_draws(self, x_0: Tensor) -> tuple[Tensor, ...]:
        """Those of losses on held-out pictures, the same whenever they are taken."""
        return self.draws(x_0, torch.Generator().manual_seed(0))

    def times(self, draws: tuple[Tensor, ...]) -> Tensor | None:
        """The noise levels (B,) among `draws`, by which losses are also averaged; None where there are none."""
        return None

    @abstractmethod
    def losses(self, update: str, network: Any, x_0: Tensor, cond: Tensor, *draws: Tensor) -> dict[str, Tensor]:
        """Values (B,) by the name of their curve: first the loss that the update minimises, then its terms.

        The loss of the first update is "loss/train", by which a training is followed. Of pictures that were augmented,
        whose augmentation the network sees, `draws` ends with the augmentation vectors.
        """


class Denoising(TrainingObjective):
    """The loss of `GaussianDiffusion`; `network` is the denoiser (x_t, t, cond) -> raw output."""

    def __init__(self, diffusion: GaussianDiffusion):
        self.diffusion = diffusion

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
        t, eps, *extra = draws

        def denoiser(x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
            return network(x_t, t, cond, *extra)

        return {"loss/train": self.diffusion.loss_at(denoiser, x_0, cond, t, eps)}
