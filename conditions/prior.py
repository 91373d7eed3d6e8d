"""The label prior: how likely values occur together, so that what a request leaves open can be decided first.

Where a request leaves much open, a diffusion model has to decide it while it denoises, and now and then blends two
answers. Sampling the rest of the label first, then the picture of the complete label, takes that decision out of the
picture: p(x | request) = sum over complete labels y of p(y | request) p(x | y).

The prior is the tree of slots that explains training labels best (Chow & Liu 1968): each slot depends on one other, so
that everything can be learned by counting, and sampled exactly whatever is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import coarse_filled, slots

SMOOTHING = 0.1  # pseudo-examples for each value of the slot above, spread as the values are in all


@dataclass(frozen=True)
class LabelPrior:
    """A distribution of complete labels.

    above  : for each slot, in the order of `slots`, the place of the slot that it depends on; -1 for the first
    order  : places of the slots, each after the one above it
    tables : for each slot p(value | value above), (K above, K) float64; of the first (1, K)
    """

    above: tuple[int, ...]
    order: tuple[int, ...]
    tables: tuple[Tensor, ...]

    @classmethod
    def fit(cls, schema: ConditionSchema, labels: Tensor) -> LabelPrior:
        """The maximum-likelihood tree of complete labels (N, F), lightly smoothed."""
        columns = slots(schema)
        values = labels[:, columns]
        sizes = [schema.cardinalities[f] for f in columns]
        above, order = _tree(values, sizes)
        tables = []
        for slot, parent in enumerate(above):
            marginal = _joint(values[:, slot], torch.zeros_like(values[:, 0]), sizes[slot], 1)[:, 0]
            if parent < 0:
                tables.append(_shares(marginal[None], marginal))
            else:
                tables.append(_shares(_joint(values[:, parent], values[:, slot], sizes[parent], sizes[slot]), marginal))
        return cls(above, order, tuple(tables))

    def log_prob(self, values: Tensor) -> Tensor:
        """(N,) float64 of complete values (N, S) of the slots."""
        parts = [
            table[torch.zeros_like(values[:, 0]) if parent < 0 else values[:, parent], values[:, slot]].log()
            for slot, (parent, table) in enumerate(zip(self.above, self.tables, strict=True))
        ]
        return torch.stack(parts).sum(dim=0)

    def complete(self, schema: ConditionSchema, label: Tensor, generator: torch.Generator) -> Tensor:
        """`label` (F,) with all that is UNKNOWN sampled from the prior, given what is known; coarse fields agree.

        Sampled exactly: messages from the leaves to the first slot, then values from there outwards.
        """
        allowed = _allowed(schema, label)
        upwards: list[Tensor] = [a.double() for a in allowed]
        for slot in reversed(self.order):
            if self.above[slot] >= 0:
                message = self.tables[slot] @ upwards[slot]
                upwards[self.above[slot]] = upwards[self.above[slot]] * message / message.max()
        chosen = [0] * len(allowed)
        for slot in self.order:
            row = self.tables[slot][0 if self.above[slot] < 0 else chosen[self.above[slot]]]
            chosen[slot] = int(torch.multinomial(row * upwards[slot], 1, generator=generator))
        found = label.clone()
        found[slots(schema)] = torch.tensor(chosen)
        return coarse_filled(schema, found[None])[0]

    def to_json(self) -> str:
        return json.dumps({"above": self.above, "tables": [[_short(row) for row in t.tolist()] for t in self.tables]})

    @classmethod
    def from_json(cls, text: str) -> LabelPrior:
        raw = json.loads(text)
        above = tuple(raw["above"])
        return cls(above, _order(above), tuple(torch.tensor(table, dtype=torch.float64) for table in raw["tables"]))


def _allowed(schema: ConditionSchema, label: Tensor) -> list[Tensor]:
    """For each slot, (K,) bool: the values that agree with what `label` (F,) says of the slot and of its groups."""
    allowed = {f: torch.ones(schema.cardinalities[f], dtype=torch.bool) for f in slots(schema)}
    for f, v in enumerate(label.tolist()):
        if v == UNKNOWN:
            continue
        field = schema.fields[f]
        if not field.slot:
            allowed[f] &= torch.arange(len(field.values)) == v
        else:
            column = schema.column[field.slot]
            member = torch.tensor([value in field.members for value in schema.fields[column].values])
            allowed[column] &= member == bool(v)
    return list(allowed.values())


def _joint(one: Tensor, other: Tensor, rows: int, columns: int) -> Tensor:
    """(rows, columns) float64: how often the values occur together."""
    return torch.bincount(one * columns + other, minlength=rows * columns).view(rows, columns).double()


def _shares(counts: Tensor, marginal: Tensor) -> Tensor:
    """p(value | value above) of counts (K above, K), drawn a little towards how often each value occurs in all.

    Values that never occur keep a trace too, so that they can be asked for.
    """
    usual = (marginal + SMOOTHING / len(marginal)) / (marginal.sum() + SMOOTHING)
    counts = counts + SMOOTHING * usual
    return counts / counts.sum(dim=1, keepdim=True)


def _information(joint: Tensor) -> float:
    """Mutual information of two slots, in nats, from how often their values occur together."""
    p = joint / joint.sum()
    independent = p.sum(dim=1, keepdim=True) * p.sum(dim=0, keepdim=True)
    return float((p * (p / independent).log())[p > 0].sum())


def _tree(values: Tensor, sizes: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The spanning tree of the slots with most mutual information, by Prim's algorithm from the first slot."""
    count = len(sizes)
    gain = [
        [_information(_joint(values[:, a], values[:, b], sizes[a], sizes[b])) if a != b else 0.0 for b in range(count)]
        for a in range(count)
    ]
    above, order = [-1] * count, [0]
    while len(order) < count:
        _, parent, slot = max((gain[a][b], -a, -b) for a in order for b in range(count) if b not in order)
        above[-slot] = -parent
        order.append(-slot)
    return tuple(above), tuple(order)


def _order(above: Sequence[int]) -> tuple[int, ...]:
    """Places of the slots, each after the one above it."""
    order = [slot for slot, parent in enumerate(above) if parent < 0]
    for slot in order:  # which grows
        order += [child for child, parent in enumerate(above) if parent == slot]
    return tuple(order)


def _short(row: Sequence[float]) -> list[float]:
    return [float(f"{p:.4g}") for p in row]
