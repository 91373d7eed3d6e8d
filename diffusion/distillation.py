"""Distillation: what a teacher does in several guided steps, a network learns to do in one, guidance included."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from pydantic import field_validator
from torch import Tensor

from conf import MAX_WEIGHT, Settings, one_of, setting
from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.guidance import Fade, guided
from diffusion.objective import TrainingObjective
from diffusion.samplers import DDIM
from diffusion.sampling import sample

GUIDANCE = Fade()  # of the teacher: the usual one, as whose substitute the network is sampled
ENTRIES = 64  # of the embedding of w
HELD_OUT = 4  # weights, from the lowest to the highest, of which held-out losses are averaged
WAVES = (4.0, 80.0)  # shortest and longest wavelength of its sines, in w: what is learned at one w is near at the next


class Undistilled(Settings):
    """trained on the pictures themselves"""

    name: Literal["none"] = "none"

    @property
    def on(self) -> bool:
        return False

    def nearest(self, w: float) -> float:
        """All can be sampled with."""
        return w


class GuidedDistillation(Settings):
    """one step in place of several guided ones of a teacher, the weights of init_from; w becomes an input

    The two stages of Meng et al. 2023, guidance and then steps, at once; and at once as many steps of the teacher as
    progressive distillation (Salimans & Ho 2022) reaches by halving their number again and again. With
    target=picture, each step learns the end of the whole trajectory (Luhman & Luhman 2021) from where it is, and
    DDIM goes on with that x_0; of one step, both are the same.
    """

    name: Literal["guided"] = "guided"
    steps: int = setting(4, "of the distilled network, evenly spaced, with one evaluation each", ge=1, le=100)
    substeps: int = setting(4, "DDIM steps of the teacher for each of them", ge=1, le=100)
    target: Literal["state", "picture"] = setting(
        "state", "where a step is to lead: to the teacher's state at the next time, or to the picture it ends at"
    )
    w: list[float] = setting(
        [1.0, 8.0], "guidance weights that are learned, and can be sampled with: [lowest, highest]",
        min_length=2, max_length=2,
    )  # fmt: skip

    @property
    def on(self) -> bool:
        return True

    @field_validator("w")
    @classmethod
    def _ordered(cls, w: list[float]) -> list[float]:
        if not 0 <= w[0] <= w[1] <= MAX_WEIGHT:
            raise ValueError(f"must be two weights, 0 <= lowest <= highest <= {MAX_WEIGHT:g}")
        return w

    def times(self, T: int) -> list[int]:
        """Those at which the network is evaluated. Raises ValueError for more steps than there are times."""
        if self.steps * self.substeps > T:
            raise ValueError(
                f"distill.steps={self.steps}, distill.substeps={self.substeps}: {self.steps * self.substeps} steps of "
                f"the teacher, more than diffusion.T={T}"
            )
        return [round(T * k / self.steps) for k in range(1, self.steps + 1)]

    def routes(self, times: list[int]) -> dict[int, list[int]]:
        """For each time (rising), the falling times that the teacher visits from there to where a step is to lead."""
        legs = [_grid(t, s, self.substeps) for s, t in pairwise([0, *times])]
        if self.target == "state":
            return dict(zip(times, legs, strict=True))
        return {t: [u for leg in legs[k::-1] for u in leg[:-1]] + [0] for k, t in enumerate(times)}

    @property
    def steps_of_teacher(self) -> float:
        """For each picture of a batch, on average."""
        return self.substeps * ((self.steps + 1) / 2 if self.target == "picture" else 1)

    def nearest(self, w: float) -> float:
        """The weight that is learned and is nearest to w."""
        return min(max(w, self.w[0]), self.w[1])


def _grid(t: int, s: int, n: int) -> list[int]:
    """The n + 1 times of n even steps from t down to s."""
    return [t + round((s - t) * k / n) for k in range(n + 1)]


DISTILLATIONS = (Undistilled, GuidedDistillation)
AnyDistillation = one_of(DISTILLATIONS)


def embedded(w: Tensor) -> Tensor:
    """(B,) -> (B, ENTRIES): sines and cosines, as the time is embedded."""
    waves = torch.logspace(*(math.log10(wave) for wave in WAVES), ENTRIES // 2, device=w.device)
    angles = 2 * torch.pi * w[:, None].float() / waves
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def with_guidance(denoiser: Callable[..., Tensor], w: float) -> Denoiser:
    """The denoiser (x_t, t, cond) that a distilled one, which takes w besides, is at this w."""

    def at_w(x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return denoiser(x_t, t, cond, embedded(torch.full((len(x_t),), w, device=x_t.device)))

    return at_w


class Distilling(TrainingObjective):
    """The error of one step of the network, whose target is where several guided ones of the teacher lead.

    diffusion : with the few times at which the network is evaluated
    teacher   : (x_t, t, cond) -> raw output of the same kind
    """

    def __init__(self, diffusion: GaussianDiffusion, settings: GuidedDistillation, teacher: Denoiser):
        self.diffusion, self.settings, self.teacher = diffusion, settings, teacher
        self.steps = diffusion.times  # rising
        self.routes = settings.routes(self.steps.tolist())

    def draws(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Times, noise, and weights of guidance; pictures at the same time have the same weight."""
        n, device = len(self.steps), generator.device
        step = torch.randint(n, (len(x_0),), generator=generator, device=device)
        eps = torch.randn(x_0.shape, generator=generator, device=device)
        low, high = self.settings.w
        w = (low + (high - low) * torch.rand(n, generator=generator, device=device))[step]
        return tuple(x.to(x_0.device) for x in (self.steps.to(device)[step], eps, w))

    def held_out_draws(self, x_0: Tensor) -> tuple[Tensor, ...]:
        """All times alike, at each all of HELD_OUT weights alike, and fixed noise."""
        rows, n = torch.arange(len(x_0)), len(self.steps)
        eps = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0))
        return self.steps[rows % n], eps, torch.linspace(*self.settings.w, HELD_OUT)[rows // n % HELD_OUT]

    def times(self, draws: tuple[Tensor, ...]) -> Tensor:
        return draws[0]

    def losses(
        self, update: str, network: Callable[..., Tensor], x_0: Tensor, cond: Tensor, *draws: Tensor
    ) -> dict[str, Tensor]:
        t, eps, w = draws
        x_t = self.diffusion.schedule.add_noise(x_0, t, eps)
        target, noise = self.diffusion.with_x_0(self.taught(x_t, t, cond, w), x_t, t)
        output = network(x_t, t, cond, embedded(w))
        return {"loss/train": self.diffusion.error(output, self.diffusion.target(target, t, noise), t)}

    @torch.no_grad()
    def taught(self, x_t: Tensor, t: Tensor, cond: Tensor, w: Tensor) -> Tensor:
        """The x_0 (B, ...) with which one DDIM step from x_t leads where the teacher's lead (Salimans & Ho 2022,
        appendix G). The host waits for times and weights, which the teacher's steps take as numbers; those of pictures
        that share both are taken together."""
        x_0, alike = torch.empty_like(x_t), defaultdict(list)
        for row, both in enumerate(zip(t.tolist(), w.tolist(), strict=True)):
            alike[both].append(row)
        for (time, weight), rows in alike.items():
            index = torch.tensor(rows, device=x_t.device)
            x_0[index] = self._taught(x_t[index], self.routes[time], cond[index], weight)
        return x_0

    def _taught(self, x_t: Tensor, route: list[int], cond: Tensor, w: float) -> Tensor:
        """The same of pictures at one time, from which the route leads to another."""
        schedule, t, s = self.diffusion.schedule, route[0], route[-1]
        unknown = torch.full_like(cond, -1)  # in every field: the reference of classifier-free guidance
        denoise = guided(self.diffusion, self.teacher, cond, ref_cond=unknown, w=w, guidance=GUIDANCE)
        x_s = sample(schedule, DDIM(), denoise, route, x_t, noise=lambda: torch.zeros_like(x_t))
        ratio = schedule.noise(s, x_t) / schedule.noise(t, x_t)
        return (x_s - ratio * x_t) / (schedule.signal(s, x_t) - ratio * schedule.signal(t, x_t))
