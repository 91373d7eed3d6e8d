"""From the settings of sample.py to a drawing: what is asked for, by which weights, how; or the same as a picture."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.edits import changed, completed, opened
from conditions.phrases import example, understand
from conditions.requests import Request, described, parse_requests
from data import cryptopunks
from data.palette import SNAPS
from data.pictures import read_mask, read_picture
from diffusion.guidance import Guidance
from diffusion.inpainting import feathered
from diffusion.samplers import Sampler
from diffusion.sampling import SPACINGS, Between, OnStep, Seed
from inference.pipeline import Pipeline
from inference.ranking import check_rank, classifier_of, no_classifier
from inference.weights import choose_checkpoint
from runtime.checkpoint import CheckpointError, file_hash
from runtime.factory import build_guidance, build_sampler
from runtime.settings import MAX_SEED, choice, number, refuse_idle, whole
from runtime.version import code_version

# Settings that decide a picture, as its PNG records them; with the weights, its seed and `scale`, all there is.
DECIDING = (
    "attrs", "negative", "w", "guidance", "sampler", "steps", "spacing", "refine", "init", "edit", "strength", "mask",
    "feather", "repeats", "snap", "scale", "precision",
)  # fmt: skip
AT_AN_EDGE = {"feather": 0, "repeats": 1}  # settings that need a mask, or an edit, which finds one; their defaults
OF_A_PICTURE = {"strength": 1, "mask": None, **AT_AN_EDGE}  # settings that need a picture to start from
MAX_SCALE = 100  # of a pixel; pictures beyond would have millions of the same
FILES = ("init", "mask")  # settings that name files, which may change
BACKGROUNDS = {"cryptopunks": cryptopunks.BACKGROUND}  # behind transparent pixels; black elsewhere


@dataclass(frozen=True)
class Change:
    """Other attributes for a picture (`edit=`).

    before  : (F,) int64, what the picture shows
    after   : (F,) int64, what it is to show; each seed fills in what this leaves open, such as which hat
    feather : pixels, of the edge of what is drawn anew
    """

    pipe: Pipeline
    init: Tensor
    before: Tensor
    after: Tensor
    feather: int

    def labels(self, seeds: Sequence[Seed]) -> Tensor:
        """(N, F) int64."""
        plain = [seed.one if isinstance(seed, Between) else seed for seed in seeds]
        return torch.stack([completed(self.pipe.schema, self.after, seed) for seed in plain])

    def masks(self, labels: Tensor) -> Tensor:
        """(N, H, W) float32: where each is drawn anew, which is where the model's predictions for the labels differ."""
        n = len(labels)
        masks = self.pipe.differing(self.init.expand(n, *self.init.shape), self.before.expand(n, -1), labels)
        return torch.stack([feathered(mask, self.feather) for mask in masks])


@dataclass(frozen=True)
class Drawing:
    """Checked settings, ready to draw.

    attrs, negative : in the form that conditions/requests.py reads
    init, mask      : (C, H, W) uint8 and (H, W) float32, where an edit is asked for
    change          : in place of attrs, and of a mask unless there is one
    settings        : those of conf/sample.yaml
    """

    pipe: Pipeline
    weights: Path
    attrs: str
    negative: str | None
    guidance: Guidance
    weaker: Pipeline | None
    sampler: Sampler
    init: Tensor | None
    mask: Tensor | None
    change: Change | None
    settings: dict[str, Any]

    @property
    def seeds(self) -> range:
        """Of the pictures to be drawn; a ranking draws more than it keeps."""
        count = self.settings["n"] if self.settings["rank"] is None else self.settings["of"]
        return range(self.settings["seed"], self.settings["seed"] + count)

    def draw(self, seeds: Sequence[Seed], on_step: OnStep | None = None) -> Tensor:
        """(N, C, H, W) uint8, one for each seed."""
        s, cond, mask = self.settings, self.attrs, self.mask
        if self.change is not None:
            cond = self.change.labels(seeds)
            mask = self.change.masks(cond) if mask is None else mask
        return self.pipe(
            cond, seeds, w=s["w"], negative=self.negative, guidance=self.guidance, weaker=self.weaker,
            sampler=self.sampler, steps=s["steps"], spacing=s["spacing"], init=self.init, strength=s["strength"],
            mask=mask, repeats=s["repeats"], snap=s["snap"], refine=s["refine"], batch_size=s["batch_size"],
            on_step=on_step,
        )  # fmt: skip

    @property
    def record(self) -> dict[str, Any]:
        """All that decides the pictures but their seeds, and what drew them."""
        weaker = self.weaker and self.weaker.checkpoint
        return {
            "checkpoint": self.pipe.checkpoint,
            "weights": self.weights.as_posix(),
            "step": self.pipe.info.step,
            "dataset": self.pipe.info.dataset,
            **{key: self.settings[key] for key in DECIDING},
            **{f"{key}_hash": file_hash(Path(self.settings[key])) for key in FILES if self.settings[key]},
            "attrs": self.attrs,
            "negative": self.negative,
            "guidance": {**self.settings["guidance"], "checkpoint": weaker},
            **({"weaker": Path(self.settings["guidance"]["checkpoint"]).as_posix()} if weaker else {}),
            "precision": self.pipe.precision,
            "refine": self.pipe.refinement(self.settings["refine"]),
            "device": str(self.pipe.device),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "code": code_version(),
        }


def prepare(
    settings: dict[str, Any], load: Callable[[Path, str, str], Pipeline] = Pipeline.load
) -> tuple[Drawing, list[str]]:
    """The drawing that `settings` describe, and what a person should be told about it. Raises ValueError.

    load : (weights, device, precision) -> Pipeline, for callers that keep pipelines
    """
    for name, most in (("n", math.inf), ("batch_size", math.inf), ("scale", MAX_SCALE)):
        whole(name, settings[name], 1, most)
    choice("snap", settings["snap"], SNAPS)
    choice("spacing", settings["spacing"], SPACINGS)
    whole("seed", settings["seed"], 0, MAX_SEED)
    number("w", settings["w"], 0)
    sampler, guidance = build_sampler(settings["sampler"]), build_guidance(settings["guidance"])
    path = choose_checkpoint(settings["checkpoint"], settings.get("dataset", {}).get("name"))
    pipe = load(path, settings["device"], settings["precision"])
    whole("steps", settings["steps"], 1, pipe.diffusion.schedule.T)
    pipe.refinement(settings["refine"])
    weaker = load_weaker(settings, settings["device"])
    pipe.refuse(guidance, sampler, weaker)
    wanted, notes = settings["attrs"], []
    if settings["prompt"] is not None:
        wanted, notes = read_prompt(pipe, settings["prompt"], wanted)
    init, mask = read_edit(pipe, settings)
    change = None
    if settings["edit"] is not None:
        change, told = read_change(pipe, settings, wanted, init)
        wanted, notes = pipe.schema.names(change.after), [*notes, *told]
    requests = parse_requests(pipe.schema, wanted, "attrs" if settings["prompt"] is None else "prompt")
    notes += told_of_absence(pipe, wanted, requests)
    negative = read_negative(pipe, settings["negative"])
    for one, other in [pair for request in requests for pair in pipe.schema.unseen_pairs(request.label)]:
        notes.append(f"warning: no training example has both {one!r} and {other!r}; the model must invent it")
    attrs = described(pipe.schema, requests)
    pipe.branches(attrs, negative, settings["w"], 1, guidance, weaker)  # refuses what it cannot draw
    drawing = Drawing(pipe, path, attrs, negative, guidance, weaker, sampler, init, mask, change, settings)
    check_rank(drawing)
    if weaker is not None and weaker.checkpoint == pipe.checkpoint and negative is None:
        notes.append("warning: guidance.checkpoint holds the weights that draw, so that w changes nothing")
    return drawing, notes + told_of_edit(drawing)


def read_negative(pipe: Pipeline, negative: Any) -> str | None:
    """What to move away from, in names; None where nothing was said."""
    return None if negative is None else ",".join(pipe.schema.names(pipe.schema.encode(negative, "negative"))) or "any"


def told_of_edit(drawing: Drawing) -> list[str]:
    """What is drawn anew, and from when on. Raises ValueError for an edit that the pipeline refuses."""
    if drawing.init is None:
        return []
    settings, T, mask, notes = drawing.settings, drawing.pipe.diffusion.schedule.T, drawing.mask, []
    if drawing.change is not None and mask is None:
        mask = drawing.change.masks(drawing.change.labels(drawing.seeds[:1]))[0]
        notes.append(f"      anew: {int((mask > 0).sum())} of {mask.numel()} pixels, with seed {drawing.seeds[0]}")
    edit = drawing.pipe.edit(drawing.init, settings["strength"], mask, settings["repeats"])
    if edit.mask is not None and 0 < edit.mask.max() < 1:
        most = edit.mask.max() * settings["strength"]
        notes.append(f"   feather: wider than what is drawn anew, so that the strength is {most:.2g} at most there")
    run = edit.steps(settings["steps"], T) if edit.start(T) else 0
    notes.append(f"      edit: from noise level {settings['strength']:g}, t = {edit.start(T)} of {T}, in {run} steps")
    return notes


def read_edit(pipe: Pipeline, settings: dict[str, Any]) -> tuple[Tensor | None, Tensor | None]:
    """The picture to start from, and the feathered mask. Raises ValueError for what does not fit or is not there."""
    number("strength", settings["strength"], 0, 1)
    whole("repeats", settings["repeats"], 1)
    whole("feather", settings["feather"], 0, max(pipe.image_shape))
    if settings["init"] is None:
        refuse_idle(settings, OF_A_PICTURE, "changes a picture that is there; name one with init=FILE")
        return None, None
    if settings["mask"] is None and settings["edit"] is None:
        refuse_idle(settings, AT_AN_EDGE, "works at the edge of a mask; name one with mask=FILE")
    background = BACKGROUNDS.get(pipe.info.dataset, (0, 0, 0))
    init = read_picture(Path(settings["init"]), pipe.image_shape, background, "init")
    if settings["mask"] is None:
        return init, None
    return init, feathered(read_mask(Path(settings["mask"]), pipe.image_shape), settings["feather"])


def read_prompt(pipe: Pipeline, prompt: str, attrs: Any) -> tuple[list[str] | None, list[str]]:
    """What a phrase asks for, and an account of how it was read."""
    if attrs not in (None, "any"):
        raise ValueError(f"prompt={prompt!r}, attrs={attrs!r}: both say what is asked for; give one")
    names, read_as, ignored = understand(pipe.schema, str(prompt))
    notes = [f"understood: {', '.join(names) or 'nothing'}"]
    notes += [f"            {words!r} as {name}" for words, name in read_as]
    notes += [f"   ignored: {', '.join(map(repr, ignored))}: nothing of that name is known here"] if ignored else []
    if not names:
        told = ", ".join(map(repr, ignored))
        raise ValueError(f"prompt={prompt!r}: {told}: nothing of that name is known; try {example(pipe.schema)}")
    return names, notes


def told_of_absence(pipe: Pipeline, wanted: Any, requests: Sequence[Request]) -> list[str]:
    """What a person should know of names like "-mohawk", which ask away more than they say."""
    tokens = re.split("[,|]", wanted) if isinstance(wanted, str) else [str(token) for token in wanted or ()]
    absent = [re.split("[:*]", token)[0].strip() for token in tokens]
    names = [name.lstrip("- ") for name in absent if name.startswith("-")]
    return [
        f"      note: -{name} asks for no value of {field!r} at all; negative={name.lower()!r} moves away from it alone"
        for name in names
        if (field := pipe.schema.more_than(name)) and any(r.label[pipe.schema.column[field]] == 0 for r in requests)
    ]


def read_change(pipe: Pipeline, settings: dict[str, Any], attrs: Any, init: Tensor | None) -> tuple[Change, list[str]]:
    """The change of a picture's attributes, and an account of it.

    What it shows now is read by the classifier. Raises ValueError where that is not possible.
    """
    edit, schema = settings["edit"], pipe.schema
    if attrs not in (None, "any"):
        raise ValueError(f"edit={edit!r}, attrs={attrs!r}: a change keeps the rest of the picture; give one of the two")
    classifier = classifier_of(pipe)
    if init is None or classifier is None:
        why = "name the picture with init=FILE" if init is None else no_classifier(pipe)
        raise ValueError(f"edit={edit!r}: {why}")
    before = classifier.read(init[None])[0]
    after = changed(schema, before, edit)
    shows = ", ".join(name for name in schema.names(before) if not name.startswith("-"))
    if torch.equal(before, after):
        raise ValueError(f"edit={edit!r}: the picture shows that already; it is read as {shows}")
    notes = [f"   showing: {shows}"]
    left = ", ".join(schema.fields[f].name for f in opened(schema, after))
    notes += [f" left open: {left}: each seed takes a value of its own"] if left else []
    return Change(pipe, init, before, after, settings["feather"]), notes


def load_weaker(settings: dict[str, Any], device: str | torch.device) -> Pipeline | None:
    """The model that autoguidance moves away from."""
    path = settings["guidance"]["checkpoint"]
    try:
        return path and Pipeline.load(path, device, settings["precision"])
    except CheckpointError as error:
        raise ValueError(f"guidance.{error}") from error
