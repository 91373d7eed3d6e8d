"""From a weights file to pictures: what sample.py, the dashboard or a notebook all call.

from inference.pipeline import Pipeline
pipe = Pipeline.load("checkpoints/cryptopunks.safetensors")
images = pipe("male,glasses", seeds=range(16), w=3)          # (16, 3, 24, 24) uint8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.prior import LabelPrior
from conditions.schema import ConditionSchema
from data.alpha import visible
from data.images import enlarge, to_float, to_uint8
from data.palette import Palette
from diffusion.distillation import with_guidance
from diffusion.gaussian import Denoise, Denoiser, GaussianDiffusion
from diffusion.guidance import guided
from diffusion.inpainting import Edit, differing
from diffusion.sampling import (
    RENOISING_LEVELS,
    ImageNoise,
    OnStep,
    SamplingOptions,
    Seed,
    fitting,
    generate,
)
from diffusion.upsampling import beside, enlarging
from inference.branches import Branches, branches_for, completes
from inference.classifier import Classifier, classifier_for_weights
from inference.counting import count_evaluations
from inference.one_step import refuse_conditions, unguided
from inference.refusals import refuse, refuse_edits, refuse_several, refuse_small
from runtime.checkpoint import CheckpointError, WeightsInfo, file_hash, load_tensors, read_info
from runtime.device import Compute, computed, lay_out, pick_device, pick_precision
from runtime.factory import Recipe, build_diffusion, build_model
from runtime.latents import LatentSpace, split_tensors
from runtime.memory import out_of_memory_as

DEFAULTS = SamplingOptions()


@dataclass(frozen=True)
class Pipeline:
    """Weights made ready to sample with.

    denoiser    : (x_t, t, cond) -> raw output, on `device`; distilled ones take the embedded w besides, and upsamplers
                  a small picture in further channels of x_t
    prior       : how likely values occur together, or None for weights without labels
    palette     : the colours that pictures are quantised to, or None
    image_shape : (C, H, W)
    how         : precision, compiled or not, layout in memory
    recipe      : what the weights were trained with
    checkpoint  : hash of the weights file, for the record
    space       : the autoencoder in whose latents the weights denoise; None for pixels
    """

    denoiser: Denoiser
    diffusion: GaussianDiffusion
    schema: ConditionSchema
    prior: LabelPrior | None
    palette: Palette | None
    image_shape: tuple[int, int, int]
    device: torch.device
    how: Compute
    info: WeightsInfo
    recipe: Recipe
    checkpoint: str
    space: LatentSpace | None = None

    @classmethod
    def load(
        cls,
        checkpoint: str | Path,
        device: str | torch.device = "auto",
        precision: str = "fp32",
        compile: bool = False,
        channels_last: bool = False,
    ) -> Pipeline:
        """Read a weights file that train.py wrote; no data set is needed. Raises CheckpointError, a ValueError."""
        path, place = Path(checkpoint), pick_device(device) if isinstance(device, str) else device
        how = Compute(pick_precision(precision, place), compile, channels_last)
        info = read_info(path)
        try:
            recipe = Recipe.of(info.config)
            shape, schema = tuple(info.image_shape), ConditionSchema.from_json(info.schema)
            prior = info.prior and LabelPrior.from_json(info.prior)
            palette = info.palette and Palette.from_plain(info.palette, info.places, *shape[1:])
            diffusion = build_diffusion(recipe, palette)
            tensors, inner = split_tensors(load_tensors(path))
            space = LatentSpace.of(info.latents, inner).to(place) if info.latents else None
            model = build_model(recipe, space.shape if space else shape, schema, palette)
            model.load_state_dict(tensors)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            reason = str(error).split("\n")[0] if isinstance(error, ValueError) else type(error).__name__
            raise CheckpointError(
                f"checkpoint={path}: its weights do not fit the network it describes; it was written by another "
                f"version of this code, or changed since ({reason[:120]})"
            ) from error
        model = lay_out(model.to(place), channels_last).eval().requires_grad_(False)
        denoiser = computed(model, place, how)
        parts = (denoiser, diffusion, schema, prior, palette, shape, place, how, info, recipe)
        return cls(*parts, checkpoint=file_hash(path), space=space)

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of x_t: of a picture, or of its latents."""
        return self.space.shape if self.space else self.image_shape

    @cached_property
    def classifier(self) -> Classifier | None:
        """That of the data that the weights were trained on; None where none was trained yet."""
        return classifier_for_weights(self.info, self.schema)

    def __call__(
        self,
        cond: str | Sequence[str] | Tensor | None,
        seeds: Sequence[Seed],
        options: SamplingOptions = DEFAULTS,
        *,
        negative: str | Sequence[str] | Tensor | None = None,
        guide: Pipeline | None = None,
        edit: Edit | None = None,
        small: Tensor | None = None,
        on_step: OnStep | None = None,
        **overrides: Any,
    ) -> Tensor:
        """Sample one picture per seed: (N, C, H, W) uint8 on the CPU.

        cond      : names ("male,glasses"; with weights "male,hat:5 | glasses * 2", see conditions/requests.py), one
                    label (F,) for all pictures or one for each (N, F); None for none
        options   : how; `overrides` are options of it by name, such as w=3, steps=20 or sampler="ddim"
        negative  : what guidance moves away from, named like cond; the unconditional model if left out
        guide     : weaker weights to move away from, at the same label unless `negative` says otherwise (autoguidance)
        edit      : a picture to start from, as `edit` makes it
        small     : (N, C, h, w) uint8, what an upsampler enlarges; the seeds may be those that it was sampled with
        on_step   : called with (steps done, s, x_s, predicted x_0) after each step of each batch
        """
        options = options.replace(**overrides) if overrides else options
        options = self.resolved(options, cond, negative, edit is not None)
        self.refuse(options, guide)
        seeds = list(seeds)
        refuse_small(self, small, len(seeds))
        parts = self.branches(cond, seeds, options, negative, guide)
        edit = edit and edit.expanded(len(seeds))
        pictures = []
        for rows in torch.arange(len(seeds)).split(options.batch_size):
            denoise, part = self._guided(rows, parts, options, guide, small), edit and edit.of(rows)
            chosen = [seeds[r] for r in rows]
            chosen = chosen if small is None else enlarging(chosen)
            with out_of_memory_as(f"batch_size={len(rows)}: no memory for that many pictures at once; give fewer"):
                x_0 = generate(
                    self.diffusion.schedule, denoise, chosen, self.x_shape, options, self.device, part, on_step
                )
            if not bool(x_0.isfinite().all()):
                raise ValueError(f"w={options.w:g}: the pictures are not finite; use a smaller w, or other weights")
            pictures.append(self._finished(x_0, part, options.quantise))
        return torch.cat(pictures)

    def shown(self, x_0: Tensor) -> Tensor:
        """What is denoised, as pictures (N, C, H, W) uint8 on the CPU."""
        return to_uint8(self.space.decode(x_0) if self.space else x_0).cpu()

    def _finished(self, x_0: Tensor, edit: Edit | None, quantise: str) -> Tensor:
        """Pictures as bytes in their colours; a kept pixel stays as it is, also where quantising would move it."""
        images = visible(self.shown(x_0))
        images = self.palette.quantise(images, quantise) if self.palette else images
        if edit is not None and edit.known is not None:
            images = torch.where(edit.known.cpu(), to_uint8(edit.init).cpu(), images)
        return images

    def resolved(self, options: SamplingOptions, cond=None, negative=None, edited: bool = False) -> SamplingOptions:
        """With what fits these weights and the request in the place of what was left out.

        Labels are completed where there is a prior and it `completes` them, but where a picture is `edited`, which
        decides what the request leaves open.
        """
        options = options if self.recipe.is_diffusion else unguided(options)
        if options.w == DEFAULTS.w:
            options = options.model_copy(update={"w": self.recipe.distill.nearest(options.w)})
        wanted = self.prior is not None if options.complete is None else options.complete
        alone = not edited and self.recipe.upsample is None  # no picture is there that says what is left open
        complete = wanted and alone and completes(self.schema, cond, negative, options.w)
        pixel_art = self.palette is not None and self.recipe.dataset.determined and self.space is None
        return fitting(options, self.diffusion, complete, pixel_art)

    def total_steps(self, options: SamplingOptions, edit: Edit | None = None) -> int:
        """How often on_step is called for each batch of pictures, sampled from pure noise or by an `edit`."""
        options, T = self.resolved(options, edited=edit is not None), self.diffusion.schedule.T
        steps = options.steps
        if edit is not None:
            if edit.start(T) == 0:
                return 0
            steps = edit.steps(steps, T)
        return steps + len(RENOISING_LEVELS) * bool(options.refine)

    def evaluations(self, cond, options: SamplingOptions, negative=None, guide=None, edit: Edit | None = None) -> int:
        """NFE: how often a network is evaluated for each picture. Arguments as of `__call__`."""
        return count_evaluations(self, cond, options, negative, guide, edit)

    def _beside(self, small: Tensor | None) -> Denoiser:
        """The denoiser with small pictures (N, C, h, w) beside x_t, of an upsampler."""
        if small is None:
            return self.denoiser
        return beside(self.denoiser, to_float(enlarge(small, self.recipe.upsample)).to(self.device))

    def _guided(
        self, rows: Tensor, parts: Branches, options: SamplingOptions, guide: Pipeline | None, small: Tensor | None
    ) -> Denoise:
        """The denoiser of the pictures `rows`."""
        small = None if small is None else small[rows]
        main, *also = [label[rows].to(self.device) for label in parts.labels]
        if self.recipe.distill.on:
            w = self.recipe.distill.nearest(parts.weights[0])  # another one where nothing is requested alone
            return guided(self.diffusion, with_guidance(self.denoiser, w), main)
        return guided(
            self.diffusion,
            self._beside(small),
            main,
            ref=guide._beside(small) if guide else None,
            ref_cond=parts.reference[rows].to(self.device),
            w=parts.weights[0],
            also=list(zip(also, parts.weights[1:], strict=True)),
            base=parts.base,
            guidance=options.guidance,
        )

    def branches(
        self, cond, seeds: Sequence[Seed], options: SamplingOptions, negative=None, guide: Pipeline | None = None
    ) -> Branches:
        """The conditions of the pictures of these seeds. Arguments as of `__call__`. Raises ValueError."""
        prior = self.prior if self.resolved(options, cond, negative).complete else None
        parts = branches_for(self.schema, prior, cond, seeds, options, negative, guide is not None)
        if not self.recipe.is_diffusion:
            refuse_conditions(self.recipe.model.name, parts.weights, negative, guide)
        elif self.recipe.distill.on:
            refuse_several(self, parts, negative)
        return parts

    def edit(self, init: Tensor, strength: float = 1.0, mask: Tensor | None = None, resample: int = 1) -> Edit:
        """What starting from a picture means here. Raises ValueError for what does not fit.

        init : (C, H, W) uint8 for all pictures, or one for each (N, C, H, W); `mask` likewise (H, W) or (N, H, W), 1
               where the picture is inpainted. For the rest see diffusion.inpainting.Edit
        """
        refuse_edits(self)
        if init.dtype != torch.uint8:
            raise ValueError(f"init: of {init.dtype}; a picture has levels from 0 to 255, uint8")
        if tuple(init.shape[-3:]) != self.image_shape or init.ndim > 4:
            raise ValueError(f"init: of shape {tuple(init.shape)}, this model generates {self.image_shape}")
        x_0 = to_float(init).view(-1, *self.image_shape).to(self.device)
        if mask is not None:
            if mask.shape[-2:] != init.shape[-2:] or mask.ndim > 3:
                raise ValueError(f"mask: of shape {tuple(mask.shape)}; it takes the height and width of the picture")
            if bool(((mask < 0) | (mask > 1)).any()):
                raise ValueError("mask: has values outside [0, 1]; 1 inpaints, 0 keeps the picture")
            mask = mask.view(-1, 1, *mask.shape[-2:]).to(x_0)
        return Edit(x_0, strength, mask, resample)

    @torch.no_grad()
    def differing(self, init: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Where pictures (N, C, H, W) uint8 with labels `before` (N, F) must change for `after`: (N, H, W) float32.

        See diffusion.inpainting.differing. All see the same noise, so that none depends on its place among the others.
        """
        refuse_edits(self)
        x_0 = to_float(init).to(self.device)
        ways = [guided(self.diffusion, self.denoiser, label.to(self.device)) for label in (before, after)]
        noise = ImageNoise([0] * len(init), self.image_shape, self.device)
        return differing(self.diffusion.schedule, *ways, x_0, noise).cpu()

    def refuse(self, options: SamplingOptions, guide: Pipeline | None) -> None:
        """Raises ValueError for what does not go together."""
        if options.complete and self.prior is None:
            raise ValueError("complete=true: these weights have no label prior; leave it out, or train anew")
        refuse(self, self.resolved(options), guide)
