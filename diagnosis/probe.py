"""Losses that can be compared: of the same pictures, noise levels and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from data.base import InMemoryDataset
from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.objective import Denoising
from evaluation.intervals import Estimate, bootstrap

CHUNK = 64
CHOICE = 0  # the seed of what is chosen at random, so that a diagnosis can be repeated


@dataclass(frozen=True)
class Probe:
    """n noised pictures, of fewer pictures several times, the noise levels spread evenly.

    picture : (n,) int64, which of the pictures each is of
    """

    diffusion: GaussianDiffusion
    x_0: Tensor
    cond: Tensor
    picture: Tensor
    t: Tensor
    eps: Tensor

    @classmethod
    def of(cls, data: InMemoryDataset, n: int, diffusion: GaussianDiffusion, device: torch.device) -> Probe:
        """Of the first pictures of a split: at equal places, those of two splits have the same noise."""
        picture = torch.arange(n) % len(data)
        batch = data.batch(picture)
        t, eps = Denoising(diffusion).held_out_draws(batch.x_0)
        return cls(diffusion, batch.x_0.to(device), batch.cond.to(device), picture, t.to(device), eps.to(device))

    @torch.no_grad()
    def losses(self, denoiser: Denoiser, cond: Tensor | None = None) -> Tensor:
        """(n,) float64: the training loss, for the true labels or for others (n, F)."""
        cond = self.cond if cond is None else cond.to(self.cond.device)
        return self._each(lambda rows: self.diffusion.loss_at(denoiser, *self._noised(rows, cond)))

    @torch.no_grad()
    def errors(self, denoiser: Denoiser) -> Tensor:
        """(n,) float64: the mean squared error of the picture that the denoiser predicts, whatever its output means."""

        def error(rows: Tensor) -> Tensor:
            x_0, cond, t, eps = self._noised(rows, self.cond)
            x_t = self.diffusion.schedule.add_noise(x_0, t, eps)
            return (self.diffusion.predict(denoiser(x_t, t, cond), x_t, t).x_0 - x_0).square().flatten(1).mean(dim=1)

        return self._each(error)

    @torch.no_grad()
    def errors_by_pixel(self, mean: Tensor, variance: Tensor) -> Tensor:
        """(n,) float64: that error of the best guess from each pixel by itself, knowing mean and variance (C, H, W).

        Of linear guesses it is the best (Wiener): mean + gain (x_t - signal mean), with
        gain = signal variance / (signal^2 variance + noise^2).
        """

        def error(rows: Tensor) -> Tensor:
            x_0, _, t, eps = self._noised(rows, self.cond)
            schedule = self.diffusion.schedule
            signal, noise = schedule.signal(t, x_0), schedule.noise(t, x_0)
            gain = signal * variance / (signal.square() * variance + noise.square())
            guess = mean + gain * (schedule.add_noise(x_0, t, eps) - signal * mean)
            return (guess - x_0).square().flatten(1).mean(dim=1)

        return self._each(error)

    def mean(self, values: Tensor) -> Estimate:
        """Of (n,) values, with its interval; those of one picture are resampled together."""
        return bootstrap([values[self.picture == picture] for picture in self.picture.unique()])

    def _noised(self, rows: Tensor, cond: Tensor) -> tuple[Tensor, ...]:
        return self.x_0[rows], cond[rows], self.t[rows], self.eps[rows]

    def _each(self, value: Callable[[Tensor], Tensor]) -> Tensor:
        parts = torch.arange(len(self.t), device=self.t.device).split(CHUNK)
        return torch.cat([value(rows) for rows in parts]).double().cpu()
