"""Labels as the values that they name: one entry for each value of each field, "none" included.

V is the number of all values of all fields, in the order of the schema.
"""

from __future__ import annotations

import torch
from torch import Tensor

from data.conditions import UNKNOWN, ConditionSchema

HIDDEN_SHARE, SEEN_SHARE = (
    0.5,
    0.8,
)  # hidden beside another value: read there on fewer, elsewhere on more than this share
HIDDEN_COUNT = 5  # real pictures that it takes to say so


def slots(schema: ConditionSchema) -> list[int]:
    """The columns of the fields that are read directly; a coarse field follows from its slot."""
    return [f for f, field in enumerate(schema.fields) if not field.slot]


def coarse_filled(schema: ConditionSchema, labels: Tensor) -> Tensor:
    """`labels` (N, F) with each coarse field set to what the value of its slot says."""
    labels = labels.clone()
    for f, field in enumerate(schema.fields):
        if field.slot:
            column = schema.column[field.slot]
            member = torch.tensor([value in field.members for value in schema.fields[column].values])
            labels[:, f] = member[labels[:, column]].long()
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


def hidden_pairs(labels: Tensor, read: Tensor, schema: ConditionSchema) -> Tensor:
    """(V, V) bool: value i cannot be seen beside value j, as an earring beside a hoodie.

    So where most real pictures with i and j are read without i, while i is read reliably on those without j.

    labels, read : (N, F), the truth about real pictures and what a classifier reads there that has not seen them
    """
    truth = one_hot(labels, schema)
    hit = truth * one_hot(read, schema)
    beside, found_beside = truth.T @ truth, hit.T @ truth
    elsewhere, found_elsewhere = truth.T @ (1 - truth), hit.T @ (1 - truth)
    covered = (beside >= HIDDEN_COUNT) & (found_beside < HIDDEN_SHARE * beside)
    reliable = (elsewhere >= HIDDEN_COUNT) & (found_elsewhere > SEEN_SHARE * elsewhere)
    return covered & reliable & ~absences(schema)[:, None]


def described(pairs: Tensor, schema: ConditionSchema) -> list[str]:
    """The hidden pairs in words: "Earring beside Hoodie"."""
    names = value_names(schema)
    return [f"{names[i]} beside {names[j]}" for i, j in pairs.nonzero().tolist()]
