"""The colours of pixel art, in all and per pixel, and quantising a sampled picture to them."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

PART = 1024  # pictures, whose colours are looked up at once
AT_ONCE = 2**16  # distances to all colours; so many are held at a time


@dataclass(frozen=True)
class Palette:
    """All colours of a collection of pixel art, each once.

    colours  : (K, C) uint8, in ascending order
    at_pixel : (K, H, W) bool, whether a training picture has colour k at this pixel; None where that is not known.
               Every pixel has at least one.
    """

    colours: Tensor
    at_pixel: Tensor | None = None

    def __len__(self) -> int:
        return len(self.colours)

    @classmethod
    def of(cls, images: Tensor) -> Palette:
        """The colours that occur in `images` (N, C, H, W) uint8."""
        return cls(_unpack(torch.unique(_pack(images)), images.shape[1]))

    @classmethod
    def of_few(cls, images: Tensor, most: int) -> Palette | None:
        """The same for any number of pictures; None as soon as there are more than `most` colours."""
        seen = torch.zeros(0, dtype=torch.int64)
        for part in images.split(PART):
            packed = _pack(part)
            if len(seen):  # pictures share most colours, and finding one is faster than sorting all pixels
                packed = packed[seen[torch.searchsorted(seen, packed).clamp(max=len(seen) - 1)] != packed]
            seen = torch.unique(torch.cat([seen, packed]))
            if len(seen) > most:
                return None
        return cls(_unpack(seen, images.shape[1]))

    def per_pixel(self, images: Tensor) -> Palette:
        """The same colours, with those that each pixel has in `images` (N, C, H, W) uint8, N at least 1."""
        _, _, height, width = images.shape
        known, pixels = _pack(self.colours[:, :, None, None]), torch.arange(height * width)
        at_pixel = torch.zeros(len(self), height * width, dtype=torch.bool)
        for part in images.split(PART):
            number = torch.searchsorted(known, _pack(part))  # of the colour of each pixel
            at_pixel[number.view(len(part), -1), pixels] = True
        return replace(self, at_pixel=at_pixel.view(-1, height, width))

    def quantise(self, images: Tensor, to: str = "pixel") -> Tensor:
        """Each pixel of `images` (N, C, H, W) uint8 becomes the nearest (Euclidean, RGB) of these colours:

        pixel   : of those that training pictures have at this pixel; of all, where that is not known
        palette : of all
        none    : `images` as they are
        """
        if to == "none":
            return images
        n, c, h, w = images.shape
        seen, inverse = torch.unique(_pack(images), return_inverse=True)  # far fewer colours than pixels
        # In integers, so that ties fall the same way on every device; (number of colours seen, K).
        apart = (_unpack(seen, c).long()[:, None] - self.colours.to(images.device).long()).square().sum(dim=2)
        if to == "palette" or self.at_pixel is None:
            nearest = apart.argmin(dim=1)[inverse]
        else:
            nearest = self._nearest_at_pixel(apart, inverse.view(n, h * w)).flatten()
        quantised = self.colours.to(images.device)[nearest]
        return rearrange(quantised, "(n h w) c -> n c h w", n=n, h=h, w=w).contiguous()

    def _nearest_at_pixel(self, apart: Tensor, seen: Tensor) -> Tensor:
        """The nearest colour that each pixel may have, for pictures (N, H W) of the colours numbered `seen`.

        apart : (number of colours seen, K), how far each is from each of these colours

        Decided once for each colour seen at a pixel: pictures of pixel art share most of them.
        """
        away, far = ~self.at_pixel.to(seen.device).flatten(1).T, apart.max() + 1  # (H W, K)
        pixels = torch.arange(seen.shape[1], device=seen.device)
        different, which = torch.unique(pixels * len(apart) + seen, return_inverse=True)
        nearest = [
            torch.where(away[part // len(apart)], far, apart[part % len(apart)]).argmin(dim=1)
            for part in different.split(AT_ONCE)
        ]
        return torch.cat(nearest)[which]

    # -- as plain values, for the header of a weights file ------------------------------------------------------

    def to_plain(self) -> tuple[list[list[int]], str | None]:
        """(colours, colours per pixel), the latter packed to bits, compressed, in base64."""
        if self.at_pixel is None:
            return self.colours.tolist(), None
        bits = np.packbits(self.at_pixel.cpu().numpy())
        return self.colours.tolist(), base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode()

    @classmethod
    def from_plain(cls, colours: list[list[int]], at_pixel: str | None, height: int, width: int) -> Palette:
        """The inverse of `to_plain`. Raises ValueError for a per-pixel palette of another size."""
        palette = cls(torch.tensor(colours, dtype=torch.uint8))
        if at_pixel is None:
            return palette
        count = len(palette) * height * width
        try:
            packed = zlib.decompressobj().decompress(base64.b64decode(at_pixel), count // 8 + 2)  # no zip bomb
        except zlib.error as error:
            raise ValueError("palette: the per-pixel palette is damaged; use another copy of the weights") from error
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))
        if len(packed) != (count + 7) // 8:
            size = f"{len(palette)} colours on {height} x {width}"
            raise ValueError(f"palette: the per-pixel palette is not that of {size}; use another copy of the weights")
        return replace(palette, at_pixel=torch.from_numpy(bits[:count].astype(bool)).view(-1, height, width))


def _pack(images: Tensor) -> Tensor:
    """(N, C, H, W) uint8 -> (N H W,) int64, one number for each colour."""
    pixels = rearrange(images, "n c h w -> c (n h w)").long()
    return sum(channel << (8 * c) for c, channel in enumerate(pixels))


def _unpack(colours: Tensor, channels: int) -> Tensor:
    """The inverse of `_pack`: (K,) int64 -> (K, C) uint8."""
    return torch.stack([(colours >> (8 * c)) & 255 for c in range(channels)], dim=1).to(torch.uint8)
