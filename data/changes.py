"""Changes to a label: "+top hat,-beard" makes the label of one picture that of another."""

from __future__ import annotations

import torch
from torch import Tensor

from data.conditions import UNKNOWN, ConditionSchema


def changed(schema: ConditionSchema, label: Tensor, names: str, argument: str = "edit") -> tuple[Tensor, list[str]]:
    """`label` (F,), all known, with what `names` ask for; what is not named stays.

    names : as `ConditionSchema.encode` reads them, each with or without a leading "+"

    A named slot gives up the value that it had: "+hat" leaves open which. So do, where what is asked is never absent,
    such as a type, the slots whose values no training picture has together with it, such as the skin of one that
    becomes a zombie; these are the second thing returned.
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
    opened = []
    kinds = [(g, int(wanted[g])) for g in asked if not schema.fields[g].optional]
    for f, v in enumerate(new.tolist()):
        if v != UNKNOWN and not all(_seen(schema, (f, v), kind) for kind in kinds):
            new[_slot(schema, f)] = UNKNOWN
            opened.append(schema.fields[f].slot or schema.fields[f].name)
    new = torch.where(wanted == UNKNOWN, new, wanted)
    return implied(schema, new), sorted(set(opened))


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
    """The columns of field f's slot: the slot itself and its coarse fields."""
    name = schema.fields[f].slot or schema.fields[f].name
    return [g for g, field in enumerate(schema.fields) if name in (field.name, field.slot)]


def _seen(schema: ConditionSchema, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a training picture has both values, each (field, value); of the same slot, none needs to."""
    if schema.seen is None or other[0] in _slot(schema, one[0]):
        return True
    row, column = (schema.offsets[f] + v for f, v in (one, other))
    return bool(schema.seen[row, column])
