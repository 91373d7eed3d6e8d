"""A cascade: pictures of some weights, enlarged by others, an upsampler."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from diffusion.sampling import OnStep, SamplingOptions, Seed
from inference.branches import Branches
from inference.pipeline import Pipeline


def own_options(options: SamplingOptions) -> SamplingOptions:
    """How an upsampler samples: by default, and without guidance, since the small picture says what a label would.

    Steps and sampler that were typed are of the small pictures, whose weights need others.
    """
    return SamplingOptions(w=1.0, quantise=options.quantise, batch_size=options.batch_size)


def upsampled(
    upsampler: Pipeline,
    small: Tensor,
    parts: Branches,
    seeds: Sequence[Seed],
    options: SamplingOptions,
    on_step: OnStep | None = None,
) -> Tensor:
    """Pictures (N, C, h, w) uint8 of these conditions and seeds -> (N, C, H, W) uint8.

    Its label is the one that they were guided towards; where several conditions were combined, or it was ignored or
    avoided (w <= 0), none.
    """
    known = len(parts.labels) == 1 and parts.weights[0] > 0 and len(upsampler.schema)
    label = parts.labels[0] if known else upsampler.schema.unknown(len(small))
    return upsampler(label, seeds, own_options(options), small=small, on_step=on_step)


def refuse_upsampler(pipe: Pipeline, upsampler: Pipeline) -> None:
    """Raises ValueError for weights that do not enlarge the pictures of `pipe`."""
    scale = upsampler.recipe.upsample
    if scale is None:
        raise ValueError(
            "upsampler: these weights generate pictures from noise alone; take some that were trained with upsample=4"
        )
    channels, height, width = pipe.image_shape
    if upsampler.image_shape != (channels, scale * height, scale * width):
        fits = (upsampler.image_shape[0], *(side // scale for side in upsampler.image_shape[1:]))
        raise ValueError(
            f"upsampler: enlarges pictures of {fits}, and the weights generate {pipe.image_shape}; take an upsampler "
            "that was trained for these"
        )
    if len(upsampler.schema) and upsampler.schema.fields != pipe.schema.fields:
        raise ValueError(
            "upsampler: trained with other labels than the weights; take one of the same, or trained with cfg=off"
        )
