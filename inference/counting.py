"""NFE, the measure of what sampling costs: how often a network is evaluated for each picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.inpainting import Edit
from diffusion.sampling import SamplingOptions

if TYPE_CHECKING:
    from inference.pipeline import Pipeline


def count_evaluations(
    pipe: Pipeline,
    cond,
    options: SamplingOptions,
    negative=None,
    guide: Pipeline | None = None,
    edit: Edit | None = None,
) -> int:
    """Arguments as of `Pipeline.__call__`.

    Counted by sampling two pixels with a network that only counts, so that no sampler has to know its cost. Resampling
    takes each step once more at the same cost, so that twice tell how much many times would take.
    """
    count = 0

    def counting(x_t: Tensor, *others: Tensor) -> Tensor:
        nonlocal count
        count += len(x_t)
        return torch.linspace(-1, 1, x_t.numel()).view_as(x_t)  # with some contrast, by which guidance may divide

    if edit is not None and edit.resample > 2:
        once, twice = (
            count_evaluations(pipe, cond, options, negative, guide, replace(edit, resample=times)) for times in (1, 2)
        )
        return once + (edit.resample - 1) * (twice - once)
    tiny = {
        "denoiser": counting,
        "diffusion": GaussianDiffusion(pipe.diffusion.schedule, Objective(prediction="x_0")),
        "image_shape": (1, 1, 2),
        "device": torch.device("cpu"),
        "palette": None,
        "space": None,
        "recipe": pipe.recipe.replace(upsample=None),
    }
    mask = None if edit is None or edit.mask is None else torch.ones(1, 2)
    pixels = edit and Edit(torch.zeros(1, 1, 1, 2), edit.strength, mask, edit.resample)
    own, other = replace(pipe, **tiny), guide and replace(guide, **tiny)
    cond, negative = (x[:1] if isinstance(x, Tensor) and x.ndim == 2 else x for x in (cond, negative))
    options = pipe.resolved(options, cond, negative, edit is not None)
    own(cond, [0], options, negative=negative, guide=other, edit=pixels)
    return count
