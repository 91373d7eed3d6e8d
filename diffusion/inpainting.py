"""Starting from a picture instead of noise, and inpainting: keeping parts of it as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.gaussian import Denoise
from diffusion.samplers import Noise, Sampler
from diffusion.schedule import NoiseSchedule

Constrain = Callable[[Tensor, int], Tensor]  # (x_s, s) -> x_s


@dataclass(frozen=True)
class Edit:
    """How sampling starts from the pictures `init`, and what of them is kept.

    init     : (N, C, H, W) float32 in [-1, 1]
    strength : noise level t / T in [0, 1] to which they are noised: 0 returns them, 1 ignores them (SDEdit, Meng et al.
               2022, algorithm 1)
    mask     : (H, W) or (N, 1, H, W) float32 in [0, 1], 1 where the picture is inpainted, 0 where it is kept; values
               between inpaint from that share of the strength, with less noise (Differential Diffusion, Levin & Fried
               2023, algorithm 1); None for 1 everywhere
    resample : resampling steps: how often each step is taken, with noise back to its start in between, so that both
               parts fit each other (RePaint, Lugmayr et al. 2022, algorithm 1); 1 for once
    """

    init: Tensor
    strength: float = 1.0
    mask: Tensor | None = None
    resample: int = 1

    def __post_init__(self):
        if not 0 <= self.strength <= 1:
            raise ValueError(
                f"strength={self.strength}: a noise level from 0, no change, to 1, which ignores the picture"
            )
        if self.mask is not None and self.mask.shape[-2:] != self.init.shape[-2:]:
            raise ValueError(
                f"mask: {_size(self.mask)} pixels, but the picture has {_size(self.init)}; give it in the same size"
            )
        if type(self.resample) is not int or self.resample < 1:
            raise ValueError(
                f"resample={self.resample!r}: must be a whole number of at least 1; 1 takes each step once"
            )

    def expanded(self, n: int) -> Edit:
        """The same for n pictures, from one or n. Raises ValueError for another number of pictures or masks."""
        one_mask = self.mask is None or self.mask.ndim == 2
        for name, count in (("init", len(self.init)), ("mask", 1 if one_mask else len(self.mask))):
            if count not in (1, n):
                raise ValueError(f"{name}: {count} for {n} seeds; give one, or one for each seed")
        mask = self.mask if one_mask else self.mask.expand(n, -1, -1, -1)
        return replace(self, init=self.init.expand(n, -1, -1, -1), mask=mask)

    def of(self, rows: Tensor) -> Edit:
        """The same for the pictures `rows` alone."""
        single = self.mask is None or self.mask.ndim == 2
        return replace(self, init=self.init[rows], mask=self.mask if single else self.mask[rows])

    def start(self, T: int) -> int:
        """The time at which sampling begins."""
        return math.ceil(self.strength * T - 1e-9)  # 0.07 * 100 is a little more than 7

    def steps(self, steps: int, T: int) -> int:
        """How many of the steps from T remain from there."""
        return min(max(1, round(steps * self.strength)), max(self.start(T), 1))

    @property
    def known(self) -> Tensor | None:
        """Where the picture is kept, bool, of the mask's shape or a single entry; None for nowhere."""
        if self.strength == 0:
            return torch.ones(1, dtype=torch.bool)
        return None if self.mask is None else self.mask == 0

    def begin(self, schedule: NoiseSchedule, eps: Tensor, t: int) -> Tensor:
        """x_t at the first time t: the noised pictures, or pure noise for strength 1."""
        return eps if self.strength == 1 else schedule.add_noise(self.init, t, eps)

    def keep(self, schedule: NoiseSchedule, eps: Tensor) -> Constrain | None:
        """Puts the kept pixels, noised as much as the others, back after a step to s.

        At s = 0 they are those of `init`. Their noise `eps` is the same at every step, where Lugmayr et al. take fresh
        noise, so that samplers with a memory find them on one trajectory.
        """
        if self.mask is None:
            return None
        level = self.mask.to(eps) * self.strength  # from which each pixel is inpainted

        def constrain(x_s: Tensor, s: int) -> Tensor:
            return torch.where(level > s / schedule.T, x_s, schedule.add_noise(self.init, s, eps))

        return constrain


@dataclass(frozen=True)
class Resampled:
    """A sampler that takes each step `resample` times: after all but the last, noise leads back from s to t.

    Its memory of earlier evaluations belongs to the trajectory before that noise, and is dropped.
    """

    sampler: Sampler
    keep: Constrain | None
    resample: int

    def step(self, schedule, denoise, x_t, t, s, noise, memory) -> tuple[Tensor, Any]:
        for _ in range(self.resample - 1):
            x_s, _ = self.sampler.step(schedule, denoise, x_t, t, s, noise, memory)
            x_s = self.keep(x_s, s) if self.keep is not None else x_s
            signal = schedule.signal(t, x_s) / schedule.signal(s, x_s)
            x_t, memory = signal * x_s + (1 - signal**2).sqrt() * noise(), None
        return self.sampler.step(schedule, denoise, x_t, t, s, noise, memory)


def differing(
    schedule: NoiseSchedule,
    before: Denoise,
    after: Denoise,
    init: Tensor,
    noise: Noise,
    level: float = 0.5,
    tries: int = 2,
    threshold: float = 8 / 127.5,
) -> Tensor:
    """Where a picture would have to change for another label to fit: (N, H, W) float32, 1 there and 0 elsewhere.

    The pictures `init` (N, C, H, W) are noised and denoised under both labels; where the two predictions differ,
    the labels disagree (DiffEdit, Couairon et al. 2023, section 3.2, who compare the predicted noise instead).

    before, after : denoisers with the label that the pictures have, and with the one that they are to get
    level         : of the noise, t / T
    tries         : noises over which the differences are averaged
    threshold     : of the mean difference of a pixel's strongest channel; a colour has the range of 2
    """
    t, total = math.ceil(level * schedule.T), 0
    for _ in range(tries):
        x_t = schedule.add_noise(init, t, noise())
        total = total + (after(x_t, t).x_0 - before(x_t, t).x_0).abs().amax(dim=1)
    return (total / tries > threshold).float()


def feathered(mask: Tensor, pixels: int) -> Tensor:
    """(H, W) of 0 and 1 -> the same with soft edges inside the inpainted part; kept pixels stay kept.

    The strength of inpainting grows linearly over `pixels` pixels from the edge.
    """
    known = (mask == 0).float()[None, None]
    near = torch.zeros_like(known)
    for distance in range(1, pixels + 1):  # one ring further in at a time
        near += F.max_pool2d(known, 2 * distance + 1, 1, distance)
    return mask * (1 - near[0, 0] / (pixels + 1))


def _size(x: Tensor) -> str:
    return " x ".join(map(str, (x.shape[-1], x.shape[-2])))
