"""Labels in one-hot form: V entries, one for each value of each field in the order of the schema, "none" included."""

from __future__ import annotations

import torch
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema


def slots(schema: ConditionSchema) -> list[int]:
    """The columns of the slots; a coarse field follows from its slot."""
    return [f for f, field in enumerate(schema.fields) if not field.slot]


def coarse_filled(schema: ConditionSchema, labels: Tensor) -> Tensor:
    """`labels` (N, F) with each coarse field set to what the value of its slot implies, UNKNOWN where that is."""
    labels = labels.clone()
    for f, field in enumerate(schema.fields):
        if field.slot:
            column = schema.column[field.slot]
            member = torch.tensor([value in field.members for value in schema.fields[column].values])
            labels[:, f] = torch.where(labels[:, column] == UNKNOWN, UNKNOWN, member[labels[:, column]].long())
    return labels


def absences(schema: ConditionSchema) -> Tensor:
    """(V,) bool: the entries that stand for "none"."""
    return torch.tensor([f.optional and v == 0 for f in schema.fields for v in range(len(f.values))])


def value_names(schema: ConditionSchema) -> list[str]:
    """V names: those of the values, "-field" for absence."""
    return [
        f"-{field.name}" if field.optional and v == 0 else value
        for field in schema.fields
        for v, value in enumerate(field.values)
    ]


def one_hot(labels: Tensor, schema: ConditionSchema) -> Tensor:
    """(N, F) -> (N, V) float64 over all values of all fields; UNKNOWN fields are zero."""
    out = torch.zeros(len(labels), sum(schema.cardinalities) + 1, dtype=torch.float64)
    columns = labels + torch.tensor(schema.offsets)
    out.scatter_(1, torch.where(labels == UNKNOWN, out.shape[1] - 1, columns), 1.0)
    return out[:, :-1]
