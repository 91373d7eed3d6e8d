"""Edits of a label: "+top hat,-beard" makes the label of one picture that of another."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema


def changed(
    schema: ConditionSchema, label: Tensor, names: str, argument: str = "edit", typed: str | None = None
) -> Tensor:
    """`label` (F,), all known, with what `names` ask for; what is not named stays.

    names : as `ConditionSchema.encode` reads them, each with or without a leading "+"

    A named slot loses the value that it had: "-hat" leaves it empty, "+hat" leaves open which hat. A name of a field
    that is never absent, such as the type, also changes the slots whose values no training picture has together with
    it: who becomes a zombie takes the only skin that zombies have, and who becomes a woman has the hair left open.
    Raises ValueError as `encode` does, with what was `typed`, if that was something else, and where nothing is named.
    """
    typed = names if typed is None else typed
    wanted = schema.encode(without_plus(names), argument, typed)
    named = [f for f, v in enumerate(wanted.tolist()) if v != UNKNOWN]
    if not named:
        raise ValueError(f"{argument}={typed!r}: changes nothing; name what is to appear or, with -, to go")
    new = label.clone()
    for f in named:
        if label[f] != wanted[f]:
            new[_slot(schema, f)] = UNKNOWN
    kinds = _kinds(schema, wanted)
    for f, v in enumerate(new.tolist()):
        if v != UNKNOWN and not _seen(schema, (f, v), kinds):
            new[_slot(schema, f)] = UNKNOWN
    new = torch.where(wanted == UNKNOWN, new, wanted)
    for f in open_slots(schema, new):
        columns, possible = _slot(schema, f), possible_values(schema, new, f)
        if set(columns).isdisjoint(named):
            possible = [v for v in possible if _seen(schema, (f, v), kinds)]
        emptied = any(wanted[g] == 0 for g in columns) and 0 in possible
        if emptied or len(possible) == 1:
            new[f] = 0 if emptied else possible[0]
    return implied(schema, new)


def without_plus(names: str) -> str:
    """The names of an edit without the "+" that each may have."""
    return ",".join(name.strip().removeprefix("+") for name in str(names).split(","))


def open_slots(schema: ConditionSchema, label: Tensor) -> list[int]:
    """The columns of the slots whose value `label` (F,) leaves UNKNOWN."""
    return [f for f, field in enumerate(schema.fields) if not field.slot and label[f] == UNKNOWN]


def completed(schema: ConditionSchema, label: Tensor, seed: int) -> Tensor:
    """`label` (F,) with a value sampled for every slot that it leaves open, uniformly from those that it allows.

    Where there are any, only values that some training picture has beside those of the fields that are never absent:
    the type, say, decides which hair there is. The same seed samples the same values.
    """
    label, rng = label.clone(), np.random.default_rng(seed)
    for f in open_slots(schema, label):
        possible = possible_values(schema, label, f)
        seen = [v for v in possible if _seen(schema, (f, v), _kinds(schema, label))]
        label[f] = int(rng.choice(seen or possible))
    return implied(schema, label)


def implied(schema: ConditionSchema, label: Tensor) -> Tensor:
    """`label` (F,) with the fields filled in that follow from known fields of the same slot: hat from Top Hat."""
    label = label.clone()
    for column, owner in enumerate(schema.fields):
        if owner.slot:
            continue
        possible = possible_values(schema, label, column)
        if len(possible) == 1:
            label[column] = possible[0]
        for f in _slot(schema, column)[1:]:
            present = {owner.values[v] in schema.fields[f].members for v in possible}
            if len(present) == 1:
                label[f] = int(present.pop())
    return label


def possible_values(schema: ConditionSchema, label: Tensor, column: int) -> list[int]:
    """The values of a slot that agree with all that `label` (F,) says about it."""
    values = schema.fields[column].values
    possible = set(range(len(values))) if label[column] == UNKNOWN else {int(label[column])}
    for f in _slot(schema, column)[1:]:
        if label[f] != UNKNOWN:
            members = {v for v, value in enumerate(values) if value in schema.fields[f].members}
            possible = possible & members if label[f] else possible - members
    return sorted(possible)


def _kinds(schema: ConditionSchema, label: Tensor) -> list[tuple[int, int]]:
    """(field, value) of what `label` says about fields that are never absent, such as the type."""
    return [(f, v) for f, v in enumerate(label.tolist()) if v != UNKNOWN and not schema.fields[f].optional]


def _slot(schema: ConditionSchema, f: int) -> list[int]:
    """The columns of field f's slot: first the slot itself, then its coarse fields."""
    name = schema.fields[f].slot or schema.fields[f].name
    coarse = [g for g, field in enumerate(schema.fields) if field.slot == name]
    return [schema.column[name], *coarse]


def _seen(schema: ConditionSchema, value: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    """Whether training pictures have this (field, value) beside each of the others; in its own slot, none needs to."""
    if schema.seen is None:
        return True
    f, v = value
    rows = [schema.offsets[g] + u for g, u in others if g not in _slot(schema, f)]
    return bool(schema.seen[schema.offsets[f] + v, rows].all())
