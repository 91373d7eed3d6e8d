"""A conditional Wasserstein GAN with gradient penalty (Gulrajani et al. 2017; Miyato & Koyama 2018: projection)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.base import BaselineSettings
from baselines.networks import Features, Generator, latent_of
from conf import setting
from diffusion.gaussian import GaussianDiffusion
from diffusion.objective import TrainingObjective
from models.embeddings import AttributeEmbedding


class WGANGPSettings(BaselineSettings):
    """a conditional WGAN-GP"""

    # No momentum, as Gulrajani et al. 2017; a higher rate than their 1e-4 to 2e-4, for trainings of thousands of steps.
    optimizer: ClassVar = {"lr": 5e-4, "betas": [0.0, 0.9]}
    training_only: ClassVar = ("critic_steps", "penalty")
    loss_falls: ClassVar = False  # that of the critic, which is lowest where it tells most pictures apart
    name: Literal["wgan_gp"] = "wgan_gp"
    critic_steps: int = setting(5, "updates of the critic for each one of the generator", ge=1, le=1000)
    penalty: float = setting(10.0, "weight of the gradient penalty", ge=0)

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> WGANGP:
        """With random weights. Raises ValueError for a shape that does not fit."""
        return WGANGP(image_shape, cardinalities, self, outputs or image_shape[0])

    def objective(self, diffusion: GaussianDiffusion) -> Adversarial:
        return Adversarial(self)


class Critic(nn.Module):
    """x (B, C, H, W), cond (B, F) -> (B,) score: of the picture, and of the picture for the label by a projection.

    A field that is unknown adds nothing, so that of a label of unknowns only the picture is judged.
    """

    def __init__(self, image_shape: Sequence[int], cardinalities: Sequence[int], channels: int):
        super().__init__()
        features = 4 * channels
        self.features = Features(image_shape, channels, features)
        self.attributes = AttributeEmbedding(cardinalities, features) if cardinalities else None
        self.head = nn.Linear(features, 1)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        h = F.leaky_relu(self.features(x), 0.2)
        score = self.head(h)[:, 0]
        return score if self.attributes is None else score + (self.attributes(cond) * h).sum(dim=1)


class WGANGP(nn.Module):
    """Generator and critic; as a denoiser at pure noise (x_t, t, cond) -> (B, C, H, W), the generator alone."""

    def __init__(
        self, image_shape: Sequence[int], cardinalities: Sequence[int], settings: WGANGPSettings, outputs: int
    ):
        super().__init__()
        self.latent = settings.latent
        self.generator = Generator(image_shape, cardinalities, settings.channels, settings.latent, outputs)
        self.critic = Critic(image_shape, cardinalities, settings.channels)

    def generate(self, z: Tensor, cond: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [-1, 1]."""
        return self.generator(z, cond).tanh()

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return self.generate(latent_of(x_t, self.latent), cond)


@torch.enable_grad()
def gradient_penalty(critic: Callable[[Tensor, Tensor], Tensor], x: Tensor, cond: Tensor) -> Tensor:
    """(B,) of (|gradient of the critic at x| - 1)^2, itself differentiable (Gulrajani et al. 2017, equation 3)."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x, cond).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square()


class Adversarial(TrainingObjective):
    """The critic estimates the Wasserstein distance of generated pictures from real ones, the generator lowers it.

    A batch that the generator is updated on lends it its labels alone. "loss/train" is the critic's loss, for it is
    the critic's estimate, and not the generator's loss, that tells how good the pictures are.
    """

    def __init__(self, settings: WGANGPSettings):
        self.settings = settings
        self.updates = ("critic",) * settings.critic_steps + ("generator",)

    def part(self, network: WGANGP, update: str) -> nn.Module:
        return network.critic if update == "critic" else network.generator

    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Latent vectors, and where between a real and a generated picture the penalty is taken."""
        device = generator.device
        z = torch.randn(len(x_0), self.settings.latent, generator=generator, device=device)
        return z, torch.rand(len(x_0), 1, 1, 1, generator=generator, device=device)

    def losses(self, update: str, network: WGANGP, x_0: Tensor, cond: Tensor, *draws: Tensor) -> dict[str, Tensor]:
        z, share = draws
        if update == "generator":
            with frozen(network.critic):
                return {"gan/generator": -network.critic(network.generate(z, cond), cond)}
        with torch.no_grad():
            generated = network.generate(z, cond)
        distance = network.critic(x_0, cond) - network.critic(generated, cond)
        penalty = gradient_penalty(network.critic, torch.lerp(generated, x_0, share), cond)
        loss = self.settings.penalty * penalty - distance
        return {"loss/train": loss, "gan/wasserstein": distance, "gan/gradient_penalty": penalty}


@contextmanager
def frozen(module: nn.Module):
    """Its parameters get no gradients; what goes through it does."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
