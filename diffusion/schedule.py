"""Noise schedules and the forward process q(x_t | x_0). Time 0 is data, time T is (almost) pure noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

REFERENCE_T = 1000  # the number of steps for which the linear betas were published


def linear_betas(T: int, beta_start: float = 1e-4, beta_end: float = 0.02, scaled: bool = True) -> Tensor:
    """(T,) float64 (Ho et al. 2020, section 4), scaled by 1000 / T so that every T ends equally noisy.

    scaled : False leaves the betas as published, with which fewer than 1000 steps end with a picture still visible

    Raises ValueError where the scaled betas would reach 1: with the published ones, for T of 20 and less.
    """
    scale = REFERENCE_T / T if scaled else 1.0
    if scale * beta_end >= 1:
        raise ValueError(
            f"diffusion.T={T}: too few steps for the linear schedule, its last beta would be {scale * beta_end:.4g}; "
            f"choose at least {math.floor(REFERENCE_T * beta_end) + 1}, or diffusion.schedule=cosine"
        )
    return torch.linspace(scale * beta_start, scale * beta_end, T, dtype=torch.float64)


def cosine_betas(T: int, offset: float = 0.008, max_beta: float = 0.999) -> Tensor:
    """(T,) float64 (Nichol & Dhariwal 2021, equation 17)."""
    u = torch.arange(T + 1, dtype=torch.float64) / T
    f = torch.cos((u + offset) / (1 + offset) * math.pi / 2) ** 2
    return (1 - f[1:] / f[:-1]).clamp(max=max_beta)


BETAS = {"linear": linear_betas, "cosine": cosine_betas}


class Table:
    """A number for each time, kept in float64 on the CPU and returned in the type and on the device of x."""

    def __init__(self, values: Tensor):
        self.values = values
        self._placed: dict[tuple, Tensor] = {}

    def at(self, t: Tensor | int, x: Tensor) -> Tensor:
        """The entries at times t (B,), or at one time, shaped to multiply x (B, ...)."""
        return self.on(x)[t].view(-1, *[1] * (x.ndim - 1))

    def on(self, x: Tensor) -> Tensor:
        """All entries, in the type and on the device of x."""
        key = (x.dtype, x.device)
        if key not in self._placed:
            self._placed[key] = self.values.to(dtype=x.dtype).to(x.device)  # some devices have no float64
        return self._placed[key]


class NoiseSchedule:
    """How much signal and noise there is at each time t = 0 ... T.

    alpha_bar : (T + 1,) float64, alpha_bar[0] = 1, the product of (1 - beta) up to t (Ho et al. 2020, section 2)
    snr       : (T + 1,) float64, alpha_bar / (1 - alpha_bar), infinite at 0
    """

    def __init__(self, betas: Tensor):
        if betas.ndim != 1 or len(betas) < 1 or not bool(((betas > 0) & (betas < 1)).all()):
            span = f"{betas.min():.4g} to {betas.max():.4g}" if betas.numel() else "none"
            raise ValueError(
                f"betas: needs a row of numbers strictly between 0 and 1, got shape {tuple(betas.shape)} with {span}"
            )
        self.T = len(betas)
        self.alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas.double(), dim=0)])
        self.snr = self.alpha_bar / (1 - self.alpha_bar)
        self._signal, self._noise = Table(self.alpha_bar.sqrt()), Table((1 - self.alpha_bar).sqrt())

    @classmethod
    def named(cls, name: str, T: int, **options: bool) -> NoiseSchedule:
        """The schedule "linear" or "cosine" with T steps, and options of its betas."""
        return cls(BETAS[name](T, **options))

    def signal(self, t: Tensor | int, x: Tensor) -> Tensor:
        """sqrt(alpha_bar_t), shaped to multiply x."""
        return self._signal.at(t, x)

    def noise(self, t: Tensor | int, x: Tensor) -> Tensor:
        """sqrt(1 - alpha_bar_t), shaped to multiply x."""
        return self._noise.at(t, x)

    def sigma(self, t: int) -> float:
        """sqrt((1 - alpha_bar_t) / alpha_bar_t): the noise beside a signal of size 1 (Karras et al. 2022)."""
        return math.sqrt(1 / self.snr[t].item())

    def half_log_snr(self, t: int) -> float:
        """log(sqrt(alpha_bar_t) / sqrt(1 - alpha_bar_t)), called lambda by Lu et al. 2022; infinite at t = 0."""
        return 0.5 * math.log(self.snr[t].item())

    def add_noise(self, x_0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
        """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps (Ho et al. 2020, equation 4)."""
        return self.signal(t, x_0) * x_0 + self.noise(t, x_0) * eps

    def posterior(self, t: int, s: int) -> tuple[float, float, float]:
        """q(x_s | x_t, x_0) for 0 <= s < t as (a, b, variance): mean = a x_0 + b x_t.

        Ho et al. 2020, equations 6 and 7, with the steps between s and t taken as one:
        alpha = alpha_bar_t / alpha_bar_s stands for the product of their (1 - beta).
        """
        if not 0 <= s < t <= self.T:
            raise ValueError(f"posterior(t={t}, s={s}): needs 0 <= s < t <= T = {self.T}")
        bar_t, bar_s = self.alpha_bar[t].item(), self.alpha_bar[s].item()
        alpha = bar_t / bar_s
        a = math.sqrt(bar_s) * (1 - alpha) / (1 - bar_t)
        b = math.sqrt(alpha) * (1 - bar_s) / (1 - bar_t)
        return a, b, (1 - bar_s) * (1 - alpha) / (1 - bar_t)
