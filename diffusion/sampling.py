"""Sampling: the grid of times, the noise of each image, and the loop that walks from noise to pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.guidance import Denoise, guided
from diffusion.samplers import Noise, Sampler
from diffusion.schedule import NoiseSchedule

OnStep = Callable[[int, int, Tensor], None]  # (steps done, s, x_s): for progress bars and films


def timesteps(T: int, steps: int) -> list[int]:
    """`steps` + 1 strictly falling times from T to 0, evenly spaced, by integer arithmetic.

    "Trailing" spacing (Lin et al. 2024, table 2): the first time is T itself, where the picture is pure noise.
    Raises ValueError unless 1 <= steps <= T.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= T:
        raise ValueError(f"steps={steps!r}: must be a whole number from 1 to T = {T}, the steps of the schedule")
    return [T * (steps - i) // steps for i in range(steps + 1)]


class ImageNoise:
    """Standard normal noise in which every image has its own generator, seeded by its own seed.

    An image's noise therefore depends on its seed and on nothing else: not on the batch, nor its place there.
    It is drawn on the CPU, so that every device starts from the same noise.
    """

    def __init__(self, seeds: Sequence[int], shape: Sequence[int], device: torch.device | str = "cpu"):
        if not len(seeds):
            raise ValueError("seeds: at least one is needed, one for each image")
        for seed in seeds:
            if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
                raise ValueError(f"seed={seed!r}: must be a whole number from 0 to 2^63 - 1")
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.shape, self.device = tuple(shape), device

    def __call__(self) -> Tensor:
        """The next (N, C, H, W) float32 of noise."""
        return torch.stack([torch.randn(self.shape, generator=g) for g in self.generators]).to(self.device)


def sample(
    schedule: NoiseSchedule,
    sampler: Sampler,
    denoise: Denoise,
    timesteps: Sequence[int],
    x: Tensor,
    noise: Noise,
    constrain: Callable[[Tensor, int], Tensor] | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Walk x from the first of `timesteps` to the last, 0, and return x_0.

    timesteps : falling times; the first is the noise level that x already has
    constrain : (x_s, s) -> x_s, applied after every step; inpainting resets the known pixels here
    """
    memory: Any = None
    for i, (t, s) in enumerate(pairwise(timesteps)):
        x, memory = sampler.step(schedule, denoise, x, t, s, noise, memory)
        if constrain is not None:
            x = constrain(x, s)
        if on_step is not None:
            on_step(i + 1, s, x)
    return x


@torch.no_grad()
def draw(
    diffusion: GaussianDiffusion,
    denoiser: Denoiser,
    sampler: Sampler,
    cond: Tensor,
    ref_cond: Tensor,
    seeds: Sequence[int],
    shape: Sequence[int],
    w: float,
    steps: int,
    on_step: OnStep | None = None,
) -> Tensor:
    """Pictures (N, C, H, W) float32 in [-1, 1] from pure noise, with classifier-free guidance.

    cond     : (N, F) on the denoiser's device, what is asked for
    ref_cond : (N, F), what guidance moves away from: all UNKNOWN for classifier-free guidance
    seeds    : N seeds, one per picture
    shape    : (C, H, W)
    w        : guidance, 1 is off
    """
    noise = ImageNoise(seeds, shape, cond.device)
    denoise = guided(diffusion, denoiser, cond, ref_cond=ref_cond, w=w)
    grid = timesteps(diffusion.schedule.T, steps)
    return sample(diffusion.schedule, sampler, denoise, grid, noise(), noise, on_step=on_step)
