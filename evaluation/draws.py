"""Drawing thousands of pictures once: kept on disk part by part, shared among processes, found again when asked for.

A part is named after all that decides its pictures: weights, code, sampler, labels, seeds, guidance. So an evaluation
that was stopped goes on when its command is given again, and one with a new setting draws only what is new.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from diffusion.guidance import FADING, Guidance
from diffusion.samplers import Sampler
from inference.pipeline import Pipeline
from runtime.checkpoint import write_atomically
from runtime.distributed import Processes

ROOT = Path(__file__).resolve().parent.parent
DRAWING_CODE = ("inference/pipeline.py", "runtime/factory.py", "data/images.py", "diffusion/*.py", "models/*.py")


@dataclass(frozen=True)
class Job:
    """One picture per row of `labels`.

    name   : under which the pictures are asked for
    labels : (N, F) int64
    seeds  : N seeds
    w      : guidance
    edit   : init, mask and strength, as pipeline.Pipeline takes them, the tensors with one entry for each picture
    """

    name: str
    labels: Tensor
    seeds: Sequence[int]
    w: float
    edit: Mapping[str, Any] = field(default_factory=dict)

    def part(self, rows: Sequence[int] | Tensor) -> dict[str, Any]:
        """The edit of the pictures `rows`."""
        return {key: value[rows] if isinstance(value, Tensor) else value for key, value in self.edit.items()}


@dataclass(frozen=True)
class Draws:
    """Draws jobs with one pipeline into `folder`.

    batch_size : pictures drawn at once, and kept in one file
    """

    pipe: Pipeline
    folder: Path
    sampler: Sampler
    steps: int
    spacing: str = "trailing"
    refine: int | None = None
    guidance: Guidance = FADING
    weaker: Pipeline | None = None
    batch_size: int = 64

    def draw(self, jobs: Sequence[Job], here: Processes) -> None:
        """Draw what is not there yet; each process draws its share of the parts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        parts = [(job, rows, path) for job in jobs for rows, path in self._parts(job)][here.rank :: here.world_size]
        rounds = self.pipe.rounds(self.steps, self.refine)
        total = sum(len(rows) for _, rows, _ in parts) * rounds
        with tqdm(total=total, unit="image-step", disable=None if here.is_main else True) as bar:
            for job, rows, path in parts:
                bar.set_postfix_str(job.name)
                if path.exists():
                    bar.update(len(rows) * rounds)
                    continue
                images = self.pipe(
                    job.labels[rows], [job.seeds[r] for r in rows], w=job.w, sampler=self.sampler, steps=self.steps,
                    spacing=self.spacing, refine=self.refine, guidance=self.guidance, weaker=self.weaker, snap="none",
                    batch_size=self.batch_size, on_step=lambda done, s, x, x_0: bar.update(len(x)), **job.part(rows),
                ).numpy()  # fmt: skip
                write_atomically(path, lambda file, images=images: np.save(file, images, allow_pickle=False))
        here.wait()

    def read(self, job: Job) -> Tensor:
        """(N, C, H, W) uint8, not snapped to a palette."""
        return torch.cat([torch.from_numpy(np.load(path, allow_pickle=False)) for _, path in self._parts(job)])

    def _parts(self, job: Job) -> Iterator[tuple[list[int], Path]]:
        for rows in torch.arange(len(job.labels)).split(self.batch_size):
            digest = hashlib.sha256(self.key.encode())
            digest.update(repr((float(job.w), [job.seeds[r] for r in rows])).encode())
            digest.update(job.labels[rows].numpy().tobytes())
            for key, value in job.part(rows).items():
                content = value.numpy().tobytes() if isinstance(value, Tensor) else repr(value).encode()
                digest.update(key.encode() + content)
            yield rows.tolist(), self.folder / f"{digest.hexdigest()[:24]}.npy"

    @functools.cached_property
    def key(self) -> str:
        """What decides the pictures of every job."""
        weights = [self.pipe.checkpoint, str(self.pipe.device), self.pipe.precision]
        how = [
            repr(self.sampler),
            self.steps,
            self.spacing,
            self.pipe.refinement(self.refine),
            repr(self.guidance),
            self.weaker and self.weaker.checkpoint,
        ]
        return json.dumps([*weights, code_hash(), *how])


def code_hash() -> str:
    """SHA-256 over the sources that decide what is drawn, changes that are not committed included."""
    files = sorted(path for pattern in DRAWING_CODE for path in ROOT.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
