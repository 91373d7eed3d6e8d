"""From choices to pictures: the overrides of sample.py are what is drawn, what is shown to copy, and all there is."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cli import help as explain
from conditions.fields import NONE, Field
from conditions.requests import parse_requests
from conditions.schema import ConditionSchema
from conditions.values import one_hot, value_names
from data.images import to_uint8
from evaluation.memorisation import nearest
from inference.classifier import Classifier
from inference.comparison import GROUPS, settings_of
from inference.job import Drawing, prepare

SHOW_EVERY = 3  # steps between two looks at an unfinished picture


@dataclass(frozen=True)
class Choice:
    """One entry of a slot's list: `name` is what a request calls it, empty for "any"."""

    name: str
    kind: str  # any, none, group, not group, value


def slot_choices(schema: ConditionSchema) -> dict[str, list[Choice]]:
    """What can be asked of each slot: any, none, a group of values such as any hat, or one value."""
    choices = {}
    for field in schema.fields:
        if field.slot:
            continue
        groups = [other for other in schema.fields if other.slot == field.name]
        choices[field.name] = [Choice("", "any"), *_absence(field), *_groups(groups, field)]
        choices[field.name] += [Choice(value, "value") for value in field.values if value != NONE]
    return choices


def _absence(field: Field) -> list[Choice]:
    return [Choice(f"-{field.name}", "none")] if field.optional else []


def _groups(groups: Sequence[Field], field: Field) -> list[Choice]:
    """A group with one member is that value; that of all members is the slot itself."""
    found = []
    for group in groups:
        name = next(value for value in group.values if value != NONE)
        if name not in field.values:
            whole = len(group.members) == len(field.values) - 1
            found += [Choice(name, "group")] + ([] if whole else [Choice(f"-{name}", "not group")])
    return found


@dataclass(frozen=True)
class Drawn:
    """What one press of the button gave.

    images    : (N, C, H, W) uint8, one for each of `seeds`
    overrides : of sample.py, which draw the same
    found     : for each picture, what was asked for and how likely it shows it; None where nothing can tell
    """

    drawing: Drawing
    images: Tensor
    seeds: list[int]
    overrides: tuple[str, ...]
    notes: list[str]
    seconds: float
    found: list[list[tuple[str, float]]] | None

    @property
    def command(self) -> str:
        return command(self.overrides)

    def settings(self, row: int) -> dict[str, Any]:
        """What the PNG of one picture carries, as sample.py writes it."""
        return {**self.drawing.record, "seed": self.seeds[row]}


def command(overrides: Sequence[str]) -> str:
    return shlex.join(["python", "sample.py", *overrides])


def overrides_of(checkpoint: str, choices: dict[str, Any]) -> tuple[str, ...]:
    """The overrides of sample.py for these weights and settings; settings that are None are left out."""
    given = {"checkpoint": checkpoint, **choices}
    return tuple(f"{key}={_text(value)}" for key, value in given.items() if value is not None)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def ready(overrides: Sequence[str], load: Callable) -> tuple[Drawing, list[str]]:
    """The drawing that sample.py would make with these overrides. Raises ValueError."""
    refuse(overrides)
    return prepare(settings_of(overrides), load)


def refuse(overrides: Sequence[str]) -> None:
    """Raises ValueError for what a visitor of a page has no business to ask: other files, and the environment."""
    for override in overrides:
        key, _, value = override.partition("=")
        if "${" in value:
            raise ValueError(f"{override}: holds ${{, with which settings refer to others; leave it out")
        if key in GROUPS and value not in (known := options(key)):
            raise ValueError(f"{override}: unknown; choose one of {', '.join(known)}")


def options(group: str) -> list[str]:
    """The options of one group of settings, such as the data sets."""
    return sorted(path.stem for path in (explain.CONF / group).glob("*.yaml"))


def watching(drawing: Drawing, show: Callable[[float, Tensor | None], None]) -> Callable:
    """For Drawing.draw: calls show(share done, pictures as they look by now or None) as drawing goes on."""
    rounds = drawing.pipe.rounds(drawing.settings["steps"], drawing.settings["refine"])
    total, seen = len(drawing.seeds) * rounds, 0

    def on_step(done: int, s: int, x_s: Tensor, x_0: Tensor) -> None:
        nonlocal seen
        seen += len(x_s)
        show(min(seen / total, 1.0), to_uint8(x_0).cpu() if done % SHOW_EVERY == 0 else None)

    return on_step


def ticks(drawing: Drawing, images: Tensor, classifier: Classifier | None) -> list[list[tuple[str, float]]] | None:
    """For each picture, every attribute asked for and how likely the classifier holds it to be there."""
    if classifier is None or drawing.attrs == "any":
        return None
    schema = drawing.pipe.schema
    labels = torch.stack([request.label for request in parse_requests(schema, drawing.attrs)])
    wanted = one_hot(labels, schema).amax(dim=0).nonzero()[:, 0].tolist()
    names = value_names(schema)
    return [[(names[v], row[v].item()) for v in wanted] for row in classifier.probabilities(images)]


def neighbour(image: Tensor, training: Tensor) -> tuple[Tensor, int]:
    """The training picture nearest to one picture (C, H, W) uint8, and how many pixels differ."""
    _, rows = nearest(image[None], training)
    found = training[rows[0]]
    return found, int((found != image).any(dim=0).sum())
