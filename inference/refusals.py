"""What weights cannot be asked for, whichever way they are sampled, in one line that says what can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffusion.distillation import GUIDANCE
from diffusion.samplers import DDIM
from diffusion.sampling import SamplingOptions, at_trained_times
from diffusion.spacing import Listed
from inference.branches import Branches
from inference.one_step import refuse_options

if TYPE_CHECKING:
    from inference.pipeline import Pipeline


def refuse(pipe: Pipeline, options: SamplingOptions, guide: Pipeline | None) -> None:
    """Raises ValueError for `options`, filled, that these weights do not have."""
    T = pipe.diffusion.schedule.T
    if not pipe.recipe.is_diffusion:
        refuse_options(pipe.recipe.model.name, options, at_trained_times(pipe.diffusion))
    if options.steps > T:
        raise ValueError(f"steps={options.steps}: must be a whole number from 1 to {T}, the T of the training")
    _refuse_untrained_times(pipe, options)
    if pipe.recipe.distill.on:
        _refuse_for_distilled(pipe, options, guide)
    if options.guidance.renoise_reference and not options.sampler.renoises:
        raise ValueError(
            f"guidance={options.guidance.name}: sampler={options.sampler.name} takes no noise from elsewhere; use "
            "sampler=ddim, euler or euler_ancestral for CFG++"
        )
    if guide is not None:
        _refuse_guide(pipe, guide)


def _refuse_untrained_times(pipe: Pipeline, options: SamplingOptions) -> None:
    if pipe.diffusion.times is None:
        return
    trained = pipe.diffusion.times.flip(0).tolist()
    listed = isinstance(options.spacing, Listed) and options.steps == len(options.spacing.times)
    some = listed and set(options.spacing.times) <= set(trained)
    if options.refine or not some or (pipe.recipe.distill.on and options.spacing.times != trained):
        raise ValueError(
            f"steps={options.steps}: these weights were trained at t = {', '.join(map(str, trained))} alone; leave "
            f"steps, spacing and refine out, or take {teacher_of(pipe) or 'weights of all times'}"
        )


def teacher_of(pipe: Pipeline) -> str:
    """The weights that these were distilled from; empty where they were not."""
    return str(pipe.info.config.get("init_from")) if pipe.recipe.distill.on else ""


def _refuse_for_distilled(pipe: Pipeline, options: SamplingOptions, guide: Pipeline | None) -> None:
    for setting, given, only in (
        ("guidance", options.guidance, GUIDANCE),
        ("sampler", options.sampler, DDIM()),
        ("guide", guide, None),
    ):
        if given != only:
            raise ValueError(
                f"{setting}: these weights have guidance and sampler of their teacher inside, and take no other; leave "
                f"it out, or take {teacher_of(pipe)}"
            )


def refuse_several(pipe: Pipeline, parts: Branches, negative: Any) -> None:
    """Raises ValueError for conditions that distilled weights, which take one, cannot combine."""
    if negative is not None or len(parts.labels) > 1:
        setting = "attrs" if negative is None else "negative"
        raise ValueError(
            f"{setting}: these weights have guidance inside, from no condition to one; ask for one, or take "
            f"{teacher_of(pipe)}"
        )
    (w,), (low, high) = parts.weights, pipe.recipe.distill.w
    if not low <= w <= high and not torch.equal(parts.labels[0], parts.reference):
        raise ValueError(
            f"w={w:g}: these weights were distilled for w from {low:g} to {high:g}; choose one of these, or take "
            f"{teacher_of(pipe)}"
        )


def refuse_alone(pipe: Pipeline) -> None:
    """Raises ValueError for what makes no pictures of noise: an autoencoder, an upsampler by itself."""
    if not pipe.recipe.model.generates:
        raise ValueError(
            "checkpoint: these weights are an autoencoder, which generates nothing by itself; train a diffusion in its "
            f"latents with: python train.py dataset={pipe.info.dataset} autoencoder=FILE"
        )
    if pipe.recipe.upsample is not None:
        raise ValueError(
            "checkpoint: these weights are an upsampler, which generates nothing without a small picture; give weights "
            "that generate those as checkpoint=FILE, and these as upsampler=FILE"
        )


def refuse_small(pipe: Pipeline, small: Tensor | None, count: int) -> None:
    """Raises ValueError where `count` small pictures (N, C, h, w) uint8 are needed and not given, or given in vain."""
    if small is None:
        return refuse_alone(pipe)
    scale, (channels, height, width) = pipe.recipe.upsample, pipe.image_shape
    if scale is None:
        raise ValueError("small: these weights generate pictures from noise alone; take an upsampler, or leave it out")
    needed = (count, channels, height // scale, width // scale)
    if small.dtype != torch.uint8 or tuple(small.shape) != needed:
        raise ValueError(f"small: {small.dtype} of shape {tuple(small.shape)}; needed are uint8 pictures, {needed}")


def refuse_edits(pipe: Pipeline) -> None:
    """Raises ValueError for weights of which nothing begins at the noise level of a picture."""
    if pipe.space is not None:
        which, instead = "latents, in which no pixel has a place of its own,", "weights of pixels"
    elif pipe.recipe.upsample is not None:
        which, instead = "an upsampler, which begins with a small picture,", "weights that generate small ones"
    elif pipe.recipe.distill.on:
        which, instead = "these weights, distilled for a few steps from noise,", teacher_of(pipe)
    elif not pipe.recipe.is_diffusion:
        which, instead = f"model={pipe.recipe.model.name}", "weights of diffusion"
    else:
        return
    raise ValueError(f"init: {which} cannot start from a picture; leave it out, or take {instead}")


def _refuse_guide(pipe: Pipeline, guide: Pipeline) -> None:
    if guide.recipe.distill.on:
        raise ValueError("guide: distilled weights have guidance inside and cannot be what it moves away from")
    for name, own, other in (
        ("labels", pipe.schema, guide.schema),
        ("image shape", pipe.image_shape, guide.image_shape),
        ("prediction", pipe.diffusion.prediction, guide.diffusion.prediction),
        ("upsample", pipe.recipe.upsample, guide.recipe.upsample),
        ("autoencoder", pipe.space and pipe.space.hash, guide.space and guide.space.hash),
        ("noise schedule", pipe.diffusion.schedule.alpha_bar.tolist(), guide.diffusion.schedule.alpha_bar.tolist()),
        ("set of times", at_trained_times(pipe.diffusion), at_trained_times(guide.diffusion)),
    ):
        if own != other:
            raise ValueError(
                f"guide: trained with another {name} than the weights; autoguidance takes an earlier or smaller "
                "training of the same kind"
            )
