"""The denoiser: a U-Net (Ronneberger et al. 2015; Ho et al. 2020, appendix B), given time and label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from conf import setting
from models.embeddings import AttributeEmbedding, SpatialEmbedding, TimeEmbedding, extra_embedding
from models.layers import Downsample, Modulation, ResidualBlock, SelfAttention, Upsample, norm, zero
from models.settings import NetworkSettings

COARSEST = 8  # positions along the longer side, of which a level is halved once more
ATTENDED = 8  # positions along the longer side, of levels whose attention costs little
WIDEST = 4  # of the multiples of the finest level's width
FINEST = 16  # positions along the longer side of the finest level, where nobody says how large its patches are


class UNetSettings(NetworkSettings):
    """the U-Net of models/unet.py"""

    training_only: ClassVar = ("dropout",)
    name: Literal["unet"] = "unet"
    channels: int | None = setting(
        32, "width of the finest level; null for 64, and more where patches are large", ge=1, le=4096
    )
    channel_mults: list[PositiveInt] | None = setting(
        None,
        "width of each level, as a multiple; each further level halves the picture; null for as many as the size "
        "of the pictures needs, such as [1,2,4] at 24 x 24",
        min_length=1,
    )
    blocks: int = setting(2, "residual blocks per level", ge=1, le=64)
    patch: int | None = setting(
        1,
        "side of the squares of pixels that the finest level takes as one position; null for as large as leaves "
        f"{FINEST} x {FINEST} positions at most",
        ge=1,
        le=64,
    )
    attention_levels: list[NonNegativeInt] | None = setting(
        None,
        f"levels with self-attention, 0 the finest; null for coarse ones of {ATTENDED} x {ATTENDED} positions at most",
    )
    head_dim: int = setting(32, "channels per attention head", ge=1)
    label: Literal["add", "concat"] = setting(
        "add", "whether the label embedding is added to that of the time, or stands beside it"
    )
    modulation: Modulation = setting(
        "scale_shift", "of blocks by time and label: a scale and shift (AdaGN), or added to the channels, as in DDPM"
    )
    map_channels: int = setting(16, "width of the spatial embedding that joins the input; 0 for none", ge=0, le=1024)
    dropout: float = setting(0.0, "inside residual blocks", ge=0, le=0.999)

    def settled(self, image_shape: Sequence[int]) -> Self:
        """With as many levels as bring pictures (C, H, W) below COARSEST positions, if that is left open.

        Patches, if they are, have a power of two of pixels along their side, and the width that holds those of one.
        """
        longest = max(image_shape[1:])
        patch = self.patch or 2 ** max(0, (longest - 1) // FINEST).bit_length()
        channels = self.channels or max(64, 12 * patch)
        side = -(-longest // patch)
        halvings = max(1, (side // COARSEST).bit_length())
        mults = self.channel_mults or [min(2**level, WIDEST) for level in range(halvings + 1)]
        attended = self.attention_levels
        if attended is None:
            attended = [level for level in range(2, len(mults)) if side <= ATTENDED * 2**level]
        return self.replace(channels=channels, patch=patch, channel_mults=mults, attention_levels=attended)

    def build(
        self,
        image_shape: Sequence[int],
        cardinalities: Sequence[int],
        outputs: int | None = None,
        extra: int = 0,
    ) -> UNet:
        """With random weights. Raises ValueError for a shape or widths that do not fit together."""
        return UNet(image_shape, cardinalities, self.settled(image_shape), outputs or image_shape[0], extra)


class UNet(nn.Module):
    """(x_t (B, C, H, W), t (B,) int, cond (B, F) int) -> (B, outputs, H, W): eps, x_0, v or logits, as it was trained.

    It may be given a vector more, (B, extra): how a training picture was augmented, for which None stands for not at
    all, or the w of a distilled network, which always has one.

    image_shape   : (C, H, W)
    cardinalities : number of values of each field of `cond`; () for an unconditional network
    outputs       : channels of the output
    extra         : entries of that vector; 0 for none

    Each level is `channels` times its multiple wide and half the size of the one before. Blocks of the attention levels
    are followed by self-attention; the middle always has it. With `patch` > 1 the finest level works on squares of
    pixels, their channels side by side (Shi et al. 2016: sub-pixel convolution), at a patch ** 2-th of the cost.

    Sizes that cannot be halved so often get a border of zeros at the right and at the bottom, which is cut off again.
    """

    def __init__(
        self, image_shape: Sequence[int], cardinalities: Sequence[int], settings: UNetSettings, outputs: int,
        extra: int,
    ):  # fmt: skip
        super().__init__()
        image_channels, height, width = image_shape
        channels, blocks, head_dim = settings.channels, settings.blocks, settings.head_dim
        levels = len(settings.channel_mults)
        _refuse_size(height, width, levels, settings.patch)
        self.step = settings.patch * 2 ** (levels - 1)
        _refuse_levels(settings.attention_levels, levels)
        widths, embed_dim = [channels * mult for mult in settings.channel_mults], 4 * channels
        self.beside = settings.label == "concat" and bool(cardinalities)
        self.fields = len(cardinalities)
        self.time = TimeEmbedding(channels, embed_dim)
        self.attributes = AttributeEmbedding(cardinalities, embed_dim) if cardinalities else None
        map_channels = settings.map_channels if cardinalities else 0
        self.map = SpatialEmbedding(cardinalities, map_channels, height, width) if map_channels else None
        self.to_patches, self.to_pixels = nn.PixelUnshuffle(settings.patch), nn.PixelShuffle(settings.patch)
        area, kernel = settings.patch**2, 3 if outputs <= channels else 1  # logits of a palette are many
        self.stem = nn.Conv2d((image_channels + map_channels) * area, channels, 3, padding=1)

        def stage(in_channels: int, out_channels: int, level: int) -> Stage:
            heads = head_dim if level in settings.attention_levels else None
            return Stage(in_channels, out_channels, embed_dim * (1 + self.beside), settings, heads)

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
        self.middle = nn.ModuleList(
            Stage(at, at, embed_dim * (1 + self.beside), settings, heads) for heads in (head_dim, None)
        )
        for level in reversed(range(len(widths))):
            for _ in range(blocks + 1):
                self.up.append(stage(at + skips.pop(), widths[level], level))
                at = widths[level]
            if level > 0:
                self.up.append(Upsample(at))
        self.head = nn.Sequential(norm(at), nn.SiLU(), zero(nn.Conv2d(at, outputs * area, kernel, padding=kernel // 2)))
        self.extra = extra_embedding(extra, embed_dim)

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor, extra: Tensor | None = None) -> Tensor:
        if cond.shape[1] != self.fields:  # one column would be broadcast over all fields
            raise ValueError(f"cond has {cond.shape[1]} fields, this network was built for {self.fields}")
        emb = self.time(t)  #                                 (B, E), or (B, 2 E) with the label beside it
        if extra is not None:
            emb = emb + self.extra(extra)
        if self.attributes is not None:
            label = self.attributes(cond)
            emb = torch.cat([emb, label], dim=1) if self.beside else emb + label
        if self.map is not None:
            x_t = torch.cat([x_t, self.map(cond)], dim=1)  #  (B, C + M, H, W)
        height, width = x_t.shape[-2:]
        border = (-height % self.step, -width % self.step)
        if any(border):
            x_t = F.pad(x_t, (0, border[1], 0, border[0]))
        h = self.stem(self.to_patches(x_t))  #                (B, width, H, W), H and W divided by the patch
        skips = [h]
        for layer in self.down:  #                            ... (B, 4 width, H/4, W/4)
            h = layer(h, emb) if isinstance(layer, Stage) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, emb)
        for layer in self.up:  #                              ... (B, width, H, W)
            h = layer(torch.cat([h, skips.pop()], dim=1), emb) if isinstance(layer, Stage) else layer(h)
        output = self.to_pixels(self.head(h))  #              (B, outputs, H, W)
        return output[..., :height, :width] if any(border) else output


class Stage(nn.Module):
    """A residual block, followed by self-attention where `head_dim` is given."""

    def __init__(
        self, in_channels: int, out_channels: int, embed_dim: int, settings: UNetSettings, head_dim: int | None
    ):
        super().__init__()
        self.block = ResidualBlock(in_channels, out_channels, embed_dim, settings.dropout, settings.modulation)
        self.attention = SelfAttention(out_channels, head_dim) if head_dim else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.attention(self.block(x, emb))


def _refuse_size(height: int, width: int, levels: int, patch: int) -> None:
    """A level beyond the one with a single position would see nothing but the border."""
    step = patch * 2 ** (levels - 1)
    if step >= 2 * max(height, width):
        raise ValueError(
            f"image size {height} x {width}: a U-Net with {levels} levels and patches of {patch} halves it more often "
            "than it has pixels; use fewer model.channel_mults, or a smaller model.patch"
        )


def _refuse_levels(attention_levels: Sequence[int], levels: int) -> None:
    if not set(attention_levels) <= set(range(levels)):
        raise ValueError(
            f"model.attention_levels={list(attention_levels)}: levels count from 0, the finest, to {levels - 1}, the "
            "coarsest; choose among these"
        )
