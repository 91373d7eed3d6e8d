"""From the settings of sample.py to a sampling job: what is asked for, by which weights, how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.requests import Request, described, expected, parse_requests
from conditions.schema import UNKNOWN
from diffusion.guidance.cfg import NEGLIGIBLE
from diffusion.inpainting import Edit
from diffusion.sampling import OnStep, SamplingOptions, Seed
from inference.asked import absence_notes, read_asked, read_negative
from inference.classifier import missing
from inference.edits import Change, read_change, read_init
from inference.memory import refuse_large
from inference.pipeline import Branches, Pipeline
from inference.ranking import adherence
from inference.refusals import refuse_alone
from inference.replay import DECIDING
from inference.settings import JobSettings
from inference.upsampling import own_options, refuse_upsampler, upsampled
from inference.weights import choose_checkpoint
from runtime.checkpoint import CheckpointError, file_hash
from runtime.version import code_version

FILES = ("init", "mask")  # settings that name files, which may change
Load = Callable[..., Pipeline]  # (weights, *ComputeSettings.how), for callers that keep pipelines


@dataclass(frozen=True)
class Job:
    """Checked settings, ready to sample.

    attrs, negative : in the form that conditions/requests.py reads
    upsampler       : enlarges the pictures of `pipe`
    init, mask      : (C, H, W) uint8 and (H, W) float32, where an edit is asked for
    change          : in place of attrs, and of a mask unless there is one
    """

    pipe: Pipeline
    weights: Path
    settings: JobSettings
    attrs: str
    negative: str | None = None
    guide: Pipeline | None = None
    init: Tensor | None = None
    mask: Tensor | None = None
    change: Change | None = None
    upsampler: Pipeline | None = None

    @cached_property
    def requests(self) -> list[Request]:
        return parse_requests(self.pipe.schema, self.attrs)

    @cached_property
    def options(self) -> JobSettings:
        """The settings, with what fits the weights and the request in the place of what was left out."""
        return self.pipe.resolved(self.settings, self.attrs, self.negative, self.init is not None)

    def sample(self, seeds: Sequence[Seed], on_step: OnStep | None = None) -> Tensor:
        """(N, C, H, W) uint8, one for each seed."""
        cond, mask = self.attrs, self.mask
        if self.change is not None:
            cond = self.change.labels(seeds)
            mask = self.change.masks(cond) if mask is None else mask
        images = self.pipe(
            cond, seeds, self.options, negative=self.negative, guide=self.guide, edit=self.edit(mask), on_step=on_step
        )
        if self.upsampler is None:
            return images
        parts = self.pipe.branches(cond, seeds, self.options, self.negative, self.guide)
        return upsampled(self.upsampler, images, parts, seeds, self.options, on_step)

    def completed(self, seeds: Sequence[Seed]) -> list[str]:
        """What each picture is of, in names, where the label prior decided what is left open; else nothing."""
        if not self.options.complete:
            return []
        parts = self.pipe.branches(self.attrs, seeds, self.options, self.negative, self.guide)
        named = (self.pipe.schema.names(label) for label in parts.labels[0])
        return [", ".join(name for name in names if not name.startswith("-")) for names in named]

    def edit(self, mask: Tensor | None) -> Edit | None:
        """The picture to start from, with one mask or one for each picture. Raises ValueError for what does not fit."""
        s = self.settings
        return None if self.init is None else self.pipe.edit(self.init, s.strength, mask, s.resample)

    @property
    def total_steps(self) -> int:
        """How often on_step is called for each batch of pictures."""
        further = self.upsampler.total_steps(own_options(self.options)) if self.upsampler else 0
        return self.pipe.total_steps(self.options, self.edit(None)) + further

    @property
    def last(self) -> Pipeline:
        """The weights that make the pictures what they are when they are written."""
        return self.upsampler or self.pipe

    @property
    def request(self) -> str:
        """What is asked for, for a person: of an edited picture, without all that is to be absent."""
        names = self.attrs.split(",")
        if self.change is None:
            return ", ".join(names)
        return f"{self.settings.edit}: {', '.join(name for name in names if not name.startswith('-'))}"

    @property
    def method(self) -> str:
        """How it is sampled, and at which cost, for a person."""
        s = self.options
        kind = "" if s.guidance == SamplingOptions().guidance else f" ({', '.join(s.guidance.described)})"
        cost = f"NFE {self.evaluations} per picture, on {self.pipe.device} in {self.pipe.how}"
        how = f"{s.sampler.name}, {steps(s.steps)}" if self.pipe.recipe.is_diffusion else self.pipe.recipe.model.name
        return f"{how}, w = {s.w:g}{kind}: {cost}"

    def adherence(self, images: Tensor) -> Tensor | None:
        """(N,) in [0, 1]: how well each picture shows what is asked for; None where nothing can tell."""
        return adherence(self.last.classifier, self.requests, images)

    @cached_property
    def evaluations(self) -> int:
        """NFE: network evaluations per picture, without those that find where an edit must change a picture."""
        inpainted = self.mask if self.mask is not None or self.change is None else torch.ones(self.init.shape[-2:])
        own = self.pipe.evaluations(self.attrs, self.options, self.negative, self.guide, self.edit(inpainted))
        return own + (self.upsampler.evaluations(None, own_options(self.options)) if self.upsampler else 0)

    @property
    def record(self) -> dict[str, Any]:
        """All that decides the pictures but their seeds, and what they were sampled with."""
        plain, guide = self.options.plain(), self.guide
        return {
            "checkpoint": self.pipe.checkpoint,
            "weights": self.weights.as_posix(),
            "step": self.pipe.info.step,
            "dataset": self.pipe.info.dataset,
            **{key: plain[key] for key in DECIDING},
            **{f"{key}_hash": file_hash(Path(plain[key])) for key in FILES if plain[key]},
            "attrs": "any" if self.change is not None else self.attrs,
            "request": self.attrs,
            "negative": self.negative,
            "guide": guide and guide.checkpoint,
            **({"guide_weights": Path(self.settings.guide).as_posix()} if guide else {}),
            "upsampler": self.upsampler and self.upsampler.checkpoint,
            **({"upsampler_weights": Path(self.settings.upsampler).as_posix()} if self.upsampler else {}),
            "automatic": [key for key in DECIDING if plain[key] != self.settings.plain()[key]],
            **self.pipe.how._asdict(),
            "nfe": self.evaluations,
            "device": str(self.pipe.device),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "code": code_version(),
        }


def prepare(settings: JobSettings, load: Load = Pipeline.load) -> tuple[Job, list[str]]:
    """The job that `settings` describe, and notes for a person, "subject: what to know". Raises ValueError.

    Subjects are "read as", "ignored" and "note" for the request, "picture" for an edited one, and "warning".
    """
    path, pipe, guide, upsampler = load_all(settings, load)
    refuse_large(settings, (upsampler or pipe).image_shape)
    wanted, notes = read_asked(pipe, settings)
    init, mask = read_init(pipe, settings)
    change = None
    if settings.edit is not None:
        change, about = read_change(pipe, settings, init)
        wanted, notes = pipe.schema.names(change.after), [*notes, *about]
    argument = "attrs" if settings.prompt is None else "prompt"
    requests = parse_requests(pipe.schema, wanted, argument, getattr(settings, argument) if change is None else None)
    notes += absence_notes(pipe, wanted, requests)
    negative, about = read_negative(pipe, settings.negative)
    notes += about
    attrs = described(pipe.schema, requests)
    job = replace(Job(pipe, path, settings, attrs, negative, guide, init, mask, change), upsampler=upsampler)
    if settings.complete and not job.options.complete:
        raise ValueError(
            "complete=true: the label prior completes a single request; several conditions, weights of names and "
            "pictures that are edited are for the network, so leave it out"
        )
    pipe.refuse(job.options, guide)
    parts = pipe.branches(attrs, [0], job.options, negative, guide)  # refuses what it cannot sample
    return job, [*notes, *edit_notes(job), *warnings(job, parts)]


def require_ranking(job: Job) -> None:
    """Raises ValueError, before anything is sampled, where pictures cannot be ranked by adherence."""
    if not expected(job.requests):
        raise ValueError("rank=adherence: nothing is asked for that pictures could be ranked by; give attrs")
    if job.last.classifier is None:
        path = job.weights.as_posix() if job.upsampler is None else job.settings.upsampler
        raise ValueError(f"rank=adherence: {missing(job.last.info.dataset)} checkpoint={path}")


def load_all(settings: JobSettings, load: Load) -> tuple[Path, Pipeline, Pipeline | None, Pipeline | None]:
    """The path of the weights, these, their guide and their upsampler. Raises ValueError for what does not fit."""
    path = choose_checkpoint(settings.checkpoint, settings.dataset and settings.dataset.collection)
    pipe = load(path, *settings.how)
    guide, upsampler = (
        load_other(name, getattr(settings, name), load, *settings.how) for name in ("guide", "upsampler")
    )
    refuse_alone(pipe)
    pipe.refuse(settings, guide)
    if upsampler is not None:
        refuse_upsampler(pipe, upsampler)
    return path, pipe, guide, upsampler


def load_other(setting: str, path: str | None, load: Load, *how: Any) -> Pipeline | None:
    """The weights that a setting names besides those that are sampled, such as the guide."""
    try:
        return None if path is None else load(Path(path), *how)
    except CheckpointError as error:
        raise ValueError(str(error).replace("checkpoint=", f"{setting}=", 1)) from error


def warnings(job: Job, parts: Branches) -> list[str]:
    """What makes a picture unlikely to be what was asked for."""
    pipe, messages = job.pipe, []
    pairs = [pair for request in job.requests for pair in pipe.schema.unseen_pairs(request.label)]
    if pairs:
        unseen = "; ".join(f"both {one!r} and {other!r}" for one, other in pairs)
        messages.append(f"warning: no training example has {unseen}; the model must invent it")
    if job.guide is not None and job.guide.checkpoint == pipe.checkpoint and job.negative is None:
        messages.append("warning: guide holds the weights that sample, so that w changes nothing")
    if needs_unconditional(job, parts):
        messages.append(
            "warning: trained with cfg.drop_prob=0, so there is no unconditional model to sample from or guide by; "
            "name what you want, and use w=1"
        )
    return messages


def needs_unconditional(job: Job, parts: Branches) -> bool:
    """Whether an unconditional output counts, of weights that saw no label dropped in training."""

    def untrained(pipe: Pipeline) -> bool:
        dropout = pipe.recipe.cfg
        return bool(len(pipe.schema)) and dropout.conditional and dropout.drop_prob == 0

    unasked = bool((parts.labels[0] == UNKNOWN).all())
    guided = abs(1 - sum(parts.weights)) > NEGLIGIBLE and bool((parts.reference == UNKNOWN).all())
    return (unasked and untrained(job.pipe)) or (guided and untrained(job.guide or job.pipe))


def edit_notes(job: Job) -> list[str]:
    """What is inpainted, and from when on. Raises ValueError for an edit that the pipeline refuses."""
    if job.init is None:
        return []
    settings, T, mask, notes = job.settings, job.pipe.diffusion.schedule.T, job.mask, []
    if job.change is not None and mask is None:
        seed = getattr(settings, "seed", 0)
        mask = job.change.masks(job.change.labels([seed]))[0]
        notes.append(f"picture: {int((mask > 0).sum())} of {mask.numel()} pixels inpainted, with seed {seed}")
    edit = job.edit(mask)
    if edit.mask is not None and 0 < edit.mask.max() < 1:
        most = edit.mask.max() * settings.strength
        notes.append(
            f"picture: the feather is wider than what is inpainted, so that the strength is {most:.2g} at most"
        )
    if settings.strength < 1:
        run = steps(edit.steps(job.options.steps, T) if edit.start(T) else 0)
        notes.append(f"picture: noised to level {settings.strength:g}, and {run} from there")
    return notes


def steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
