"""The label prior: how likely values occur together, so that what a request leaves open can be decided first.

Where a request leaves much open, a diffusion model has to decide it while it denoises, and now and then blends two
answers. Sampling the rest of the label first, then the picture of the complete label, takes that decision out of the
picture: p(x | request) = sum over complete labels y of p(y | request) p(x | y).

The prior is a tree-augmented Bayes network (Friedman et al. 1997): one slot, the root, says something of all others,
as the type of a punk does, and given its value, each of the others may depend on one more (Chow & Liu 1968). All of it
is learned by counting, and sampled exactly whatever is known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import coarse_filled, slots

BACKED = 5.0  # examples' worth of trust in p(value | root), where a further slot says more
MOST = 2**16  # entries of one table; slots of many values each then depend on the root alone
LABELS = 0x6C6162656C  # sets the seed of a picture's label apart from that of its noise
TRACE = 1e-3  # of an example: what a value is worth that never occurred with the root, so that it can be asked for


@dataclass(frozen=True)
class LabelPrior:
    """A distribution of complete labels.

    root   : the place, in the order of `slots`, of the slot that all others depend on
    above  : for each slot, the place of the further slot that it depends on; -1 for the root and for those without one
    first  : (K,) float64, p(value) of the root
    tables : for each slot p(value | root, value above), (K root, K above, K) float64; of the root (0, 0, 0)
    """

    root: int
    above: tuple[int, ...]
    first: Tensor
    tables: tuple[Tensor, ...]

    @classmethod
    def fit(cls, schema: ConditionSchema, labels: Tensor) -> LabelPrior:
        """From labels (N, F); what is UNKNOWN does not count."""
        columns = slots(schema)
        values, sizes = labels[:, columns], [schema.cardinalities[f] for f in columns]
        gain = _information(values, sizes).fill_diagonal_(0)
        root = int(np.argmax(gain.sum(dim=1).numpy()))  # the first of equals
        worth = _worth(values, sizes, root)
        cells = sizes[root] * torch.outer(torch.tensor(sizes), torch.tensor(sizes))
        above = _forest(root, worth.masked_fill(cells > MOST, -math.inf).numpy())
        tables = [_table(values, root, slot, above[slot], sizes) for slot in range(len(sizes))]
        first = _counts(values, (root,), sizes) + TRACE
        return cls(root, above, first / first.sum(), tuple(tables))

    def log_prob(self, values: Tensor) -> Tensor:
        """(N,) float64 of complete values (N, S) of the slots."""
        total, root = self.first[values[:, self.root]].log(), values[:, self.root]
        for slot in self._order():
            over = torch.zeros_like(root) if self.above[slot] < 0 else values[:, self.above[slot]]
            total = total + self.tables[slot][root, over, values[:, slot]].log()
        return total

    def complete(
        self,
        schema: ConditionSchema,
        labels: Tensor,
        generators: Sequence[torch.Generator],
        avoided: Tensor | None = None,
    ) -> Tensor:
        """`labels` (N, F) with all that is UNKNOWN sampled from the prior, given what is known; coarse fields agree.

        generators : of each label its own, from which it takes a uniform number for each slot
        avoided    : (N, F) names values that are not sampled, unless a label leaves no other

        Raises ValueError for a label that contradicts itself.
        """
        columns, found = slots(schema), labels.clone()
        shares = torch.stack([torch.rand(len(columns), generator=g, dtype=torch.float64) for g in generators])
        given = labels if avoided is None else torch.cat([labels, avoided], dim=1)
        for request, rows in _grouped(given):  # all pictures of a request together
            label, avoids = request[: len(schema)], None if avoided is None else request[len(schema) :]
            found[rows[:, None], columns] = self._sample(schema, label, avoids, shares[rows])
        return coarse_filled(schema, found)

    def _sample(self, schema: ConditionSchema, label: Tensor, avoided: Tensor | None, shares: Tensor) -> Tensor:
        """(M, S) values of the slots given a label (F,), by uniform numbers `shares` (M, S).

        Exact: for each value of the root, messages from the leaves say how likely what is known is; then the root, and
        all others outwards.
        """
        allowed = _allowed(schema, label, avoided)
        upwards = [a.double().expand(len(self.first), -1).clone() for a in allowed]  # (K root, K) each
        weight, order = self.first * allowed[self.root], self._order()
        for slot in reversed(order):
            message = (self.tables[slot] * upwards[slot][:, None]).sum(dim=2)  # (K root, K above)
            if self.above[slot] < 0:
                weight = weight * message[:, 0]
            else:
                upwards[self.above[slot]] *= message
        if not weight.sum() > 0:
            raise ValueError(f"label {label.tolist()}: contradicts itself; no value of a slot fits all that it says")
        numbers = iter(shares.T)
        chosen = torch.zeros(len(shares), len(allowed), dtype=torch.int64)
        chosen[:, self.root] = root = _draw(weight.expand(len(shares), -1), next(numbers))
        for slot in order:
            over = torch.zeros_like(root) if self.above[slot] < 0 else chosen[:, self.above[slot]]
            chosen[:, slot] = _draw(self.tables[slot][root, over] * upwards[slot][root], next(numbers))
        return chosen

    def complete_by_seed(
        self, schema: ConditionSchema, labels: Tensor, seeds: Sequence[int], avoided: Tensor | None = None
    ) -> Tensor:
        """`complete`, each label by the seed of its picture."""
        generators = [torch.Generator().manual_seed(seed ^ LABELS) for seed in seeds]
        return self.complete(schema, labels, generators, avoided)

    def _order(self) -> list[int]:
        """Places of the slots but for the root, each after the one above it."""
        order = [slot for slot, over in enumerate(self.above) if over < 0 and slot != self.root]
        for slot in order:  # which grows
            order += [child for child, over in enumerate(self.above) if over == slot]
        return order

    def to_json(self) -> str:
        short = [[[[float(f"{p:.4g}") for p in row] for row in part] for part in t.tolist()] for t in self.tables]
        return json.dumps({"root": self.root, "above": self.above, "first": self.first.tolist(), "tables": short})

    @classmethod
    def from_json(cls, text: str) -> LabelPrior:
        raw = json.loads(text)
        first, *tables = (torch.tensor(part, dtype=torch.float64) for part in (raw["first"], *raw["tables"]))
        return cls(raw["root"], tuple(raw["above"]), first, tuple(tables))


def _grouped(rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Each different row of (N, F), with the numbers (M,) of the rows that equal it."""
    different, which = rows.unique(dim=0, return_inverse=True)
    for number, row in enumerate(different):
        yield row, (which == number).nonzero()[:, 0]


def _draw(weights: Tensor, shares: Tensor) -> Tensor:
    """(M,) places, each as often as its weight of (M, K) says, by a uniform number of (M,).

    One number for each, so that all machines and exported pages draw alike.
    """
    upwards = weights.cumsum(dim=1)
    found = torch.searchsorted(upwards, shares[:, None] * upwards[:, -1:], right=True)[:, 0]
    last = weights.shape[1] - 1 - (weights > 0).flip(1).int().argmax(dim=1)  # of those that have a weight
    return torch.minimum(found, last)


def _allowed(schema: ConditionSchema, label: Tensor, avoided: Tensor | None) -> list[Tensor]:
    """For each slot, (K,) bool: the values that agree with `label` (F,), without those of `avoided` if others do."""
    allowed = {f: torch.ones(schema.cardinalities[f], dtype=torch.bool) for f in slots(schema)}
    for f, v in enumerate(label.tolist()):
        if v != UNKNOWN:
            column, fitting = _fitting(schema, f, v)
            allowed[column] = allowed[column] & fitting
    for f, v in enumerate([] if avoided is None else avoided.tolist()):
        if v != UNKNOWN:
            column, fitting = _fitting(schema, f, v)
            others = allowed[column] & ~fitting
            allowed[column] = others if others.any() else allowed[column]
    return list(allowed.values())


def _fitting(schema: ConditionSchema, f: int, v: int) -> tuple[int, Tensor]:
    """The column of field f's slot, and (K,) bool: which of its values agree with value v of the field."""
    field = schema.fields[f]
    if not field.slot:
        return f, torch.arange(len(field.values)) == v
    column = schema.column[field.slot]
    members = [value in field.members for value in schema.fields[column].values]
    return column, torch.tensor(members) == bool(v)


def _counts(values: Tensor, chosen: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """float64 of shape (K, ...): how often the values of the chosen slots occur together, where all are known."""
    shape = [sizes[slot] for slot in chosen]
    known = values[(values[:, list(chosen)] != UNKNOWN).all(dim=1)][:, list(chosen)]
    flat = torch.zeros(len(known), dtype=torch.int64)
    for column, size in zip(known.T, shape, strict=True):
        flat = flat * size + column
    return torch.bincount(flat, minlength=int(torch.tensor(shape).prod())).view(shape).double()


def _dependence(values: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Of each pair of slots, (S, S) float64, from values (N, S), where both are known: how often that is; mutual
    information in nats, times that number; and how many parameters it takes to say it.
    """
    start, known = torch.tensor([0, *sizes]).cumsum(dim=0), values != UNKNOWN
    owner = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))  # of each value, (V,)
    one_hot = torch.zeros(len(values), len(owner))
    rows, columns = known.nonzero(as_tuple=True)
    one_hot[rows, (values + start[:-1])[rows, columns]] = 1
    both = (one_hot.T @ one_hot).double()  # (V, V)
    slot = (owner[:, None] == torch.arange(len(sizes))).double()  # (V, S)
    of_one = both @ slot  # how often a value occurs where a slot is known
    n = slot.T @ of_one
    expected = of_one[:, owner] * of_one[:, owner].T / n[owner][:, owner].clamp(min=1)
    terms = torch.where(both > 0, both * (both / expected).log(), 0.0)
    occurring = slot.T @ (of_one > 0).double()
    free = (occurring - 1).clamp(min=0)
    return n, slot.T @ terms @ slot, free * free.T


def _information(values: Tensor, sizes: Sequence[int]) -> Tensor:
    """(S, S): mutual information of each two slots, in nats."""
    n, information, _ = _dependence(values, sizes)
    return information / n.clamp(min=1)


def _worth(values: Tensor, sizes: Sequence[int], root: int) -> Tensor:
    """(S, S): how much better two slots are explained by each other, given the root, in nats per label.

    Less the penalty of the Bayesian information criterion (Schwarz 1978) for the parameters that this takes, so that
    chance alone is worth less than 0.
    """
    n, information, free = map(sum, zip(*(_dependence(part, sizes) for part in _by_value(values, root)), strict=True))
    n = n.clamp(min=1)
    return (information - free * n.log() / 2) / n


def _by_value(values: Tensor, root: int) -> list[Tensor]:
    """Rows with the same value of the root each, where that is known; a list of no rows where it never is."""
    return [values[values[:, root] == v] for v in values[:, root].unique() if v != UNKNOWN] or [values[:0]]


def _table(values: Tensor, root: int, slot: int, over: int, sizes: Sequence[int]) -> Tensor:
    """p(value | root, value above), backed off to p(value | root), and that to p(value) for what never occurred."""
    if slot == root:
        return torch.zeros(0, 0, 0, dtype=torch.float64)
    usual = _counts(values, (slot,), sizes) + TRACE
    of_root = _counts(values, (root, slot), sizes) + TRACE * usual / usual.sum()
    of_root = (of_root / of_root.sum(dim=1, keepdim=True))[:, None]
    if over < 0:
        return of_root
    counts = _counts(values, (root, over, slot), sizes) + BACKED * of_root
    return counts / counts.sum(dim=2, keepdim=True)


def _forest(root: int, worth: np.ndarray) -> tuple[int, ...]:
    """The best forest of edges worth more than 0, without the root, by Prim's algorithm.

    worth : (S, S)

    Returns the slot above each, or -1.
    """
    above, reached = [-1] * len(worth), list[int]()
    while remaining := [slot for slot in range(len(worth)) if slot != root and slot not in reached]:
        edges = worth[np.ix_(reached, remaining)]
        if edges.size and edges.max() > 0:  # of equals the first, by number
            first, second = min((reached[a], remaining[b]) for a, b in np.argwhere(edges == edges.max()))
            above[second] = first
            reached.append(second)
        else:  # the first of another tree
            reached.append(remaining[0])
    return tuple(above)
