"""What the settings of all baselines have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from conf import setting
from diffusion.gaussian import DiffusionSettings, GaussianDiffusion
from diffusion.objective import TrainingObjective
from models.settings import NetworkSettings


class BaselineSettings(NetworkSettings):
    """The size of the networks of baselines/networks.py."""

    loss_falls: ClassVar[bool] = True  # whether a lower held-out loss means better pictures
    channels: int = setting(32, "width of the finest level of each network, a multiple of 8", ge=8, le=4096)
    latent: int = setting(64, "numbers in the latent vector", ge=1, le=65_536)

    @property
    def prediction(self) -> Literal["x_0", "palette"]:
        """What the generator's output means, in the terms of diffusion.prediction."""
        return "x_0"

    @property
    def one_step(self) -> DiffusionSettings:
        """The diffusion with a single noise level, pure noise, of which generating is the only step."""
        return DiffusionSettings(prediction=self.prediction, schedule="cosine", T=1, times=[1])

    @abstractmethod
    def objective(self, diffusion: GaussianDiffusion) -> TrainingObjective:
        """How a network that `build` returned is trained."""
