"""Guidance: from a network that predicts to a function that denoises, on the way strengthening a condition."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.gaussian import Denoiser, GaussianDiffusion, Prediction

Denoise = Callable[[Tensor, int], Prediction]  # (x_t, t) -> (x_0, eps), with condition and guidance inside


def guided(
    diffusion: GaussianDiffusion,
    denoiser: Denoiser,
    cond: Tensor,
    ref: Denoiser | None = None,
    ref_cond: Tensor | None = None,
    w: float = 1.0,
    interval: tuple[int, int] | None = None,
    clip: bool = True,
) -> Denoise:
    """Extrapolate from a reference prediction through the main one: output = ref + w (main - ref).

    cond     : (B, F), what is asked for
    ref_cond : (B, F), what to move away from: all UNKNOWN for classifier-free guidance (Ho & Salimans 2022,
               equation 6, where w - 1 is called w), or the label of what to avoid (negative condition)
    ref      : another denoiser for the reference, weaker than `denoiser` (autoguidance, Karras et al. 2024);
               `denoiser` itself if left out
    w        : 0 reference alone, 1 condition alone (both take one pass), more amplifies the condition
    interval : (first, last) times t at which w holds; w = 1 elsewhere (Kynkäänniemi et al. 2024)
    clip     : limit the predicted x_0 to [-1, 1]; high w needs it
    """
    if ref is None and ref_cond is None and w != 1.0:
        raise ValueError(f"w={w}: guidance compares with something; give ref_cond (all UNKNOWN for CFG) or ref")
    ref_cond = cond if ref_cond is None else ref_cond

    def output(x_t: Tensor, t: Tensor, w: float) -> Tensor:
        if w == 1.0:
            return denoiser(x_t, t, cond)
        if w == 0.0:
            return (denoiser if ref is None else ref)(x_t, t, ref_cond)
        if ref is None:  # both branches in one batch
            both = denoiser(torch.cat([x_t, x_t]), torch.cat([t, t]), torch.cat([ref_cond, cond]))
            of_ref, of_main = both.chunk(2)
        else:
            of_ref, of_main = ref(x_t, t, ref_cond), denoiser(x_t, t, cond)
        return of_ref + w * (of_main - of_ref)

    def denoise(x_t: Tensor, t: int) -> Prediction:
        active = interval is None or interval[0] <= t <= interval[1]
        times = torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device)
        raw = output(x_t, times, w if active else 1.0).to(x_t.dtype)
        return diffusion.predict(raw, x_t, t, clip)

    return denoise
