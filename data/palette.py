"""The colours of pixel art, and where they stand: what turns a drawn picture into the picture meant."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

SNAPS = ("place", "palette", "none")


@dataclass(frozen=True)
class Palette:
    """All colours of a collection of pixel art, each once.

    colours : (K, C) uint8, in ascending order
    places  : (K, H, W) bool, whether a training picture has colour k at this place; None where that is not known.
              Every place has at least one.
    """

    colours: Tensor
    places: Tensor | None = None

    def __len__(self) -> int:
        return len(self.colours)

    @classmethod
    def of(cls, images: Tensor) -> Palette:
        """The colours that occur in `images` (N, C, H, W) uint8."""
        return cls(_unpack(torch.unique(_pack(images)), images.shape[1]))

    def placed(self, images: Tensor) -> Palette:
        """The same colours, with the places that they have in `images` (N, C, H, W) uint8, N at least 1."""
        _, _, height, width = images.shape
        found, inverse = torch.unique(_pack(images), return_inverse=True)
        number = torch.searchsorted(_pack(self.colours[:, :, None, None]), found)  # of each colour found
        places = torch.zeros(len(self), height * width, dtype=torch.bool)
        places[number[inverse.view(len(images), -1)], torch.arange(height * width)] = True
        return replace(self, places=places.view(-1, height, width))

    def snap(self, images: Tensor, to: str = "place") -> Tensor:
        """Each pixel of `images` (N, C, H, W) uint8 becomes the nearest (Euclidean, RGB) of these colours:

        place   : of those that stand at this very place in training pictures; of all, where that is not known
        palette : of all
        none    : `images` as they are
        """
        if to == "none":
            return images
        n, c, h, w = images.shape
        seen, inverse = torch.unique(_pack(images), return_inverse=True)  # far fewer colours than pixels
        # In integers, so that ties fall the same way on every device; (number of colours seen, K).
        apart = (_unpack(seen, c).long()[:, None] - self.colours.to(images.device).long()).square().sum(dim=2)
        if to == "palette" or self.places is None:
            nearest = apart.argmin(dim=1)[inverse]
        else:
            away = ~self.places.to(images.device).flatten(1).T  # (H W, K)
            rows = inverse.view(n, h * w)
            far = apart.max() + 1
            nearest = torch.cat([torch.where(away, far, apart[row]).argmin(dim=1) for row in rows])
        snapped = self.colours.to(images.device)[nearest]
        return rearrange(snapped, "(n h w) c -> n c h w", n=n, h=h, w=w).contiguous()

    # -- as plain values, for the header of a weights file ------------------------------------------------------

    def to_plain(self) -> tuple[list[list[int]], str | None]:
        """(colours, places), the places packed to bits, compressed, in base64."""
        if self.places is None:
            return self.colours.tolist(), None
        bits = np.packbits(self.places.cpu().numpy())
        return self.colours.tolist(), base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode()

    @classmethod
    def from_plain(cls, colours: list[list[int]], places: str | None, height: int, width: int) -> Palette:
        """The inverse of `to_plain`. Raises ValueError for places of another size."""
        palette = cls(torch.tensor(colours, dtype=torch.uint8))
        if places is None:
            return palette
        count = len(palette) * height * width
        unpack = zlib.decompressobj()
        packed = unpack.decompress(base64.b64decode(places), count // 8 + 2)  # no more than is right, whatever it holds
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))
        if len(packed) != (count + 7) // 8:
            raise ValueError(f"palette: the places are not those of {len(palette)} colours on {height} x {width}")
        return replace(palette, places=torch.from_numpy(bits[:count].astype(bool)).view(-1, height, width))


def _pack(images: Tensor) -> Tensor:
    """(N, C, H, W) uint8 -> (N H W,) int64, one number for each colour."""
    pixels = rearrange(images, "n c h w -> c (n h w)").long()
    return sum(channel << (8 * c) for c, channel in enumerate(pixels))


def _unpack(colours: Tensor, channels: int) -> Tensor:
    """The inverse of `_pack`: (K,) int64 -> (K, C) uint8."""
    return torch.stack([(colours >> (8 * c)) & 255 for c in range(channels)], dim=1).to(torch.uint8)
