"""Guidance: from a network that predicts to a function that denoises, on the way strengthening a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from diffusion.gaussian import Denoiser, GaussianDiffusion, Prediction

Denoise = Callable[[Tensor, int], Prediction]  # (x_t, t) -> (x_0, eps), with condition and guidance inside
NEGLIGIBLE = 1e-9  # a branch with a smaller weight than this is not asked


@dataclass(frozen=True)
class Guidance:
    """What is done beside extrapolation; the defaults are plain classifier-free guidance.

    rescale    : phi of Lin et al. 2024, equation 16: how far the guided output is brought back to the standard
                 deviation of the conditional one, against over-exposed pictures; 0 not at all, 1 wholly
    interval   : (low, high) noise levels t / T in [0, 1] at which guidance holds; elsewhere w is at most 1, see
                 `capped` (Kynkaanniemi et al. 2024)
    fade       : noise level in [0, 1] below which guidance fades: from there to level 0, the weights go linearly to
                 what they are outside the interval; 0 not at all (a weight schedule, as in Wang et al. 2024)
    percentile : of |x_0| in each picture, by which the picture is divided where it exceeds 1: dynamic thresholding
                 (Saharia et al. 2022, section 2.3); 1 limits x_0 to [-1, 1] instead
    renoise    : "guided", or "reference" for CFG++ (Chung et al. 2024, algorithm 2), which steps on with the noise that
                 the reference sees and takes w in [0, 1]
    """

    rescale: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    fade: float = 0.0
    percentile: float = 1.0
    renoise: str = "guided"

    def __post_init__(self):
        if not 0 <= self.rescale <= 1:
            raise ValueError(f"guidance.rescale={self.rescale}: must lie in [0, 1]; 0.7 is usual")
        if len(self.interval) != 2 or not 0 <= self.interval[0] <= self.interval[1] <= 1:
            raise ValueError(f"guidance.interval={list(self.interval)}: two noise levels, 0 <= low <= high <= 1")
        if not 0 <= self.fade <= 1:
            raise ValueError(f"guidance.fade={self.fade}: must be a noise level in [0, 1]; 0 does not fade")
        if not 0 < self.percentile <= 1:
            raise ValueError(f"guidance.percentile={self.percentile}: must lie in (0, 1]; 0.995 is usual, 1 clips")
        if self.renoise not in ("guided", "reference"):
            raise ValueError(f"guidance.renoise={self.renoise!r}: unknown, choose one of guided, reference")

    @property
    def unlike_plain(self) -> list[str]:
        """In words, what sets this apart from plain classifier-free guidance."""
        return [f"{f.name} {value}" for f in fields(self) if (value := getattr(self, f.name)) != f.default]

    def at(self, level: float, weights: Sequence[float], calm: Sequence[float]) -> list[float]:
        """The weights of all conditions at a noise level: `weights`, `calm` outside the interval, or between."""
        low, high = self.interval
        share = min(level / self.fade, 1.0) if self.fade else 1.0
        share = share if low <= level <= high else 0.0
        return [c + share * (v - c) for v, c in zip(weights, calm, strict=True)]

    def refuse(self, weights: Sequence[float]) -> None:
        """Raises ValueError for weights of conditions that cannot be met."""
        if self.renoise == "reference" and (min(weights) < 0 or sum(weights) > 1 + NEGLIGIBLE):
            told = " and ".join(f"{v:g}" for v in weights)
            raise ValueError(
                f"w={told}: with guidance.renoise=reference, CFG++, w lies in [0, 1], and so does the sum of several; "
                "0.8 is strong"
            )

    def limited(self, x_0: Tensor) -> Tensor:
        """x_0 (B, ...) brought into [-1, 1]."""
        if self.percentile == 1:
            return x_0.clamp(-1.0, 1.0)
        bound = x_0.flatten(1).abs().float().quantile(self.percentile, dim=1).clamp(min=1.0)
        bound = bound.to(x_0.dtype).view(-1, *[1] * (x_0.ndim - 1))
        return x_0.clamp(-bound, bound) / bound


def capped(weights: Sequence[float]) -> list[float]:
    """The weights of conditions without guidance: at least 0, and scaled to a sum of at most 1."""
    adding = [max(v, 0.0) for v in weights]
    return [v / max(sum(adding), 1.0) for v in adding]


PLAIN = Guidance()
FADING = Guidance(fade=0.05)  # the default: full weight at the lowest noise speckles pictures


def guided(
    diffusion: GaussianDiffusion,
    denoiser: Denoiser,
    cond: Tensor,
    ref: Denoiser | None = None,
    ref_cond: Tensor | None = None,
    w: float = 1.0,
    also: Sequence[tuple[Tensor, float]] = (),
    calm: Sequence[float] | None = None,
    how: Guidance = PLAIN,
    clip: bool = True,
) -> Denoise:
    """Extrapolate from a reference output through the conditional one: output = ref + w (main - ref).

    cond     : (B, F), what is asked for
    ref_cond : (B, F), what to move away from: all UNKNOWN for classifier-free guidance (Ho & Salimans 2022,
               equation 6, where w - 1 is called w), or the label of what to avoid (negative condition)
    ref      : another denoiser for the reference, weaker than `denoiser` (autoguidance, Karras et al. 2024);
               `denoiser` itself if left out
    w        : 0 reference alone, 1 condition alone, more amplifies the condition
    also     : further conditions (B, F) with weights v, each of which adds v (its output - ref) (Liu et al. 2022,
               equation 11)
    calm     : w and the weights of `also` where `how` suspends guidance; `capped` if left out
    clip     : limit the predicted x_0, as `how` says; high w needs it

    All branches of a step that count go through the network in one batch.
    """
    if ref is None and ref_cond is None and (w != 1.0 or also):
        raise ValueError(f"w={w}: guidance compares with something; give ref_cond (all UNKNOWN for CFG) or ref")
    labels = [cond if ref_cond is None else ref_cond, cond, *(label for label, _ in also)]
    full = [w, *(v for _, v in also)]

    def denoise(x_t: Tensor, t: int) -> Prediction:
        weights = how.at(t / diffusion.schedule.T, full, calm or capped(full))
        weights = [1 - sum(weights), *weights]  # of the reference, the condition, and the others
        asked = [abs(v) > NEGLIGIBLE for v in weights]
        rescaled = how.rescale > 0 and sum(asked) > 1
        asked[0] |= how.renoise == "reference"
        asked[1] |= rescaled
        outputs = _outputs(denoiser, ref, x_t, t, [c if a else None for c, a in zip(labels, asked, strict=True)])
        raw = sum(v * out for v, out, a in zip(weights, outputs, asked, strict=True) if a and abs(v) > NEGLIGIBLE)
        if rescaled:
            raw = _rescaled(raw, outputs[1], how.rescale)
        prediction = diffusion.predict(raw, x_t, t, clip=False)
        prediction = diffusion.with_x_0(how.limited(prediction.x_0), x_t, t) if clip else prediction
        eps = diffusion.predict(outputs[0], x_t, t, clip=False).eps if how.renoise == "reference" else prediction.eps
        return Prediction(prediction.x_0, eps)

    return denoise


def _outputs(denoiser: Denoiser, ref: Denoiser | None, x_t: Tensor, t: int, labels: list) -> list[Tensor | None]:
    """The raw output for each label (B, F), the first from `ref` if there is one; None where the label is None."""
    own = [c for c in (labels if ref is None else labels[1:]) if c is not None]
    count, told = len(x_t), []
    if own:
        times = torch.full((count * len(own),), t, dtype=torch.int64, device=x_t.device)
        told = list(denoiser(torch.cat([x_t] * len(own)), times, torch.cat(own)).to(x_t.dtype).split(count))
    if ref is not None and labels[0] is not None:
        times = torch.full((count,), t, dtype=torch.int64, device=x_t.device)
        told.insert(0, ref(x_t, times, labels[0]).to(x_t.dtype))
    answers = iter(told)
    return [None if c is None else next(answers) for c in labels]


def _rescaled(raw: Tensor, main: Tensor, phi: float) -> Tensor:
    """Brought back to the standard deviation of `main` (Lin et al. 2024, equations 15 and 16)."""
    return phi * raw * _spread(main) / _spread(raw) + (1 - phi) * raw


def _spread(output: Tensor) -> Tensor:
    """(B, ...) -> (B, 1, ...): the standard deviation of each picture."""
    return output.flatten(1).std(dim=1).view(-1, *[1] * (output.ndim - 1))
