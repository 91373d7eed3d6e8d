"""From a weights file to pictures: what sample.py, a dashboard or a notebook all call.

from pipeline import Pipeline
pipe = Pipeline.load("checkpoints/cryptopunks.safetensors")
images = pipe("male,glasses", seeds=range(16), w=3)          # (16, 3, 24, 24) uint8
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from data.conditions import ConditionSchema
from data.images import snap, to_uint8
from diffusion.gaussian import Denoiser, GaussianDiffusion
from diffusion.samplers import DDIM, Sampler
from diffusion.sampling import SPACINGS, OnStep, draw
from training.build import MODELS, build_diffusion, build_model
from training.checkpoint import CheckpointError, WeightsInfo, file_hash, load_tensors, read_info
from training.distributed import in_precision, pick_device, pick_precision
from training.settings import choice, number, whole

log = logging.getLogger(__name__)

DEFAULT_DATASET = "cryptopunks"
SHIPPED = Path(__file__).resolve().parent / "checkpoints"


@dataclass(frozen=True)
class Pipeline:
    """Weights made ready to draw with.

    denoiser    : (x_t, t, cond) -> raw output, on `device`
    palette     : (K, C) uint8 colours that pictures are snapped to, or None
    image_shape : (C, H, W)
    precision   : fp32 or bf16
    checkpoint  : hash of the weights file, for the record
    """

    denoiser: Denoiser
    diffusion: GaussianDiffusion
    schema: ConditionSchema
    palette: Tensor | None
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
            palette=None if info.palette is None else torch.tensor(info.palette, dtype=torch.uint8),
            image_shape=tuple(info.image_shape),
            device=place,
            precision=precision,
            info=info,
            checkpoint=file_hash(path),
        )

    def __call__(
        self,
        cond: str | Sequence[str] | Tensor | None,
        seeds: Sequence[int],
        w: float = 3.0,
        sampler: Sampler | None = None,
        steps: int = 50,
        spacing: str = "trailing",
        negative: str | Sequence[str] | Tensor | None = None,
        snap_to_palette: bool = True,
        batch_size: int = 64,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Draw one picture per seed: (N, C, H, W) uint8 on the CPU.

        cond     : names ("male,glasses"), one label (F,) for all pictures or one for each (N, F); None for none
        negative : the same, for what guidance moves away from; the unconditional model if left out
        w        : guidance weight, at least 0; 1 switches guidance off
        steps    : from 1 to the T of the training
        spacing  : of their times, see diffusion.sampling.timesteps
        on_step  : called with (steps done, s, x_s) after each step of each batch
        """
        number("w", w, 0)
        whole("steps", steps, 1, self.diffusion.schedule.T)
        choice("spacing", spacing, SPACINGS)
        seeds = list(seeds)
        cond, ref_cond = self._labels(cond, len(seeds)), self._labels(negative, len(seeds), "negative")
        if torch.equal(cond, ref_cond):
            w = 1.0  # there is nothing to move towards, and one pass does
        pictures = []
        for rows in torch.arange(len(seeds)).split(batch_size):
            x_0 = draw(
                self.diffusion, self.denoiser, sampler or DDIM(), cond[rows].to(self.device),
                ref_cond[rows].to(self.device), [seeds[r] for r in rows], self.image_shape, w, steps, spacing,
                on_step,
            )  # fmt: skip
            images = to_uint8(x_0).cpu()
            pictures.append(images if self.palette is None or not snap_to_palette else snap(images, self.palette))
        return torch.cat(pictures)

    def _labels(self, cond, n: int, argument: str = "attrs") -> Tensor:
        label = cond if isinstance(cond, Tensor) else self.schema.encode(cond, argument)
        cardinalities = torch.tensor(self.schema.cardinalities, dtype=torch.int64)
        if label.shape not in ((n, len(cardinalities)), (len(cardinalities),)) or bool((label >= cardinalities).any()):
            raise ValueError(
                f"{argument}: labels of shape {tuple(label.shape)}; needed are ({n}, {len(cardinalities)}) or "
                f"({len(cardinalities)},), each entry below the number of its field's values"
            )
        return label.expand(n, len(self.schema))


def choose_checkpoint(checkpoint: str | None, dataset: str | None) -> Path:
    """The weights named, else the newest run on the data set, else those that ship. Raises ValueError."""
    if checkpoint is None:
        return find_checkpoint(dataset or DEFAULT_DATASET)
    path = Path(str(checkpoint))
    trained_on = read_info(path).dataset
    if dataset not in (None, trained_on):
        raise ValueError(f"checkpoint={path}: trained on {trained_on}, not on dataset={dataset}; leave dataset out")
    return path


def find_checkpoint(dataset: str, runs: Path = Path("runs"), shipped: Path = SHIPPED) -> Path:
    """The newest weights among the runs on `dataset`, else those that ship. Raises CheckpointError."""
    candidates = sorted(runs.glob("**/checkpoints/ema.safetensors"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in [*candidates, shipped / f"{dataset}.safetensors"]:
        try:
            if path.exists() and read_info(path).dataset == dataset:
                return path
        except CheckpointError as error:
            log.warning("left out: %s", error)
    raise CheckpointError(
        f"dataset={dataset}: no weights yet, neither below {runs}/ nor in {shipped.name}/; "
        f"train some with: python train.py dataset={dataset}"
    )
