"""Guidance with dynamic thresholding."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from conf import setting
from diffusion.guidance.cfg import CFG


class DynamicThresholding(CFG):
    """guidance with dynamic thresholding in the place of clipping

    Saharia et al. 2022, section 2.3: a picture is divided by a percentile of its |x_0| where that exceeds 1.
    """

    name: Literal["dynamic"] = "dynamic"
    percentile: float = setting(0.995, "of |x_0| in each picture, by which it is divided; 1 clips", gt=0, le=1)

    def limit(self, x_0: Tensor) -> Tensor:
        if self.percentile == 1:
            return super().limit(x_0)
        bound = x_0.flatten(1).abs().float().quantile(self.percentile, dim=1).clamp(min=1.0)
        bound = bound.to(x_0.dtype).view(-1, *[1] * (x_0.ndim - 1))
        return x_0.clamp(-bound, bound) / bound
