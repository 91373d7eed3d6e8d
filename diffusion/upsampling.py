"""Super-resolution: a denoiser that sees a small picture beside x_t, and generates the large one that it is of.

SR3 (Saharia et al. 2021, section 2.3) concatenates both along their channels; the second stage of a cascade does the
same (Ho et al. 2022: cascaded diffusion models). Noising, loss and sampling are those of any diffusion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.objective import Denoising
from diffusion.sampling import Between, Seed

ENLARGING = 0x656E6C61726765  # sets the seed of a large picture's noise apart from that of its small one


def beside(denoiser: Denoiser, picture: Tensor) -> Denoiser:
    """The denoiser (x_t (B, C, H, W), t, cond) that one of 2 C channels is, with `picture` in the second half of them.

    picture : (n, C, H, W) in [-1, 1], a small one, enlarged to the size of x_t; B is n times the branches of guidance,
              which come one after another
    """

    def with_picture(x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        branches = len(x_t) // len(picture)
        return denoiser(torch.cat([x_t, picture.repeat(branches, 1, 1, 1)], dim=1), t, cond)

    return with_picture


def enlarging(seeds: Sequence[Seed]) -> list[Seed]:
    """Seeds of noise that is independent of the small pictures, which were sampled with `seeds`, as in training."""
    return [
        seed ^ ENLARGING if isinstance(seed, int) else Between(seed.one ^ ENLARGING, seed.other ^ ENLARGING, seed.share)
        for seed in seeds
    ]


class Upsampling(Denoising):
    """The loss of denoising, beside the picture's own small version.

    coarse : x_0 (B, C, H, W) -> its small version, enlarged to the same size

    Small versions are not noised (conditioning augmentation): where those of sampling are quantised to the palette of
    the training, they have no artefacts that training lacked.
    """

    def __init__(self, diffusion: GaussianDiffusion, coarse: Callable[[Tensor], Tensor]):
        super().__init__(diffusion)
        self.coarse = coarse

    def losses(
        self, update: str, network: Callable[..., Tensor], x_0: Tensor, cond: Tensor, *draws: Tensor
    ) -> dict[str, Tensor]:
        return super().losses(update, beside(network, self.coarse(x_0)), x_0, cond, *draws)
