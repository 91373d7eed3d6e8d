"""Guidance that keeps the contrast of the conditional output."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from conf import setting
from diffusion.guidance.cfg import CFG


class Rescale(CFG):
    """guidance rescaled to the standard deviation of the conditional output, against over-exposure

    Lin et al. 2024, equations 15 and 16; `rescale` is their phi.
    """

    name: Literal["rescale"] = "rescale"
    rescale: float = setting(0.7, "phi: how far it is rescaled, 0 not at all, 1 wholly", ge=0, le=1)
    needs_condition: ClassVar[bool] = True

    def combine(self, output: Tensor, condition: Tensor | None) -> Tensor:
        if condition is None:
            return output
        return self.rescale * output * _spread(condition) / _spread(output) + (1 - self.rescale) * output


def _spread(output: Tensor) -> Tensor:
    """(B, ...) -> (B, 1, ...): the standard deviation of each picture."""
    return output.flatten(1).std(dim=1).view(-1, *[1] * (output.ndim - 1))
