"""Random changes of training pictures, of which the network is told, so that its samples do not show them.

The pictures of a small set are seen hundreds of times; mirrored, moved and recoloured ones tell them apart less. A
network that does not know of it samples mirrored and moved pictures too: the augmentation leaks. One that is told how
each picture was changed, as further input, is told at sampling that nothing was (Karras et al. 2022, section 5, after
Jun et al. 2020; Karras et al. 2020 for the changes themselves).
"""

from __future__ import annotations

import math
import re
from collections.abc import Set
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from conf import Settings, setting
from data.alpha import RGBA
from data.base import InMemoryDataset
from data.palette import Palette

DIMS = 5  # mirrored, moved down and to the right, and two of the angle of hue
# Words in labels, English and French, that are false of a mirrored picture, and of one whose hues are rotated.
SIDES = {"left", "right", "gauche", "droite", "droit"}
COLOURS = {
    "red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "brown", "blond", "blonde", "gold",
    "golden", "rouge", "jaune", "vert", "verte", "bleu", "bleue", "violette", "rose", "brun", "brune", "marron",
    "blonds", "roux", "rousse", "doré", "dorée",
}  # fmt: skip


class Augmented(NamedTuple):
    """Pictures, and what was done to them."""

    x_0: Tensor  # (B, C, H, W) in [-1, 1]
    vector: Tensor  # (B, DIMS) in [-2, 1], zero where nothing was done


class Augmentation(Settings):
    """How training pictures are changed at random, each by itself; not at all by default."""

    flip: bool = setting(False, "mirror pictures left to right")
    shift: int = setting(
        0,
        "pixels, at most, by which pictures are moved down or up and sideways, edges repeated; 0 for none",
        ge=0,
        le=64,
    )
    hue: float = setting(0.0, "degrees, at most, by which hues are rotated; 0 for none", ge=0, le=180)
    probability: float = setting(0.5, "of each of these, for a picture in a batch", gt=0, lt=1)
    conditioned: bool = setting(
        True, "tell the network of it, so that samples do not show it (non-leaking); false: samples show it too"
    )

    @property
    def on(self) -> bool:
        return bool(self.flip or self.shift or self.hue)

    @property
    def dims(self) -> int:
        """Entries of the vector that the network is told; 0 where it is told nothing."""
        return DIMS if self.on and self.conditioned else 0

    def __call__(self, x_0: Tensor, generator: torch.Generator) -> Augmented:
        """Of pictures (B, C, H, W); takes no random numbers where nothing is to be done."""
        n, random = len(x_0), {"generator": generator, "device": generator.device}
        if not self.on:
            return Augmented(x_0, x_0.new_zeros(n, DIMS))
        flipped, shifted, rotated = torch.rand(3, n, **random) < self.probability
        flipped = flipped & self.flip
        down, right = torch.randint(-self.shift, self.shift + 1, (2, n), **random) * shifted
        angle = math.radians(self.hue) * (2 * torch.rand(n, **random) - 1) * rotated
        parts = (flipped, down / max(self.shift, 1), right / max(self.shift, 1), angle.cos() - 1, angle.sin())
        x_0 = moved(x_0, flipped, down, right)
        return Augmented(hue_rotated(x_0, angle) if self.hue else x_0, torch.stack([p.to(x_0) for p in parts], dim=1))

    def refuse_false(self, train: InMemoryDataset) -> None:
        """Raises ValueError where what is done to these pictures would make their labels or their colours false."""
        channels, height, width = train.image_shape
        if 2 * self.shift >= min(height, width):
            raise ValueError(
                f"augment.shift={self.shift}: pictures of {height} x {width} would lose half of what they show; choose "
                f"at most {(min(height, width) - 1) // 2}, better 1 or 2"
            )
        if self.hue and channels == 1:
            raise ValueError(f"augment.hue={self.hue:g}: the pictures are grey and have no hue; leave it out")
        for given, words, what in (
            (f"flip={self.flip}".lower() if self.flip else "", SIDES, "a mirrored picture"),
            (f"hue={self.hue:g}" if self.hue else "", COLOURS, "a picture of other hues"),
        ):
            name = _named(train.schema, words)
            if given and name:
                raise ValueError(f"augment.{given}: the label {name!r} would be false of {what}; leave it out")
            if given and train.palette is not None and not self.conditioned:
                raise ValueError(
                    f"augment.{given}: samples would show it, but those of pixel art are quantised to the colours that "
                    "training pictures have at each pixel; leave augment.conditioned=false out"
                )

    def palette(self, palette: Palette | None) -> Palette | None:
        """To which samples are quantised: of pictures that are moved, each colour of the data set may be anywhere."""
        return replace(palette, at_pixel=None) if palette and self.shift and not self.conditioned else palette


def moved(x: Tensor, flipped: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Each of x (B, C, H, W) mirrored left to right where `flipped` (B,) bool, then moved by whole pixels (B,) int.

    What comes in at a side repeats the edge there, so that no colour and no transparency is new.
    """
    _, channels, height, width = x.shape
    rows = (torch.arange(height, device=x.device) - down[:, None]).clamp(0, height - 1)  # (B, H): where each is from
    columns = (torch.arange(width, device=x.device) - right[:, None]).clamp(0, width - 1)
    columns = torch.where(flipped[:, None], width - 1 - columns, columns)
    pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (B, H W)
    return x.flatten(2).gather(2, pixels[:, None].expand(-1, channels, -1)).view_as(x)


def hue_rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Colours of x (B, 3 or 4, H, W) rotated around the grey axis by angles (B,) in radians, within their range.

    Greys stay as they are (Karras et al. 2020, appendix B). That is linear, and so the same for premultiplied colours,
    which stay at most the alpha. 120 degrees turn red into green, green into blue, and blue into red.
    """
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    eye = torch.eye(3, device=x.device)
    across = (eye.roll(1, dims=0) - eye.roll(1, dims=1)) / math.sqrt(3)  # the cross product with the axis
    rotation = cos * eye + (1 - cos) / 3 + sin * across  # (B, 3, 3), Rodrigues' formula
    terms = rotation[..., None, None] * x[:, None, :3]  # no matrix product, which may round what is not rotated
    colours = terms.sum(dim=2).clamp(-1, 1)
    if x.shape[1] != RGBA:
        return colours
    return torch.cat([torch.minimum(colours, x[:, 3:]), x[:, 3:]], dim=1)


def _named(schema: ConditionSchema, words: Set[str]) -> str | None:
    """The first name of a field or value in which one of the words stands."""
    names = (name for field in schema.fields for name in (field.name, *field.values))
    return next((name for name in names if words.intersection(re.findall(r"[^\W\d_]+", name.lower()))), None)
