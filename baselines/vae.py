"""A conditional variational autoencoder (Kingma & Welling 2014; Sohn et al. 2015, with a prior free of the label)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.base import BaselineSettings
from baselines.networks import Features, Generator, latent_of, likeliest
from conf import setting
from diffusion.gaussian import GaussianDiffusion
from diffusion.objective import TrainingObjective
from models.embeddings import AttributeEmbedding


class VAESettings(BaselineSettings):
    """a conditional VAE"""

    training_only: ClassVar = ("beta",)
    name: Literal["vae"] = "vae"
    beta: float = setting(1.0, "weight of the KL term: 1 is the evidence lower bound, more a beta-VAE", ge=0)
    likelihood: Literal["gaussian", "palette"] = setting(
        "gaussian", "of a pixel: gaussian with one learned variance; palette: the probability of each colour"
    )

    @property
    def prediction(self) -> Literal["x_0", "palette"]:
        return "palette" if self.likelihood == "palette" else "x_0"

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> VAE:
        """With random weights. Raises ValueError for a shape that does not fit."""
        return VAE(image_shape, cardinalities, self, outputs or image_shape[0])

    def objective(self, diffusion: GaussianDiffusion) -> EvidenceLowerBound:
        return EvidenceLowerBound(self, diffusion)


class VAE(nn.Module):
    """Encoder and decoder; as a denoiser at pure noise (x_t, t, cond) -> (B, outputs, H, W), the decoder alone.

    Of logits of a palette, those of the likeliest colour of each pixel are left: the mode, as a Gaussian's mean is.
    """

    def __init__(self, image_shape: Sequence[int], cardinalities: Sequence[int], settings: VAESettings, outputs: int):
        super().__init__()
        self.latent, self.mode = settings.latent, settings.likelihood == "palette"
        features = 4 * settings.channels
        self.decoder = Generator(image_shape, cardinalities, settings.channels, settings.latent, outputs)
        self.features = Features(image_shape, settings.channels, features)
        self.attributes = AttributeEmbedding(cardinalities, features) if cardinalities else None
        self.posterior = nn.Linear(features, 2 * settings.latent)
        self.log_sigma = nn.Parameter(torch.zeros(()))  # of a Gaussian likelihood

    def encode(self, x_0: Tensor, cond: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of q(z | x_0, cond), (B, latent) each."""
        h = self.features(x_0)
        if self.attributes is not None:
            h = h + self.attributes(cond)
        mean, log_variance = self.posterior(F.silu(h)).chunk(2, dim=1)
        return mean, log_variance

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        output = self.decoder(latent_of(x_t, self.latent), cond)
        return likeliest(output) if self.mode else output


def reparameterised(mean: Tensor, log_variance: Tensor, eps: Tensor) -> Tensor:
    """z ~ N(mean, variance) as a function of eps ~ N(0, I), through which gradients pass (Kingma & Welling 2014)."""
    return mean + (0.5 * log_variance).exp() * eps


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """(B,) nats of KL(N(mean, variance) || N(0, I)) (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def gaussian_nll(x_0: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """(B,) nats of -log N(x_0; mean, sigma^2 I). A learned sigma needs no weight (Rybkin et al. 2021: sigma-VAE)."""
    error = 0.5 * ((x_0 - mean) / log_sigma.exp()).square() + log_sigma + 0.5 * math.log(2 * math.pi)
    return error.flatten(1).sum(dim=1)


class EvidenceLowerBound(TrainingObjective):
    """Reconstruction + beta KL, in nats for each number of a picture, or for each pixel of a palette."""

    def __init__(self, settings: VAESettings, diffusion: GaussianDiffusion):
        self.settings, self.diffusion = settings, diffusion

    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(len(x_0), self.settings.latent, generator=generator, device=generator.device),)

    def losses(self, update: str, network: VAE, x_0: Tensor, cond: Tensor, *draws: Tensor) -> dict[str, Tensor]:
        mean, log_variance = network.encode(x_0, cond)
        output = network.decoder(reparameterised(mean, log_variance, *draws), cond)
        if self.settings.likelihood == "palette":
            target = self.diffusion.nearest_colours(x_0)  # (B, H, W)
            reconstruction = F.cross_entropy(output, target, reduction="none").flatten(1).sum(dim=1)
        else:
            target = x_0
            reconstruction = gaussian_nll(x_0, output, network.log_sigma)
        kl = kl_divergence(mean, log_variance)
        loss = (reconstruction + self.settings.beta * kl) / target[0].numel()
        return {"loss/train": loss, "vae/reconstruction": reconstruction, "vae/kl": kl}
