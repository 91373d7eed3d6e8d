"""What cannot be seen beside something else, such as an earring under a hoodie."""

from __future__ import annotations

from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import absences, one_hot, value_names

HIDDEN_SHARE = 0.5  # hidden beside another value: read there on fewer than this share of real pictures
SEEN_SHARE = 0.8  # and elsewhere on more than this
HIDDEN_COUNT = 5  # real pictures that it takes to say so


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
