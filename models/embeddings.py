"""The inputs of a network besides the picture: the time, the label, and a vector of whatever else there is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.layers import zero

MAX_PERIOD = 10_000.0


def sinusoidal_embedding(t: Tensor, dim: int) -> Tensor:
    """Integer times t (B,) -> (B, dim) float32 of sines and cosines (Vaswani et al. 2017, section 3.5).

    The wavelengths form a geometric progression from 2 pi to 10,000 * 2 pi. `dim` is even.
    """
    frequencies = torch.exp(-math.log(MAX_PERIOD) * torch.arange(dim // 2, device=t.device) / (dim // 2))
    angles = t[:, None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """Integer times (B,) -> (B, embed_dim): a sinusoidal embedding and a two-layer network."""

    def __init__(self, sinusoid_dim: int, embed_dim: int):
        super().__init__()
        self.sinusoid_dim = sinusoid_dim
        self.mlp = nn.Sequential(nn.Linear(sinusoid_dim, embed_dim), nn.SiLU(), nn.Linear(embed_dim, embed_dim))

    def forward(self, t: Tensor) -> Tensor:
        return self.mlp(sinusoidal_embedding(t, self.sinusoid_dim))


class ValueRows(nn.Module):
    """Turns labels into rows of one table that holds all values of all fields; row 0 stands for unknown.

    cond (B, F), entries below zero for unknown -> (B, F) row numbers in [0, 1 + sum(cardinalities)).
    """

    def __init__(self, cardinalities: Sequence[int]):
        super().__init__()
        self.total = 1 + sum(cardinalities)
        starts = [1 + sum(cardinalities[:f]) for f in range(len(cardinalities))]
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64), persistent=False)

    def forward(self, cond: Tensor) -> Tensor:
        return torch.where(cond >= 0, cond + self.starts, 0)


class AttributeEmbedding(nn.Module):
    """Labels (B, F) -> (B, embed_dim): the sum of one learned vector per known value, through a small network.

    Unknown fields add nothing (row 0 is zero and stays so), so a label of unknowns is the unconditional input
    and no special token is needed.
    """

    def __init__(self, cardinalities: Sequence[int], embed_dim: int):
        super().__init__()
        self.rows = ValueRows(cardinalities)
        self.table = nn.EmbeddingBag(self.rows.total, embed_dim, mode="sum", padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(embed_dim, embed_dim), nn.SiLU(), nn.Linear(embed_dim, embed_dim))

    def forward(self, cond: Tensor) -> Tensor:
        return self.mlp(self.table(self.rows(cond)))


class SpatialEmbedding(nn.Module):
    """Labels (B, F) -> (B, channels, height, width): the sum of one learned embedding per known value and pixel.

    It carries *where* in the picture a value is: a hat above, a chain below. Unknown fields add nothing. It starts
    at zero, so that an untrained network ignores it.
    """

    def __init__(self, cardinalities: Sequence[int], channels: int, height: int, width: int):
        super().__init__()
        self.shape = (channels, height, width)
        self.rows = ValueRows(cardinalities)
        self.table = nn.EmbeddingBag(self.rows.total, channels * height * width, mode="sum", padding_idx=0)
        nn.init.zeros_(self.table.weight)

    def forward(self, cond: Tensor) -> Tensor:
        return self.table(self.rows(cond)).unflatten(1, self.shape)


def extra_embedding(entries: int, embed_dim: int) -> nn.Linear | None:
    """Vectors (B, entries) -> (B, embed_dim), linear, without a bias, and zero at first. None without entries.

    Zeros add nothing, as a picture that was not augmented needs it (Karras et al. 2022, section 5).

    Made last, it leaves the initial weights of all else as they are without it.
    """
    return zero(nn.Linear(entries, embed_dim, bias=False)) if entries else None
