"""From a weights file to pictures: what sample.py, a dashboard or a notebook all call.

from inference.pipeline import Pipeline
pipe = Pipeline.load("checkpoints/cryptopunks.safetensors")
images = pipe("male,glasses", seeds=range(16), w=3)          # (16, 3, 24, 24) uint8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from conditions.requests import branches, own_weights, parse_requests, weakened
from conditions.schema import UNKNOWN, ConditionSchema
from data.images import to_float, to_uint8
from data.palette import SNAPS, Palette
from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.guidance import FADING, Denoise, Guidance, capped, guided
from diffusion.inpainting import Edit, differing
from diffusion.multistep import DPMSolverPP2M
from diffusion.samplers import Sampler
from diffusion.sampling import REFINED, SPACINGS, ImageNoise, OnStep, Seed, draw
from runtime.checkpoint import CheckpointError, WeightsInfo, file_hash, load_tensors, read_info
from runtime.device import in_precision, pick_device, pick_precision
from runtime.factory import MODELS, build_diffusion, build_model
from runtime.settings import choice, number, whole


@dataclass(frozen=True)
class Pipeline:
    """Weights made ready to draw with.

    denoiser    : (x_t, t, cond) -> raw output, on `device`
    palette     : the colours that pictures are snapped to, or None
    image_shape : (C, H, W)
    precision   : fp32 or bf16
    checkpoint  : hash of the weights file, for the record
    """

    denoiser: Denoiser
    diffusion: GaussianDiffusion
    schema: ConditionSchema
    palette: Palette | None
    image_shape: tuple[int, int, int]
    device: torch.device
    precision: str
    info: WeightsInfo
    checkpoint: str

    @classmethod
    def load(cls, checkpoint: str | Path, device: str | torch.device = "auto", precision: str = "fp32") -> Pipeline:
        """Read a weights file that train.py wrote; no data set is needed. Raises CheckpointError, a ValueError."""
        path, place = Path(checkpoint), pick_device(device) if isinstance(device, str) else device
        precision = pick_precision(precision, place)
        info = read_info(path)
        choice("model.name", info.config.get("model", {}).get("name"), tuple(MODELS))
        try:
            schema = ConditionSchema.from_json(info.schema)
            palette = info.palette and Palette.from_plain(info.palette, info.places, *info.image_shape[1:])
            diffusion = build_diffusion(info.config)
            model = build_model(info.config, tuple(info.image_shape), schema)
            model.load_state_dict(load_tensors(path))
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"checkpoint={path}: its weights do not fit the network it describes; it was written by another "
                f"version of this code, or changed since ({type(error).__name__})"
            ) from error
        model = model.to(place).eval().requires_grad_(False)
        return cls(
            denoiser=in_precision(model, place, precision),
            diffusion=diffusion,
            schema=schema,
            palette=palette,
            image_shape=tuple(info.image_shape),
            device=place,
            precision=precision,
            info=info,
            checkpoint=file_hash(path),
        )

    def __call__(
        self,
        cond: str | Sequence[str] | Tensor | None,
        seeds: Sequence[Seed],
        *,
        w: float = 3.0,
        negative: str | Sequence[str] | Tensor | None = None,
        guidance: Guidance = FADING,
        weaker: Pipeline | None = None,
        sampler: Sampler | None = None,
        steps: int = 10,
        spacing: str = "trailing",
        init: Tensor | None = None,
        strength: float = 1.0,
        mask: Tensor | None = None,
        repeats: int = 1,
        snap: str = "place",
        refine: int | None = None,
        batch_size: int = 64,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Draw one picture per seed: (N, C, H, W) uint8 on the CPU.

        cond     : names ("male,glasses"; with weights "male,hat:5 | glasses * 2", see conditions/requests.py), one
                   label (F,) for all pictures or one for each (N, F); None for none
        w        : guidance weight, at least 0; 1 switches guidance off
        negative : what guidance moves away from, named like cond; the unconditional model if left out
        guidance : what is done beside extrapolation
        weaker   : another pipeline to move away from, at the same label unless `negative` says otherwise (autoguidance)
        sampler  : DPM-Solver++(2M) if left out, which needs few steps
        steps    : from 1 to the T of the training
        spacing  : of their times, see diffusion.sampling.timesteps
        init     : a picture (C, H, W) uint8 to start from, or one for each (N, C, H, W); `mask` likewise (H, W) or
                   (N, H, W); for these, `strength` and `repeats` see diffusion.editing.Edit
        snap     : to which colours of the palette, see data.palette.Palette.snap
        refine   : see `refinement` and diffusion.sampling.refined
        on_step  : called with (steps done, s, x_s, predicted x_0) after each step of each batch
        """
        number("w", w, 0)
        whole("steps", steps, 1, self.diffusion.schedule.T)
        refine = self.refinement(refine)
        choice("spacing", spacing, SPACINGS)
        choice("snap", snap, SNAPS)
        seeds, sampler = list(seeds), sampler or DPMSolverPP2M()
        self.refuse(guidance, sampler, weaker)
        edit = self.edit(init, strength, mask, repeats, len(seeds))
        parts, reference = self.branches(cond, negative, w, len(seeds), guidance, weaker)
        pictures = []
        for rows in torch.arange(len(seeds)).split(batch_size):
            denoise, part = self._guided(rows, parts, reference, weaker, guidance), edit and edit.of(rows)
            x_0 = draw(
                self.diffusion.schedule, sampler, denoise, [seeds[r] for r in rows], self.image_shape, steps, spacing,
                self.device, part, refine, on_step,
            )  # fmt: skip
            pictures.append(self._finished(x_0, part, snap))
        return torch.cat(pictures)

    def _finished(self, x_0: Tensor, edit: Edit | None, snap: str) -> Tensor:
        """Drawn pictures as bytes in their colours; a known pixel stays as it is, also where snapping would move it."""
        images = to_uint8(x_0).cpu()
        images = self.palette.snap(images, snap) if self.palette else images
        if edit is not None and edit.known is not None:
            images = torch.where(edit.known.cpu(), to_uint8(edit.init).cpu(), images)
        return images

    def refinement(self, refine: int | None) -> int:
        """Predictions to average over in the last rounds; left out, 4 for pixel art and none for other pictures."""
        if refine is None:
            return 4 if self.palette else 0
        whole("refine", refine, 0)
        return refine

    def rounds(self, steps: int, refine: int | None) -> int:
        """How often on_step is called for pictures drawn from pure noise."""
        return steps + len(REFINED) * bool(self.refinement(refine))

    def _guided(self, rows: Tensor, parts, reference: Tensor, weaker: Pipeline | None, guidance: Guidance) -> Denoise:
        """The denoiser of the pictures `rows`."""
        labels, weights, calm = zip(*parts, strict=True)
        main, *also = [label[rows].to(self.device) for label in labels]
        ref = weaker.denoiser if weaker else None
        also = list(zip(also, weights[1:], strict=True))
        away = reference[rows].to(self.device)
        return guided(self.diffusion, self.denoiser, main, ref, away, weights[0], also, calm, guidance)

    def branches(
        self, cond, negative, w: float, n: int, guidance: Guidance, weaker: Pipeline | None
    ) -> tuple[list[tuple[Tensor, float, float]], Tensor]:
        """(labels (N, F), weight, weight without guidance) of each condition, and the labels of the reference.

        Arguments as of `__call__`; n is the number of pictures. Raises ValueError for what cannot be asked.
        """
        if isinstance(cond, Tensor):
            requests, parts = [], [(self._label(cond, n, "attrs"), w, *capped([w]))]
        else:
            requests = parse_requests(self.schema, cond)
            calm = branches(weakened(requests, w, capped(own_weights(requests, w))), w)
            both = zip(branches(requests, w), calm, strict=True)
            parts = [(label.expand(n, -1), weight, less) for (label, weight), (_, less) in both]
        guidance.refuse([weight for _, weight, _ in parts])
        if negative is None and weaker is not None:
            if len(requests) > 1:
                raise ValueError(
                    f"attrs={cond!r}: with autoguidance, several conditions need one thing to move away from; name it "
                    "with negative=, such as negative=any, or ask for one"
                )
            return parts, parts[0][0]
        given = negative if isinstance(negative, Tensor) else self.schema.encode(negative, "negative")
        reference = self._label(given, n, "negative")
        if len(parts) == 1 and torch.equal(parts[0][0], reference) and weaker is None:
            parts = [(reference, 1.0, 1.0)]  # there is nothing to move towards, and one pass does
        return parts, reference

    def _label(self, label: Tensor, n: int, argument: str) -> Tensor:
        cardinalities = torch.tensor(self.schema.cardinalities, dtype=torch.int64)
        fits = label.shape in ((n, len(cardinalities)), (len(cardinalities),))
        if not fits or bool(((label < UNKNOWN) | (label >= cardinalities)).any()):
            raise ValueError(
                f"{argument}: labels of shape {tuple(label.shape)}; needed are ({n}, {len(cardinalities)}) or "
                f"({len(cardinalities)},), each entry {UNKNOWN} or an index below the number of its field's values"
            )
        return label.expand(n, len(self.schema))

    def edit(self, init: Tensor | None, strength: float, mask: Tensor | None, repeats: int, n: int = 1) -> Edit | None:
        """What starting n pictures from `init` means here. Raises ValueError for what cannot be done."""
        if init is None:
            if strength != 1 or mask is not None or repeats != 1:
                raise ValueError("strength, mask, repeats: change a picture that is there; give init as well")
            return None
        if init.dtype != torch.uint8:
            raise ValueError(f"init: of {init.dtype}; a picture has levels from 0 to 255, uint8")
        if tuple(init.shape) not in (self.image_shape, (n, *self.image_shape)):
            raise ValueError(f"init: of shape {tuple(init.shape)}, this model draws {self.image_shape}")
        x_0 = to_float(init).expand(n, *self.image_shape).to(self.device)
        if mask is not None:
            if mask.shape not in (init.shape[-2:], (n, *init.shape[-2:])):
                raise ValueError(f"mask: of shape {tuple(mask.shape)}; it takes the height and width of the picture")
            if bool(((mask < 0) | (mask > 1)).any()):
                raise ValueError("mask: has values outside [0, 1]; 1 draws anew, 0 keeps the picture")
            mask = mask.expand(n, *init.shape[-2:])[:, None].to(x_0)
        return Edit(x_0, strength, mask, repeats)

    @torch.no_grad()
    def differing(self, init: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Where pictures (N, C, H, W) uint8 with labels `before` (N, F) must change for `after`: (N, H, W) float32.

        See diffusion.editing.differing. All see the same noise, so that none depends on its place among the others.
        """
        x_0 = to_float(init).to(self.device)
        ways = [guided(self.diffusion, self.denoiser, label.to(self.device)) for label in (before, after)]
        noise = ImageNoise([0] * len(init), self.image_shape, self.device)
        return differing(self.diffusion.schedule, *ways, x_0, noise).cpu()

    def refuse(self, guidance: Guidance, sampler: Sampler, weaker: Pipeline | None) -> None:
        """Raises ValueError for what does not go together."""
        if guidance.renoise == "reference" and not sampler.renoises:
            raise ValueError(
                f"guidance.renoise=reference: {type(sampler).__name__} takes no noise from elsewhere; use "
                "sampler=ddim, euler or euler_ancestral for CFG++"
            )
        if weaker is None:
            return
        for name, own, other in (
            ("labels", self.schema, weaker.schema),
            ("image shape", self.image_shape, weaker.image_shape),
            ("prediction", self.diffusion.prediction, weaker.diffusion.prediction),
            (
                "noise schedule",
                self.diffusion.schedule.alpha_bar.tolist(),
                weaker.diffusion.schedule.alpha_bar.tolist(),
            ),
        ):
            if own != other:
                raise ValueError(
                    f"guidance.checkpoint: another {name} than the model that draws; autoguidance takes an earlier or "
                    "smaller training of the same kind"
                )
