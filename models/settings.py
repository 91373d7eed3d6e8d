"""What a class of settings that builds a network has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import nn

from conf import Settings


class NetworkSettings(Settings):
    """Which network, and how large.

    optimizer     : what takes the place of settings of `optim` that were left open
    training_only : names of settings that have no weights, and may differ where a training starts from others'
    generates     : whether it makes pictures of noise, as an autoencoder does not
    """

    optimizer: ClassVar[Mapping[str, Any]] = {}
    training_only: ClassVar[tuple[str, ...]] = ()
    generates: ClassVar[bool] = True

    def settled(self, image_shape: Sequence[int]) -> Self:
        """With what pictures of (C, H, W) decide in the place of what was left out, for the record of a training."""
        return self

    @property
    def network(self) -> dict[str, Any]:
        """The settings that weights depend on: networks that have them in common can take each other's."""
        return {name: value for name, value in self.plain().items() if name not in self.training_only}

    def build(
        self,
        image_shape: Sequence[int],
        cardinalities: Sequence[int],
        outputs: int | None = None,
        extra: int = 0,
    ) -> nn.Module:
        """With random weights. Raises ValueError for a shape or widths that do not fit together.

        image_shape   : (C, H, W)
        cardinalities : number of values of each field of a label; () for an unconditional network
        outputs       : channels of what it returns; as many as the picture has if left out
        extra         : entries of a further vector that it is given, such as how a training picture was augmented
        """
        raise NotImplementedError
