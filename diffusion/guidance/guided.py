"""From a network to a function that denoises, with the condition and its guidance inside."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from diffusion.gaussian import Denoise, Denoiser, GaussianDiffusion, Prediction
from diffusion.guidance.cfg import CFG, NEGLIGIBLE

PLAIN = CFG()


def base_weights(weights: Sequence[float]) -> list[float]:
    """The weights of conditions without guidance: at least 0, and scaled to a sum of at most 1."""
    positive = [max(v, 0.0) for v in weights]
    return [v / max(sum(positive), 1.0) for v in positive]


def guided(
    diffusion: GaussianDiffusion,
    denoiser: Denoiser,
    cond: Tensor,
    ref: Denoiser | None = None,
    ref_cond: Tensor | None = None,
    w: float = 1.0,
    also: Sequence[tuple[Tensor, float]] = (),
    base: Sequence[float] | None = None,
    guidance: CFG = PLAIN,
    clip: bool = True,
) -> Denoise:
    """Extrapolate from a reference output through the conditional one: output = ref + w (main - ref).

    cond     : (B, F), the requested labels
    ref      : another denoiser for the reference, a weaker one than `denoiser` (autoguidance, Karras et al. 2024);
               `denoiser` itself if left out
    ref_cond : (B, F), what to move away from: all UNKNOWN for classifier-free guidance (Ho & Salimans 2022,
               equation 6, where w - 1 is called w), or the label of what to avoid (negative condition)
    w        : 0 reference alone, 1 condition alone, more amplifies the condition
    also     : further conditions (B, F) with weights v, each of which adds v (its output - ref) (Liu et al. 2022,
               equation 11)
    base     : w and the weights of `also` at noise levels where `guidance` does not act; `base_weights` if left out
    clip     : limit the predicted x_0, by `guidance.limit`; high w needs it

    Branches with a weight other than zero are evaluated in one batch. Raises ValueError for w other than 1 alone.
    """
    if ref is None and ref_cond is None and (w != 1.0 or also):
        raise ValueError(f"w={w}: guidance needs a reference; give ref_cond (all UNKNOWN for CFG) or ref")
    labels = [cond if ref_cond is None else ref_cond, cond, *(label for label, _ in also)]
    full = [w, *(v for _, v in also)]

    def denoise(x_t: Tensor, t: int) -> Prediction:
        weights = guidance.at(t / diffusion.schedule.T, full, base or base_weights(full))
        weights = [1 - sum(weights), *weights]  # of the reference, the condition, and the others
        counts = [abs(v) > NEGLIGIBLE for v in weights]
        guiding = sum(counts) > 1
        main = counts[1] or (guidance.needs_condition and guiding)
        needed = [counts[0] or guidance.renoise_reference, main, *counts[2:]]
        outputs = _outputs(denoiser, ref, x_t, t, [c if n else None for c, n in zip(labels, needed, strict=True)])
        output = sum(v * out for v, out, c in zip(weights, outputs, counts, strict=True) if c)
        output = guidance.combine(output, outputs[1] if guiding else None)
        output = diffusion.plausible(output, outputs, weights) if guiding else output
        prediction = diffusion.predict(output, x_t, t, clip=False)
        prediction = diffusion.with_x_0(guidance.limit(prediction.x_0), x_t, t) if clip else prediction
        if guidance.renoise_reference:
            prediction = prediction._replace(eps=diffusion.predict(outputs[0], x_t, t, clip=False).eps)
        return prediction

    return denoise


def _outputs(denoiser: Denoiser, ref: Denoiser | None, x_t: Tensor, t: int, labels: list) -> list[Tensor | None]:
    """The raw output for each label (B, F), the first from `ref` if there is one; None where the label is None."""
    own = [c for c in (labels if ref is None else labels[1:]) if c is not None]
    times, outputs = torch.full((len(x_t),), t, device=x_t.device), []
    if own:
        output = denoiser(torch.cat([x_t] * len(own)), torch.cat([times] * len(own)), torch.cat(own))
        outputs = list(output.to(x_t.dtype).split(len(x_t)))
    if ref is not None and labels[0] is not None:
        outputs.insert(0, ref(x_t, times, labels[0]).to(x_t.dtype))
    remaining = iter(outputs)
    return [None if c is None else next(remaining) for c in labels]
