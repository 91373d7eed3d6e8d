"""The first stage of latent diffusion (Rombach et al. 2022): pictures become smaller, and back, for a loss in between.

Theirs keeps latents small by a KL term or a codebook. Here a tanh bounds them, so that they are noised, clipped and
guided as pictures are, and the decoder is trained on latents with noise, so that it forgives what a sampler leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from baselines.base import BaselineSettings
from conf import setting
from diffusion.gaussian import GaussianDiffusion
from diffusion.objective import TrainingObjective
from models.layers import Downsample, Upsample, norm, zero

SMALLER = 4  # latents are so many times less high and wide than pictures


class AutoencoderSettings(BaselineSettings):
    """an autoencoder, in whose latents a diffusion can be trained; generates nothing by itself"""

    generates: ClassVar = False
    training_only: ClassVar = ("noise",)
    name: Literal["autoencoder"] = "autoencoder"
    latent: int = setting(4, "channels of the latents, a quarter of the picture high and wide", ge=1, le=64)
    noise: float = setting(0.1, "standard deviation of the noise on latents in training, whose range is [-1, 1]", ge=0)
    likelihood: Literal["gaussian", "palette"] = setting(
        "gaussian", "of a pixel: gaussian for the squared error; palette: the probability of each colour"
    )

    @property
    def prediction(self) -> Literal["x_0", "palette"]:
        return "palette" if self.likelihood == "palette" else "x_0"

    def latent_shape(self, image_shape: Sequence[int]) -> tuple[int, int, int]:
        """(C, H, W) of a picture -> of its latents."""
        _, height, width = image_shape
        return self.latent, height // SMALLER, width // SMALLER

    def build(
        self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None
    ) -> Autoencoder:
        """With random weights. Raises ValueError for a shape that does not fit."""
        return Autoencoder(image_shape, self, outputs or image_shape[0])

    def objective(self, diffusion: GaussianDiffusion) -> Reconstruction:
        return Reconstruction(self, diffusion)


class Block(nn.Module):
    """(B, C_in, H, W) -> (B, C_out, H, W): a residual block that nothing modulates."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.inner = nn.Sequential(
            norm(in_channels), nn.SiLU(), nn.Conv2d(in_channels, out_channels, 3, padding=1),
            norm(out_channels), nn.SiLU(), zero(nn.Conv2d(out_channels, out_channels, 3, padding=1)),
        )  # fmt: skip
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.inner(x)


class Autoencoder(nn.Module):
    """Pictures (B, C, H, W) in [-1, 1], latents (B, latent, H/4, W/4) in [-1, 1], outputs (B, outputs, H, W).

    Squares of 2 x 2 pixels are channels of the finest level (Shi et al. 2016), which one halving follows. Labels are
    not seen: a picture alone decides its latents. Raises ValueError for a picture that is no multiple of 4 pixels.
    """

    def __init__(self, image_shape: Sequence[int], settings: AutoencoderSettings, outputs: int):
        super().__init__()
        image_channels, height, width = image_shape
        if height % SMALLER or width % SMALLER:
            raise ValueError(
                f"image size {height} x {width}: model=autoencoder halves it twice and needs a multiple of {SMALLER}; "
                "change dataset.image_size"
            )
        fine, coarse = settings.channels, 2 * settings.channels
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * image_channels, fine, 3, padding=1))
        self.encoder = nn.Sequential(
            Block(fine, fine), Downsample(fine), Block(fine, coarse), Block(coarse, coarse),
            norm(coarse), nn.SiLU(), nn.Conv2d(coarse, settings.latent, 3, padding=1), nn.Tanh(),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(settings.latent, coarse, 3, padding=1), Block(coarse, coarse), Block(coarse, fine),
            Upsample(fine), Block(fine, fine),
        )  # fmt: skip
        last = nn.Conv2d(fine, 4 * outputs, 3, padding=1)
        self.head = nn.Sequential(norm(fine), nn.SiLU(), last, nn.PixelShuffle(2))

    def encode(self, x_0: Tensor) -> Tensor:
        return self.encoder(self.stem(x_0))

    def decode(self, latents: Tensor) -> Tensor:
        """The colour of each pixel, or its logits."""
        return self.head(self.decoder(latents))

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """Pictures without noise, there and back; with the arguments of a denoiser."""
        return self.decode(self.encode(x_t))


class Reconstruction(TrainingObjective):
    """The error of pictures that were encoded and decoded, with some noise added in between."""

    def __init__(self, settings: AutoencoderSettings, diffusion: GaussianDiffusion):
        self.settings, self.diffusion = settings, diffusion

    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        shape = self.settings.latent_shape(x_0.shape[1:])
        return (torch.randn(len(x_0), *shape, generator=generator, device=generator.device).to(x_0.device),)

    def losses(self, update: str, network: Autoencoder, x_0: Tensor, cond: Tensor, *draws: Tensor) -> dict[str, Tensor]:
        output = network.decode(network.encode(x_0) + self.settings.noise * draws[0])
        t = torch.ones(len(x_0), dtype=torch.int64, device=x_0.device)
        return {"loss/train": self.diffusion.error(output, self.diffusion.target(x_0, t, x_0), t)}
