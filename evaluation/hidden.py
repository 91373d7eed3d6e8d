"""What cannot be seen beside something else: decided by pixels, not by a classifier's errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, product

import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import absences, one_hot, slots, value_names
from data.base import InMemoryDataset

SOME = 16  # rows of the same label that are compared with others


def hidden_pairs(data: InMemoryDataset) -> Tensor:
    """(V, V) bool: value i is hidden beside value j, in the order of `value_names`.

    So where j paints over i: where pictures that both have j, one with i and one with nothing in its slot, are equal
    at the pixels that i paints, all that there are. They may differ in slots that paint other pixels, for few pictures
    differ in i alone. What a value paints is where pictures differ that do differ in it alone. Where there are no such
    pictures, i counts as visible.
    """
    schema, values = data.schema, one_hot(data.labels, data.schema)
    hidden = torch.zeros(2 * [values.shape[1]], dtype=torch.bool)
    pairs = differing_in_one_slot(schema, data.labels)
    if not len(pairs):
        return hidden
    rows, images = data.labels[:, slots(schema)], data.images.flatten(2)
    changed = rows[pairs[:, 0]] != rows[pairs[:, 1]]  # (P, S), one slot in each row
    differ = ~_equal(images, pairs).all(dim=1)  # (P, H W)
    slot_paints = torch.stack([_painted(differ, one) for one in changed.T])
    present = [(i, slot, values[:, i] > 0, without) for i, slot, without in _present(schema, data.labels)]
    paints = torch.zeros(len(hidden), differ.shape[1], dtype=torch.bool)
    for i, slot, having, without in present:
        paints[i] = _painted(differ, changed[:, slot] & (having[pairs] & without[pairs.flip(1)]).any(dim=1))
    for i, slot, having, without in present:
        alike = (slot_paints & paints[i]).any(dim=1)
        alike[slot] = False  # all other slots that paint there are to be equal
        compared = _across(rows[:, alike], having, without)
        equal = _equal(images[:, :, paints[i]], compared).flatten(1).all(dim=1)
        both = values[compared[:, 0]] * values[compared[:, 1]]
        hidden[i] = (both.sum(dim=0) > 0) & (both[~equal].sum(dim=0) == 0) & (paints & paints[i]).any(dim=1)
    return hidden


def _painted(differ: Tensor, pairs: Tensor) -> Tensor:
    """(H W,) bool: where `pairs` (P,) differ; anywhere, where none does, for then nobody knows."""
    pixels = differ[pairs].any(dim=0)
    return pixels if pixels.any() else torch.ones_like(pixels)


def _present(schema: ConditionSchema, labels: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Each value that is something: its number in one-hot form, the number of its slot, and which pictures are without.

    These have nothing in the slot; of a slot that is never empty, another value.
    """
    numbers = {column: number for number, column in enumerate(slots(schema))}
    names, i = absences(schema), -1
    for f, field in enumerate(schema.fields):
        column = schema.column[field.slot] if field.slot else f
        for v in range(len(field.values)):
            i += 1
            if not names[i]:
                empty = schema.fields[column].optional
                yield i, numbers[column], labels[:, column] == 0 if empty else labels[:, f] != v


def _across(keys: Tensor, having: Tensor, without: Tensor) -> Tensor:
    """(P, 2) int64: pairs of a row that is `having` and one `without`, with equal keys (N, K); of each key some."""
    none = keys.shape[1] == 0  # then all rows are alike, of which `unique` knows nothing
    which = torch.zeros(len(keys), dtype=torch.int64) if none else keys.unique(dim=0, return_inverse=True)[1]
    sides = []
    for side in (having, without):
        by_key = defaultdict(list)
        for row, key in zip(side.nonzero()[:, 0].tolist(), which[side].tolist(), strict=True):
            by_key[key].append(row)
        sides.append(by_key)
    found = [pair for key in sides[0] for pair in product(sides[0][key][:SOME], sides[1][key][:SOME])]
    return torch.tensor(found, dtype=torch.int64).view(-1, 2)


def _equal(images: Tensor, pairs: Tensor) -> Tensor:
    """(P, C, pixels) bool, of pairs of pictures (N, C, pixels)."""
    parts = [images[part[:, 0]] == images[part[:, 1]] for part in pairs.split(4096)]
    return torch.cat(parts) if parts else images[:0].bool()


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
