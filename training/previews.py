"""The sample grids of a training: the same requests and seeds each time, or of an upsampler the same small pictures."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from conditions.schema import UNKNOWN
from data.alpha import visible
from data.base import Batch, InMemoryDataset
from data.images import coarse, to_uint8
from diffusion.distillation import with_guidance
from diffusion.gaussian import Denoise
from diffusion.guidance import guided
from diffusion.sampling import SamplingOptions, at_trained_times, fitting, generate
from diffusion.upsampling import beside, enlarging
from training.trainer import Trainer


class Previews:
    """What is sampled for a row of `columns` pictures per request, as sample.py would, without re-noising.

    Of an upsampler there is a row for each of as many held-out pictures, all from its small version, without guidance;
    of an autoencoder a row of held-out pictures, and below it what it makes of them.

    options : by w, how pictures are sampled
    labels  : by w, those of the pictures (N, F)
    small   : (N, C, H, W) float32, the small versions, enlarged; None where the pictures come from noise alone
    there   : (N, C, H, W) float32, the pictures that an autoencoder encodes and decodes; None for all else
    """

    def __init__(self, trainer: Trainer, held_out: InMemoryDataset):
        self.trainer, settings = trainer, trainer.settings
        self.columns, self.distill = settings.train.preview.columns, settings.distill
        self.options: dict[float, SamplingOptions] = {}
        self.labels: dict[float, Tensor] = {}
        self.small: Tensor | None = None
        self.there: Tensor | None = None
        if settings.model.generates and settings.upsample is None:
            self._from_requests()
        elif len(held_out) and settings.model.generates:
            self._from_pictures(held_out.batch(torch.arange(min(len(trainer.preview), len(held_out)))))
        elif len(held_out):
            self._of_pictures(held_out.batch(torch.arange(min(len(trainer.preview) * self.columns, len(held_out)))))

    def _from_requests(self) -> None:
        trainer, preview = self.trainer, self.trainer.settings.train.preview
        labels = trainer.preview.repeat_interleave(self.columns, dim=0)
        can_guide = len(trainer.schema) and trainer.settings.is_diffusion
        for w in sorted({*map(self.distill.nearest, (1.0, preview.w))}) if can_guide else (1.0,):
            complete = trainer.prior is not None and w > 0
            self.options[w] = self._fitting(w, complete)
            cond = trainer.prior.complete_by_seed(trainer.schema, labels, range(len(labels))) if complete else labels
            self.labels[w] = cond.to(trainer.here.device)

    def _from_pictures(self, batch: Batch) -> None:
        self.small = coarse(batch.x_0, self.trainer.settings.upsample).repeat_interleave(self.columns, dim=0)
        self.labels[1.0] = batch.cond.repeat_interleave(self.columns, dim=0)
        self.options[1.0] = self._fitting(1.0, complete=False)

    def _of_pictures(self, batch: Batch) -> None:
        self.there, self.labels[1.0] = batch.x_0, batch.cond
        self.options[1.0] = self._fitting(1.0, complete=False)

    def _fitting(self, w: float, complete: bool) -> SamplingOptions:
        trainer, settings = self.trainer, self.trainer.settings
        options = SamplingOptions(w=w, sampler=settings.sampler, steps=settings.train.preview.steps, refine=0)
        pixel_art = trainer.data.palette is not None and settings.dataset.determined and trainer.space is None
        options = fitting(options, trainer.diffusion, complete, pixel_art)
        options = options.model_copy(update={"steps": min(options.steps, trainer.diffusion.schedule.T)})
        return options.model_copy(update=at_trained_times(trainer.diffusion))

    @property
    def evaluations(self) -> int:
        """Of a network, for all grids at once."""
        alone = {w for w in self.options if w == 1 or self.distill.on}  # one evaluation a step
        return sum(
            (1 if w in alone else 2) * options.steps * len(self.labels[w]) for w, options in self.options.items()
        )

    @torch.no_grad()
    def sample(self, model: torch.nn.Module, w: float) -> Tensor:
        """(N, C, H, W) uint8, in the colours of the palette, from seeds 0 to N - 1."""
        trainer, options, images = self.trainer, self.options[w], []
        for rows in torch.arange(len(self.labels[w])).split(options.batch_size):
            denoise = self._guided(trainer.denoiser(model), w, rows.to(self.labels[w].device))
            if self.there is None:
                schedule, shape = trainer.diffusion.schedule, trainer.data.x_shape
                seeds = rows.tolist() if self.small is None else enlarging(rows.tolist())
                x_0 = generate(schedule, denoise, seeds, shape, options, self.labels[w].device)
            else:
                x_0 = denoise(self.there[rows], 1).x_0
            x_0 = x_0 if trainer.space is None else trainer.space.decode(x_0)
            images.append(visible(to_uint8(x_0).cpu()))
        images = torch.cat(images)
        images = images if trainer.data.palette is None else trainer.data.palette.quantise(images)
        return images if self.there is None else self._below(images)

    def _below(self, images: Tensor) -> Tensor:
        """Each row of pictures, and below it what became of them; the last row may be shorter and has one alone."""
        before = to_uint8(self.there).cpu()
        rows = zip(before.split(self.columns), images.split(self.columns), strict=True)
        return torch.cat([part for pair in rows for part in pair])

    def _guided(self, denoiser: Callable[..., Tensor], w: float, rows: Tensor) -> Denoise:
        """With the request and its guidance inside, which of a distilled network is one evaluation."""
        diffusion, cond = self.trainer.diffusion, self.labels[w][rows]
        if self.small is not None:
            return guided(diffusion, beside(denoiser, self.small[rows]), cond)
        if self.distill.on:
            return guided(diffusion, with_guidance(denoiser, w), cond)
        unknown = torch.full_like(cond, UNKNOWN)
        return guided(diffusion, denoiser, cond, ref_cond=unknown, w=w, guidance=self.options[w].guidance)
