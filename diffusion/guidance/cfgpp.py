"""CFG++."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from diffusion.guidance.cfg import CFG, NEGLIGIBLE


class CFGPlusPlus(CFG):
    """CFG++: re-noises with the eps of the unconditional model; w from 0 to 1, such as 0.8, and sampler=ddim

    Chung et al. 2024, algorithm 2.
    """

    name: Literal["cfgpp"] = "cfgpp"
    renoise_reference: ClassVar[bool] = True

    def refuse(self, weights: Sequence[float]) -> None:
        if min(weights) < 0 or sum(weights) > 1 + NEGLIGIBLE:
            given = " and ".join(f"{v:g}" for v in weights)
            raise ValueError(
                f"w={given}: with guidance=cfgpp, w lies in [0, 1], and so does the sum of several; 0.8 is strong"
            )
