"""Sampling thousands of pictures once: kept on disk batch by batch, shared among processes, found again when needed.

A file is named after all that decides its pictures: weights, code, sampler, labels, seeds, guidance. So an evaluation
that was stopped goes on when its command is given again, and one with a new setting samples only what is new.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from data.atomic import atomic
from diffusion.inpainting import Edit
from diffusion.sampling import SamplingOptions
from inference.pipeline import Pipeline
from runtime.distributed import Processes

ROOT = Path(__file__).resolve().parent.parent
SAMPLING_CODE = (
    "baselines/*.py", "diffusion/**/*.py", "models/**/*.py", "conditions/*.py", "inference/pipeline.py",
    "inference/branches.py", "inference/one_step.py", "inference/refusals.py", "runtime/factory.py",
    "runtime/latents.py", "runtime/device.py", "runtime/checkpoint.py", "data/images.py", "data/alpha.py",
)  # fmt: skip
LOG_EVERY_S = 10.0  # between two states of the progress bar in a file; dashboard/evaluating.py reads it there
NOT_IN_KEY = {"w", "quantise", "batch_size"}  # w belongs to a set; the others change nothing that is kept


@dataclass(frozen=True)
class SampleSet:
    """One picture per row of `labels`.

    name   : shown while it is sampled
    labels : (N, F) int64
    seeds  : N seeds
    w      : guidance
    edit   : init, mask and strength, as Pipeline.edit takes them, the tensors with one entry for each picture
    small  : (N, C, h, w) uint8, which an upsampler enlarges
    """

    name: str
    labels: Tensor
    seeds: Sequence[int]
    w: float
    edit: Mapping[str, Any] = field(default_factory=dict)
    small: Tensor | None = None

    def edit_of(self, rows: Sequence[int] | Tensor) -> dict[str, Any]:
        """The edit of the pictures `rows`."""
        return {key: value[rows] if isinstance(value, Tensor) else value for key, value in self.edit.items()}


def options_for(settings: SamplingOptions, w: float) -> SamplingOptions:
    """The sampling options among `settings`, at the guidance of one set; not quantised, for some measures are not."""
    named = {name: getattr(settings, name) for name in SamplingOptions.model_fields}
    return SamplingOptions(**{**named, "w": float(w), "quantise": "none"})


def evaluations(pipe: Pipeline, settings: SamplingOptions, guide: Pipeline | None, samples: SampleSet) -> int:
    """NFE: network evaluations per picture of a set."""
    edit = _edit(pipe, samples, [0])
    return pipe.evaluations(samples.labels[:1], options_for(settings, samples.w), guide=guide, edit=edit)


def _edit(pipe: Pipeline, samples: SampleSet, rows: Sequence[int]) -> Edit | None:
    return pipe.edit(**samples.edit_of(rows)) if samples.edit else None


class Cost(NamedTuple):
    """Of filling a cache: pictures in all, those of them that were not there yet, and the seconds that these took."""

    pictures: int
    sampled: int
    seconds: float

    def __add__(self, other: Cost) -> Cost:
        """Of both."""
        return Cost(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))

    @property
    def described(self) -> str:
        kept = self.pictures - self.sampled
        return f"{self.sampled:,} pictures in {self.seconds:.1f} s" + (
            f", and {kept:,} kept from earlier evaluations" if kept else ""
        )


@dataclass(frozen=True)
class SampleCache:
    """Samples with one pipeline into `folder`; `options.batch_size` pictures at once, which share a file."""

    pipe: Pipeline
    folder: Path
    options: SamplingOptions
    guide: Pipeline | None = None

    def fill(self, sets: Sequence[SampleSet], here: Processes) -> Cost:
        """Sample what is not there yet; each process samples its share of the files."""
        if not sets:
            return Cost(0, 0, 0.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        began, sampled = time.perf_counter(), 0
        parts = [(samples, rows, path) for samples in sets for rows, path in self._parts(samples)]
        share = parts[here.rank :: here.world_size]
        steps = {samples.name: self._total_steps(samples) for samples in sets}
        total = sum(len(rows) * steps[samples.name] for samples, rows, _ in share)
        often = {} if sys.stderr.isatty() else {"mininterval": LOG_EVERY_S}
        with tqdm(total=total, unit="image-step", disable=not here.is_main, **often) as bar:
            for samples, rows, path in share:
                bar.set_postfix_str(samples.name)
                if path.exists():
                    bar.update(len(rows) * steps[samples.name])
                    continue
                images = self._sample(samples, rows, bar).numpy()
                with atomic(path) as file:  # another evaluation may write the same one
                    np.save(file, images, allow_pickle=False)
                sampled += len(rows)
        sampled = int(here.sum(torch.tensor(sampled, device=here.device)).item())  # waits for all processes
        return Cost(sum(len(samples.labels) for samples in sets), sampled, time.perf_counter() - began)

    def _total_steps(self, samples: SampleSet) -> int:
        """How often a picture of the set is counted on the way."""
        edit = _edit(self.pipe, samples, [0])
        options = self.pipe.resolved(options_for(self.options, samples.w), samples.labels[:1], edited=edit is not None)
        return self.pipe.total_steps(options, edit)

    def _sample(self, samples: SampleSet, rows: list[int], bar: tqdm) -> Tensor:
        return self.pipe(
            samples.labels[rows],
            [samples.seeds[r] for r in rows],
            options_for(self.options, samples.w),
            guide=self.guide,
            edit=_edit(self.pipe, samples, rows),
            small=None if samples.small is None else samples.small[rows],
            on_step=lambda done, s, x, x_0: bar.update(len(x)),
        )

    def read(self, samples: SampleSet) -> Tensor:
        """(N, C, H, W) uint8, not quantised to a palette."""
        return torch.cat([torch.from_numpy(np.load(path, allow_pickle=False)) for _, path in self._parts(samples)])

    def _parts(self, samples: SampleSet) -> Iterator[tuple[list[int], Path]]:
        """The rows of each batch, and its file."""
        for rows in torch.arange(len(samples.labels)).split(self.options.batch_size):
            digest = hashlib.sha256(self.key.encode() + self._how(samples, rows).encode())
            digest.update(repr((float(samples.w), [samples.seeds[r] for r in rows])).encode())
            digest.update(samples.labels[rows].numpy().tobytes())
            if samples.small is not None:
                digest.update(samples.small[rows].numpy().tobytes())
            for key, value in samples.edit_of(rows).items():
                content = value.numpy().tobytes() if isinstance(value, Tensor) else repr(value).encode()
                digest.update(key.encode() + content)
            yield rows.tolist(), self.folder / f"{digest.hexdigest()[:24]}.npy"

    @functools.cached_property
    def key(self) -> str:
        """What decides the pictures of every set. Of the device its type alone, for processes have one each."""
        made_by = [self.pipe.checkpoint, self.pipe.device.type, *self.pipe.how, torch.__version__, code_hash()]
        return json.dumps([*made_by, self.guide and self.guide.checkpoint])

    def _how(self, samples: SampleSet, rows: Tensor) -> str:
        """The options that these rows are sampled with; what nobody set depends on labels, guidance and edit."""
        options = options_for(self.options, samples.w)
        plain = self.pipe.resolved(options, samples.labels[rows], edited=bool(samples.edit)).plain()
        return json.dumps({name: value for name, value in plain.items() if name not in NOT_IN_KEY})


def sampling_code(root: Path = ROOT) -> list[Path]:
    """The sources that decide what is sampled."""
    return sorted({path for pattern in SAMPLING_CODE for path in root.glob(pattern)})


def code_hash(root: Path = ROOT) -> str:
    """SHA-256 over these sources, changes that are not committed included."""
    digest = hashlib.sha256()
    for path in sampling_code(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
