"""The parts of the U-Net: residual block, self-attention, and changes of resolution."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

GROUPS = 8


def norm(channels: int) -> nn.GroupNorm:
    if channels % GROUPS:
        raise ValueError(
            f"a layer of {channels} channels cannot be normalised in {GROUPS} groups; choose model.channels and "
            f"model.channel_mults so that every width is a multiple of {GROUPS}"
        )
    return nn.GroupNorm(GROUPS, channels)


def zero(layer: nn.Module) -> nn.Module:
    """Start a layer at zero, so that its residual branch begins as the identity (Ho et al. 2020)."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


Modulation = Literal["scale_shift", "add"]


class ResidualBlock(nn.Module):
    """Two convolutions, between which time and attributes come in.

    x (B, C_in, H, W), emb (B, E) -> (B, C_out, H, W)

    modulation : "scale_shift" of the normalised channels (Dhariwal & Nichol 2021, section 3: AdaGN), or "add" to each
                 channel before it is normalised (Ho et al. 2020, appendix B)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embed_dim: int,
        dropout: float,
        modulation: Modulation = "scale_shift",
    ):
        super().__init__()
        self.scales = modulation == "scale_shift"
        self.norm_in = norm(in_channels)
        self.conv_in = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.modulation = nn.Linear(embed_dim, 2 * out_channels if self.scales else out_channels)
        self.norm_out = norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zero(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        modulation = self.modulation(F.silu(emb))[:, :, None, None]
        h = self.conv_in(F.silu(self.norm_in(x)))
        if self.scales:
            scale, shift = modulation.chunk(2, dim=1)
            h = self.norm_out(h) * (1 + scale) + shift
        else:
            h = self.norm_out(h + modulation)
        return self.skip(x) + self.conv_out(self.dropout(F.silu(h)))


class SelfAttention(nn.Module):
    """Self-attention over all pixels (Vaswani et al. 2017); x (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int, head_dim: int):
        super().__init__()
        if channels % head_dim:
            raise ValueError(
                f"model.head_dim={head_dim} does not divide the {channels} channels of an attention layer; "
                "choose a divisor"
            )
        self.heads = channels // head_dim
        self.norm = norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2]
        q, k, v = rearrange(self.qkv(self.norm(x)), "b (three h d) y x -> three b h (y x) d", three=3, h=self.heads)
        attended = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(rearrange(attended, "b h (y x) d -> b (h d) y x", y=height))


class Downsample(nn.Module):
    """(B, C, H, W) -> (B, C, H/2, W/2)"""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Upsample(nn.Module):
    """(B, C, H, W) -> (B, C, 2H, 2W)"""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
