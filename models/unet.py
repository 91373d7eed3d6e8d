"""The denoiser: a U-Net (Ronneberger et al. 2015; Ho et al. 2020, appendix B) told the time and the attributes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.embeddings import AttributeEmbedding, AttributeMap, TimeEmbedding
from models.layers import Downsample, ResidualBlock, SelfAttention, Upsample, norm, zero


class UNet(nn.Module):
    """(x_t (B, C, H, W), t (B,) int, cond (B, F) int) -> (B, C, H, W): eps, x_0 or v, as it was trained.

    image_shape      : (C, H, W); H and W must be divisible by 2 ** (len(channel_mults) - 1)
    cardinalities    : number of values of each field of `cond`; () for an unconditional network
    channels         : width of the first level, multiplied by `channel_mults` at each level, halving the size
    blocks           : residual blocks per level
    attention_levels : levels (0 is the finest) whose blocks are followed by self-attention; the middle always has it
    head_dim         : channels per attention head
    map_channels     : width of the learned map per attribute value that joins the input; 0 for none
    dropout          : inside residual blocks
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        cardinalities: Sequence[int],
        channels: int = 32,
        channel_mults: Sequence[int] = (1, 2, 4),
        blocks: int = 2,
        attention_levels: Sequence[int] = (2,),
        head_dim: int = 32,
        map_channels: int = 0,
        dropout: float = 0.0,
    ):
        super().__init__()
        image_channels, height, width = image_shape
        _refuse_size(height, width, len(channel_mults))
        _refuse_levels(attention_levels, len(channel_mults))
        widths = [channels * mult for mult in channel_mults]
        embed_dim = 4 * channels
        self.fields = len(cardinalities)
        self.time = TimeEmbedding(channels, embed_dim)
        self.attributes = AttributeEmbedding(cardinalities, embed_dim) if cardinalities else None
        with_map = cardinalities and map_channels
        self.map = AttributeMap(cardinalities, map_channels, height, width) if with_map else None
        self.stem = nn.Conv2d(image_channels + (map_channels if with_map else 0), channels, 3, padding=1)

        def stage(in_channels: int, out_channels: int, level: int) -> Stage:
            attention = level in attention_levels
            return Stage(in_channels, out_channels, embed_dim, dropout, head_dim if attention else None)

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, at = [channels], channels
        for level, out_channels in enumerate(widths):
            for _ in range(blocks):
                self.down.append(stage(at, out_channels, level))
                at = out_channels
                skips.append(at)
            if level < len(widths) - 1:
                self.down.append(Downsample(at))
                skips.append(at)
        self.middle = nn.ModuleList(Stage(at, at, embed_dim, dropout, heads) for heads in (head_dim, None))
        for level in reversed(range(len(widths))):
            for _ in range(blocks + 1):
                self.up.append(stage(at + skips.pop(), widths[level], level))
                at = widths[level]
            if level > 0:
                self.up.append(Upsample(at))
        self.head = nn.Sequential(norm(at), nn.SiLU(), zero(nn.Conv2d(at, image_channels, 3, padding=1)))

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        if cond.shape[1] != self.fields:  # one column would be broadcast over all fields
            raise ValueError(f"cond has {cond.shape[1]} fields, this network was built for {self.fields}")
        emb = self.time(t)  #                                 (B, E)
        if self.attributes is not None:
            emb = emb + self.attributes(cond)
        if self.map is not None:
            x_t = torch.cat([x_t, self.map(cond)], dim=1)  #  (B, C + M, H, W)
        h = self.stem(x_t)  #                                 (B, width, H, W)
        skips = [h]
        for layer in self.down:  #                            ... (B, 4 width, H/4, W/4)
            h = layer(h, emb) if isinstance(layer, Stage) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, emb)
        for layer in self.up:  #                              ... (B, width, H, W)
            h = layer(torch.cat([h, skips.pop()], dim=1), emb) if isinstance(layer, Stage) else layer(h)
        return self.head(h)  #                                (B, C, H, W)


class Stage(nn.Module):
    """A residual block, followed by self-attention where `head_dim` is given."""

    def __init__(self, in_channels: int, out_channels: int, embed_dim: int, dropout: float, head_dim: int | None):
        super().__init__()
        self.block = ResidualBlock(in_channels, out_channels, embed_dim, dropout)
        self.attention = SelfAttention(out_channels, head_dim) if head_dim else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.attention(self.block(x, emb))


def _refuse_size(height: int, width: int, levels: int) -> None:
    step = 2 ** (levels - 1)
    if height % step or width % step:
        fits = [side for side in range(step, height + 2 * step, step) if abs(side - height) < step]
        raise ValueError(
            f"image size {height} x {width}: a U-Net with {levels} levels halves it {levels - 1} times and needs a "
            f"multiple of {step}, such as {' or '.join(map(str, fits))}; change dataset.image_size, or use fewer "
            "model.channel_mults"
        )


def _refuse_levels(attention_levels: Sequence[int], levels: int) -> None:
    if not set(attention_levels) <= set(range(levels)):
        raise ValueError(
            f"model.attention_levels={list(attention_levels)}: levels count from 0, the finest, to {levels - 1}, the "
            "coarsest; choose among these"
        )
