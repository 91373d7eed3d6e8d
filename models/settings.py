"""What a class of settings that builds a network has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import nn

from conf import Settings


class NetworkSettings(Settings):
    """Which network, and how large."""

    def settled(self, image_shape: Sequence[int]) -> Self:
        """With what pictures of (C, H, W) decide in the place of what was left out, for the record of a training."""
        return self

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> nn.Module:
        """With random weights. Raises ValueError for a shape or widths that do not fit together.

        image_shape   : (C, H, W)
        cardinalities : number of values of each field of a label; () for an unconditional network
        outputs       : channels of what it returns; as many as the picture has if left out
        """
        raise NotImplementedError
