"""The diffusion transformer (Peebles & Xie 2023): tokens are patches, blocks are modulated by time and label."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from conf import setting
from models.embeddings import (
    AttributeEmbedding,
    SpatialEmbedding,
    TimeEmbedding,
    extra_embedding,
    sinusoidal_embedding,
)
from models.layers import zero
from models.settings import NetworkSettings


class DiTSettings(NetworkSettings):
    """the diffusion transformer of models/dit.py"""

    training_only: ClassVar = ("dropout",)
    name: Literal["dit"] = "dit"
    patch: int = setting(2, "side of a patch, in pixels; half of it costs four times as many tokens", ge=1, le=256)
    width: int = setting(192, "channels of a token, a multiple of 4 and of heads", ge=4, le=8192)
    depth: int = setting(8, "blocks", ge=1, le=256)
    heads: int = setting(6, "attention heads per block", ge=1, le=256)
    mlp_ratio: int = setting(4, "width of the inner layer of a block, as a multiple", ge=1, le=16)
    map_channels: int = setting(16, "width of the spatial embedding that joins the input; 0 for none", ge=0, le=1024)
    dropout: float = setting(0.0, "at the end of both branches of a block", ge=0, le=0.999)

    def build(
        self,
        image_shape: Sequence[int],
        cardinalities: Sequence[int],
        outputs: int | None = None,
        extra: int = 0,
    ) -> DiT:
        """With random weights. Raises ValueError for a shape or widths that do not fit together."""
        return DiT(image_shape, cardinalities, self, outputs or image_shape[0], extra)


class DiT(nn.Module):
    """(x_t (B, C, H, W), t (B,) int, cond (B, F) int) -> (B, outputs, H, W): eps, x_0, v or logits, as it was trained.

    It may be given a vector more, (B, extra): how a training picture was augmented, for which None stands for not at
    all, or the w of a distilled network, which always has one.

    image_shape   : (C, H, W); the patch divides H and W
    cardinalities : number of values of each field of `cond`; () for an unconditional network
    outputs       : channels of the output
    extra         : entries of that vector; 0 for none
    """

    def __init__(
        self, image_shape: Sequence[int], cardinalities: Sequence[int], settings: DiTSettings, outputs: int,
        extra: int,
    ):  # fmt: skip
        super().__init__()
        channels, height, width = image_shape
        _refuse(height, width, settings)
        patch, dim = settings.patch, settings.width
        self.fields, self.patch, self.rows = len(cardinalities), patch, height // patch
        self.time = TimeEmbedding(dim, dim)
        self.attributes = AttributeEmbedding(cardinalities, dim) if cardinalities else None
        map_channels = settings.map_channels if cardinalities else 0
        self.map = SpatialEmbedding(cardinalities, map_channels, height, width) if map_channels else None
        self.stem = nn.Linear((channels + map_channels) * patch**2, dim)
        self.register_buffer("positions", grid_positions(self.rows, width // patch, dim), persistent=False)
        self.blocks = nn.ModuleList(Block(dim, settings) for _ in range(settings.depth))
        self.modulation = zero(nn.Linear(dim, 2 * dim))
        self.head = zero(nn.Linear(dim, outputs * patch**2))
        self.extra = extra_embedding(extra, dim)

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor, extra: Tensor | None = None) -> Tensor:
        if cond.shape[1] != self.fields:  # one column would be broadcast over all fields
            raise ValueError(f"cond has {cond.shape[1]} fields, this network was built for {self.fields}")
        emb = self.time(t)  #                                     (B, D)
        if extra is not None:
            emb = emb + self.extra(extra)
        if self.attributes is not None:
            emb = emb + self.attributes(cond)
        emb = F.silu(emb)
        if self.map is not None:
            x_t = torch.cat([x_t, self.map(cond)], dim=1)  #      (B, C + M, H, W)
        h = rearrange(x_t, "b c (y p) (x q) -> b (y x) (c p q)", p=self.patch, q=self.patch)
        h = self.stem(h) + self.positions  #                      (B, N, D), N = H W / P^2
        for block in self.blocks:
            h = block(h, emb)
        shift, scale = self.modulation(emb)[:, None].chunk(2, dim=2)
        h = self.head(modulated(h, shift, scale))  #              (B, N, outputs P^2)
        return rearrange(h, "b (y x) (c p q) -> b c (y p) (x q)", y=self.rows, p=self.patch, q=self.patch)


class Block(nn.Module):
    """Self-attention and a two-layer network, each shifted, scaled and gated by emb: adaLN-Zero, at first the identity.

    h (B, N, D), emb (B, D) -> (B, N, D)
    """

    def __init__(self, dim: int, settings: DiTSettings):
        super().__init__()
        self.heads, inner = settings.heads, settings.mlp_ratio * dim
        self.modulation = zero(nn.Linear(dim, 6 * dim))
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, dim))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, h: Tensor, emb: Tensor) -> Tensor:
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = self.modulation(emb)[:, None].chunk(6, dim=2)
        h = h + gate_a * self.dropout(self._attended(modulated(h, shift_a, scale_a)))
        return h + gate_m * self.dropout(self.mlp(modulated(h, shift_m, scale_m)))

    def _attended(self, h: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(h), "b n (three heads d) -> three b heads n d", three=3, heads=self.heads)
        return self.out(rearrange(F.scaled_dot_product_attention(q, k, v), "b heads n d -> b n (heads d)"))


def modulated(h: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights of its own, then the scale and shift by time and label."""
    return F.layer_norm(h, h.shape[-1:], eps=1e-6) * (1 + scale) + shift


def grid_positions(rows: int, columns: int, dim: int) -> Tensor:
    """(rows columns, dim): sinusoidal embeddings of row and column, half of the channels each."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.cat([sinusoidal_embedding(p.flatten(), dim // 2) for p in (y, x)], dim=1)


def _refuse(height: int, width: int, settings: DiTSettings) -> None:
    patch, dim, heads = settings.patch, settings.width, settings.heads
    side, step = gcd(height, width), lcm(4, heads)
    if side % patch:
        fits = ", ".join(str(p) for p in range(1, side + 1) if side % p == 0)
        raise ValueError(f"model.patch={patch}: must divide the image size, {height} x {width}; choose one of {fits}")
    if dim % step:
        fits = max(dim // step * step, step)
        raise ValueError(f"model.width={dim}: must be a multiple of 4 and of model.heads={heads}, such as {fits}")
