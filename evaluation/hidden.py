"""What cannot be seen beside something else: decided by pixels, not by a classifier's errors."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import absences, one_hot, slots, value_names
from data.base import InMemoryDataset

SOME = 16  # rows of the same label that are compared with others


def hidden_pairs(data: InMemoryDataset) -> Tensor:
    """(V, V) bool: value i is hidden beside value j, in the order of `value_names`.

    So where pictures that both have j and differ in i alone, one with it and one with another value of its slot, are
    equal pixel for pixel, all that there are. Where there are no such pictures, i counts as visible.
    """
    pairs = differing_in_one_slot(data.schema, data.labels)
    if not len(pairs):
        return torch.zeros(2 * [sum(data.schema.cardinalities)], dtype=torch.bool)
    values = one_hot(data.labels, data.schema).float()
    one, other = values[pairs[:, 0]], values[pairs[:, 1]]
    parts = (data.images[part] for part in pairs.split(4096))
    equal = torch.cat([(part[:, 0] == part[:, 1]).flatten(1).all(dim=1) for part in parts]).float()
    differing, both = (one != other).float(), one * other
    there, alike = differing.T @ both, (differing * equal[:, None]).T @ both
    return (there > 0) & (alike == there) & ~absences(data.schema)[:, None]


def differing_in_one_slot(schema: ConditionSchema, labels: Tensor) -> Tensor:
    """(P, 2) int64: pairs of rows of the complete `labels` (N, F) that differ in exactly one slot.

    All of them, where no more than SOME rows have the same label; and none where there is only one slot, in which any
    two pictures may differ.
    """
    columns = slots(schema)
    rows, found = labels[:, columns].tolist(), []
    if len(columns) < 2:
        return torch.zeros(0, 2, dtype=torch.int64)
    alike = defaultdict(list)
    for i, row in enumerate(rows):
        alike[tuple(row)].append(i)
    kept = sorted(i for same in alike.values() for i in same[:SOME])
    for k in range(len(columns)):
        alike = defaultdict(list)
        for i in kept:
            alike[tuple(rows[i][:k] + rows[i][k + 1 :])].append(i)
        found += [pair for group in alike.values() for pair in combinations(group, 2) if rows[pair[0]] != rows[pair[1]]]
    return torch.tensor(found, dtype=torch.int64).view(-1, 2)


def described(pairs: Tensor, schema: ConditionSchema) -> list[str]:
    """The hidden pairs in words: "Earring beside Hoodie"."""
    names = value_names(schema)
    return [f"{names[i]} beside {names[j]}" for i, j in pairs.nonzero().tolist()]
