"""Requests as people make them, one to five things named and the rest open, that real pictures can meet.

Each value of each field, absence included, is asked for equally often in every size: a request is made of a picture
that has the value, and names it together with other things that the same picture has.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.dropout import LabelDropout
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import one_hot, slots
from data.base import InMemoryDataset

SIZES = (1, 2, 3, 4, 5)
AS_REQUESTS = LabelDropout(drop_prob=0.0, partial_prob=1.0, max_known=5)  # one to five fields stay known


class Requests(NamedTuple):
    """
    labels : (N, F) int64, the named fields, all others UNKNOWN
    size   : (N,) int64, how many are named
    value  : (N,) int64, the value that the request is for, counted over all values of all fields
    row    : (N,) int64, the picture whose label it is part of
    """

    labels: Tensor
    size: Tensor
    value: Tensor
    row: Tensor


def request_sizes(schema: ConditionSchema) -> list[int]:
    """1 to 5 things, but no more than there are slots."""
    return [size for size in SIZES if size <= len(slots(schema))]


def make_requests(data: InMemoryDataset, each: int, seed: int) -> Requests:
    """At least `each` requests for every value that some picture of `data` has, as many in every size."""
    rng, schema = np.random.default_rng((seed, each)), data.schema
    sizes, has = request_sizes(schema), one_hot(data.labels, schema).numpy() > 0
    repeats = -(-each // len(sizes))
    owner = np.repeat(np.arange(len(schema)), schema.cardinalities)
    made = []
    for value in np.flatnonzero(has.any(axis=0)):
        for size in sizes:
            for row in rng.choice(np.flatnonzero(has[:, value]), repeats):
                label = part_of(schema, data.labels[int(row)], size, rng, first=int(owner[value]))
                made.append((label, size, int(value), int(row)))
    labels, *columns = zip(*made, strict=True)
    return Requests(torch.stack(labels), *(torch.tensor(column) for column in columns))


def part_of(
    schema: ConditionSchema, label: Tensor, size: int, rng: np.random.Generator, first: int | None = None
) -> Tensor:
    """`label` (F,) of which `size` fields of different slots stay known, or all where fewer are, `first` among them.

    Fields that show something are named before those that do not; of a slot and its coarse fields, only one.
    """
    shuffled = [f for f in rng.permutation(len(schema)).tolist() if label[f] != UNKNOWN]
    shuffled.sort(key=lambda f: (f != first, schema.fields[f].optional and label[f] == 0))
    named: dict[str, int] = {}
    for f in shuffled:
        named.setdefault(schema.fields[f].slot or schema.fields[f].name, f)
    known = list(named.values())[:size]
    part = torch.full_like(label, UNKNOWN)
    part[known] = label[known]
    return part
