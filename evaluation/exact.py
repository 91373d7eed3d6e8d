"""Held-out exact match: is a picture drawn from its complete label the picture itself, pixel for pixel?

It can be asked where the label determines the picture, as for CryptoPunks and pixelfaces. The pictures compared
with are held out, so a model cannot have learned them by heart; it must have learned what each value looks like.
"""

from __future__ import annotations

import torch
from torch import Tensor

from data.base import InMemoryDataset
from data.images import snap
from diffusion.samplers import Sampler
from diffusion.sampling import OnStep
from pipeline import Pipeline


def draw_from_labels(
    pipe: Pipeline,
    data: InMemoryDataset,
    tries: int,
    w: float,
    sampler: Sampler,
    steps: int,
    on_step: OnStep | None = None,
) -> Tensor:
    """Every picture of `data`, drawn `tries` times from its complete label: (tries, N, C, H, W) uint8, unsnapped.

    Picture i of try k has the seed k N + i.
    """
    n = len(data)
    return torch.stack(
        [
            pipe(data.labels, range(k * n, (k + 1) * n), w, sampler, steps, snap_to_palette=False, on_step=on_step)
            for k in range(tries)
        ]
    )


def wrong_pixels(drawn: Tensor, truth: Tensor) -> Tensor:
    """(K, N, C, H, W) and (N, C, H, W) uint8 -> (K, N) int64: pixels that differ in any channel."""
    return (drawn != truth).any(dim=2).flatten(2).sum(dim=2)


def palette_error(images: Tensor, snapped: Tensor) -> float:
    """Mean absolute distance, in levels of 255, between pictures and the same after snapping to the palette."""
    return (images.short() - snapped.short()).abs().float().mean().item()


def exact_match(drawn: Tensor, data: InMemoryDataset) -> tuple[dict[str, float], Tensor]:
    """Figures for pictures that `draw_from_labels` drew, and the wrong pixels (K, N) after snapping.

    exact_one_seed  : share drawn without a wrong pixel, averaged over the tries
    exact_best      : share for which at least one of the tries has none
    wrong_mean      : wrong pixels per picture, of H x W, over all tries; wrong_median likewise
    palette_error   : see `palette_error`
    """
    snapped = torch.stack([snap(images, data.palette) for images in drawn])
    wrong = wrong_pixels(snapped, data.images)
    figures = {
        "images": len(data),
        "tries": len(drawn),
        "exact_one_seed": (wrong == 0).double().mean().item(),
        "exact_best": (wrong == 0).any(dim=0).double().mean().item(),
        "wrong_mean": wrong.double().mean().item(),
        "wrong_median": wrong.double().median().item(),
        "palette_error": palette_error(drawn, snapped),
    }
    return figures, wrong
