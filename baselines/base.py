"""What the settings of every baseline have, and what training asks of its objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from conf import Settings, setting
from diffusion.gaussian import DiffusionSettings, GaussianDiffusion


class BaselineSettings(Settings):
    """The size of a generator; see baselines/networks.py.

    optimizer : what takes the place of settings of `optim` that were left open
    """

    optimizer: ClassVar[Mapping[str, Any]] = {}
    channels: int = setting(32, "width of the finest level of each network, a multiple of 8", ge=8, le=4096)
    latent: int = setting(64, "numbers in the latent vector", ge=1, le=65_536)

    @property
    def outputs(self) -> Literal["x_0", "palette"]:
        """What the generator predicts, in the terms of diffusion.prediction."""
        return "x_0"

    @property
    def one_step(self) -> DiffusionSettings:
        """The diffusion with a single noise level, pure noise, of which generating is the only step."""
        return DiffusionSettings(prediction=self.outputs, schedule="cosine", T=1)

    def objective(self, diffusion: GaussianDiffusion) -> Objective:
        """How a network that `build` returned is trained."""
        raise NotImplementedError


class Objective(ABC):
    """The losses of one training step.

    updates : the parts of the network that are optimised, in turn, each on a batch of its own
    """

    updates: Sequence[str]

    @abstractmethod
    def part(self, network: nn.Module, update: str) -> nn.Module:
        """What an update changes."""

    @abstractmethod
    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The random numbers of one update, a row for each picture of x_0 (B, C, H, W)."""

    def held_out_draws(self, x_0: Tensor) -> tuple[Tensor, ...]:
        """Those of losses on held-out pictures, the same whenever they are taken."""
        return self.draws(x_0, torch.Generator().manual_seed(0))

    def times(self, draws: tuple[Tensor, ...]) -> Tensor | None:
        """The noise levels (B,) among `draws`, by which losses are also averaged; None where there are none."""
        return None

    @abstractmethod
    def losses(self, update: str, network: nn.Module, x_0: Tensor, cond: Tensor, *draws: Tensor) -> dict[str, Tensor]:
        """Values (B,) by the name of their curve: first the loss that the update minimises, then its terms."""
