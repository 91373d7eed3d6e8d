"""The networks of both baselines: from a latent vector to a picture, and from a picture to numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.embeddings import AttributeEmbedding
from models.layers import ResidualBlock, Upsample, norm

HALVINGS = 2  # between the coarsest level and the picture


def latent_of(noise: Tensor, latent: int) -> Tensor:
    """(B, latent): the first numbers of an image's standard normal noise (B, C, H, W)."""
    return noise.flatten(1)[:, :latent]


def likeliest(output: Tensor) -> Tensor:
    """Logits of a palette (B, K, H, W) with those of the likeliest colour of each pixel alone."""
    return output.masked_fill(output < output.amax(dim=1, keepdim=True), -torch.inf)


class Generator(nn.Module):
    """z (B, latent), cond (B, F) -> (B, outputs, H, W); latent vector and label modulate every block.

    Raises ValueError for a picture that cannot be halved twice, or has fewer numbers than the latent vector.
    """

    def __init__(
        self, image_shape: Sequence[int], cardinalities: Sequence[int], channels: int, latent: int, outputs: int
    ):
        super().__init__()
        image_channels, height, width = image_shape
        step = 2**HALVINGS
        if height % step or width % step:
            raise ValueError(
                f"image size {height} x {width}: the generator doubles its first level {HALVINGS} times and needs a "
                f"multiple of {step}; change dataset.image_size"
            )
        if latent > image_channels * height * width:
            raise ValueError(
                f"model.latent={latent}: must be at most {image_channels * height * width}, the numbers in a picture"
            )
        self.latent, embed_dim = latent, 4 * channels
        coarse, middle = 4 * channels, 2 * channels
        self.mapping = nn.Sequential(nn.Linear(latent, embed_dim), nn.SiLU(), nn.Linear(embed_dim, embed_dim))
        self.attributes = AttributeEmbedding(cardinalities, embed_dim) if cardinalities else None
        self.stem = nn.Sequential(nn.Linear(embed_dim, coarse * height * width // step**2))
        self.coarse_shape = (coarse, height // step, width // step)
        self.blocks = nn.ModuleList([
            ResidualBlock(coarse, coarse, embed_dim, 0.0), Upsample(coarse),
            ResidualBlock(coarse, middle, embed_dim, 0.0), Upsample(middle),
            ResidualBlock(middle, channels, embed_dim, 0.0),
        ])  # fmt: skip
        self.head = nn.Sequential(norm(channels), nn.SiLU(), nn.Conv2d(channels, outputs, 3, padding=1))

    def forward(self, z: Tensor, cond: Tensor) -> Tensor:
        emb = self.mapping(z)  #                                         (B, E)
        if self.attributes is not None:
            emb = emb + self.attributes(cond)
        h = self.stem(F.silu(emb)).unflatten(1, self.coarse_shape)  #    (B, 4 width, H/4, W/4)
        for block in self.blocks:  #                                     ... (B, width, H, W)
            h = block(h, emb) if isinstance(block, ResidualBlock) else block(h)
        return self.head(h)  #                                           (B, outputs, H, W)


class Features(nn.Module):
    """x (B, C, H, W) -> (B, features), by strided convolutions.

    There is no batch normalisation, for the gradient penalty of a critic is on each picture by itself (Gulrajani et al.
    2017, section 4).
    """

    def __init__(self, image_shape: Sequence[int], channels: int, features: int):
        super().__init__()
        image_channels, height, width = image_shape
        layers = [nn.Conv2d(image_channels, channels, 3, padding=1), nn.LeakyReLU(0.2)]
        for level in range(HALVINGS):
            wide = channels * 2**level
            layers += [nn.Conv2d(wide, 2 * wide, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        area = (height // 2**HALVINGS) * (width // 2**HALVINGS)
        self.stem = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 2**HALVINGS * area, features))

    def forward(self, x: Tensor) -> Tensor:
        return self.stem(x)
