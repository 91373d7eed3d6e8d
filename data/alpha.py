"""Transparency: four channels, red, green and blue, each times alpha ("premultiplied"), and alpha.

So a pixel that cannot be seen has one colour, whatever its file says, and colours can be averaged (Porter & Duff 1984).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

RGBA = 4  # channels
BOARD = (204, 255)  # greys of a checkerboard


def premultiplied(straight: Tensor) -> Tensor:
    """(..., 4, H, W) uint8, colours as files have them -> colours times alpha, rounded to nearest."""
    colours, alpha = straight[..., :3, :, :].int(), straight[..., 3:, :, :].int()
    return torch.cat([_divided(colours * alpha), alpha], dim=-3).to(torch.uint8)


def straightened(images: Tensor) -> Tensor:
    """The inverse of `premultiplied`: (..., 4, H, W) uint8, whose premultiplied form is again `images`.

    Exact where no colour is brighter than its alpha, as `visible` has it.
    """
    colours, alpha = images[..., :3, :, :].int(), images[..., 3:, :, :].int()
    most = alpha.clamp(min=1)
    return torch.cat([((colours * 255 + most // 2) // most).clamp(max=255), alpha], dim=-3).to(torch.uint8)


def visible(images: Tensor) -> Tensor:
    """(N, C, H, W) uint8 -> the same; of four channels, no colour is then brighter than its alpha."""
    if images.shape[1] != RGBA:
        return images
    alpha = images[:, 3:]
    return torch.cat([torch.minimum(images[:, :3], alpha), alpha], dim=1)


def laid_on(straight: Tensor, background: Sequence[int]) -> Tensor:
    """(N, 4, H, W) uint8, not premultiplied, on a colour: (N, 3, H, W) uint8, rounded to nearest."""
    colours, alpha, behind = straight[:, :3].int(), straight[:, 3:].int(), torch.tensor(list(background)).view(3, 1, 1)
    return _divided(colours * alpha + behind * (255 - alpha)).to(torch.uint8)


def to_rgb(images: Tensor, square: int = 4) -> Tensor:
    """(N, C, H, W) uint8 -> (N, 3, H, W) uint8 for people to see: what is transparent shows a checkerboard.

    square : side of the board's squares, in pixels
    """
    if images.shape[1] != RGBA:
        return images.expand(-1, 3, -1, -1)
    rows, columns = (torch.arange(side, device=images.device) // square for side in images.shape[-2:])
    board = torch.where((rows[:, None] + columns) % 2 == 0, *BOARD)
    through = _divided(board * (255 - images[:, 3:].int()))
    return (images[:, :3].int() + through).clamp(max=255).to(torch.uint8)


def _divided(product: Tensor) -> Tensor:
    """A product of two levels as a level, rounded to nearest; 255 is odd, so that there are no ties."""
    return (product + 127) // 255
