"""Changes to a label: "+top hat,-beard" makes the label of one picture that of another."""

from __future__ import annotations

import torch
from torch import Tensor

from data.conditions import UNKNOWN, ConditionSchema


def changed(schema: ConditionSchema, label: Tensor, names: str, argument: str = "edit") -> tuple[Tensor, list[str]]:
    """`label` (F,), all known, with what `names` ask for; what is not named stays.

    names : as `ConditionSchema.encode` reads them, each with or without a leading "+"

    A named slot gives up the value that it had: "+hat" leaves open which. So do, where what is asked is never absent,
    such as a type, the slots whose values no training picture has together with it: one that becomes a zombie takes the
    only skin that zombies have, and where several values remain, as for the hair of one that becomes a woman, the slot
    is left open. These open slots are the second thing returned.
    Raises ValueError as `encode` does, and where nothing is named.
    """
    wanted = schema.encode(",".join(name.strip().removeprefix("+") for name in str(names).split(",")), argument)
    asked = [f for f, v in enumerate(wanted.tolist()) if v != UNKNOWN]
    if not asked:
        raise ValueError(f"{argument}={names!r}: changes nothing; name what is to appear or, with -, to go")
    new = label.clone()
    for f in asked:
        if label[f] != wanted[f]:
            new[_slot(schema, f)] = UNKNOWN
    kinds = [(g, int(wanted[g])) for g in asked if not schema.fields[g].optional]
    impossible = [f for f, v in enumerate(new.tolist()) if v != UNKNOWN and not _seen(schema, (f, v), kinds)]
    opened = []
    for f in sorted({_slot(schema, f)[0] for f in impossible}):
        columns = _slot(schema, f)
        new[columns] = UNKNOWN
        if set(columns) & set(asked):
            continue
        possible = [v for v in range(schema.cardinalities[f]) if _seen(schema, (f, v), kinds)]
        if len(possible) == 1:
            new[f] = possible[0]
        else:
            opened.append(schema.fields[f].name)
    new = torch.where(wanted == UNKNOWN, new, wanted)
    return implied(schema, new), opened


def implied(schema: ConditionSchema, label: Tensor) -> Tensor:
    """`label` (F,) with the unknown fields of a slot that follow from those of the slot that are known."""
    label = label.clone()
    for column, owner in enumerate(schema.fields):
        if owner.slot:
            continue
        coarse = [f for f in _slot(schema, column) if f != column]
        possible = set(range(len(owner.values))) if label[column] == UNKNOWN else {int(label[column])}
        for f in coarse:
            if label[f] != UNKNOWN:
                members = {v for v, value in enumerate(owner.values) if value in schema.fields[f].members}
                possible = possible & members if label[f] else possible - members
        if len(possible) == 1:
            label[column] = min(possible)
        for f in coarse:
            present = {owner.values[v] in schema.fields[f].members for v in possible}
            if len(present) == 1:
                label[f] = int(present.pop())
    return label


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
