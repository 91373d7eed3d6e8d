"""Requests with weights: "male, hat:5 | glasses * 2".

A bar separates several conditions, each with its own guidance after "*"; a colon gives one name a guidance of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from data.conditions import UNKNOWN, ConditionSchema


class Request(NamedTuple):
    """One condition.

    label  : (F,) int64, UNKNOWN where nothing is asked
    w      : its guidance; None for that of the whole command
    fields : guidance of single fields, by column, where they have their own
    """

    label: Tensor
    w: float | None
    fields: dict[int, float]


def parse_requests(schema: ConditionSchema, text: str | Sequence | None, argument: str = "attrs") -> list[Request]:
    """The conditions that a person wrote, at least one. Raises ValueError as `ConditionSchema.encode` does."""
    if not isinstance(text, str):
        return [Request(schema.encode(text, argument), None, {})]
    return [_parse(schema, part, argument, text) for part in text.split("|")]


def _parse(schema: ConditionSchema, part: str, argument: str, whole: str) -> Request:
    names, star, weight = part.partition("*")
    w = _weight(weight, argument, whole) if star else None
    plain, fields = [], {}
    for token in names.split(","):
        name, colon, weight = token.partition(":")
        plain.append(name)
        if colon:
            label = schema.encode(name, argument)
            fields |= dict.fromkeys((label != UNKNOWN).nonzero()[:, 0].tolist(), _weight(weight, argument, whole))
    return Request(schema.encode(",".join(plain), argument), w, fields)


def _weight(text: str, argument: str, whole: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise ValueError(f"{argument}={whole!r}: {text.strip()!r} is no weight; write a number, as in hat:5 or hat * 2")
    return weight


def branches(requests: Sequence[Request], w: float) -> list[tuple[Tensor, float]]:
    """(label (F,), weight) of every branch, for output = ref + the sum of weight (branch - ref).

    A field f with guidance v of its own adds (v - w) times the difference that it makes beside the rest of its
    request: full label - label without f.
    """
    parts = []
    for label, own, fields in requests:
        base = w if own is None else own
        extra = [(_without(label, f), v - base) for f, v in fields.items()]
        parts.append((label, base + sum(v for _, v in extra)))
        parts += [(rest, -v) for rest, v in extra]
    return parts


def _without(label: Tensor, field: int) -> Tensor:
    label = label.clone()
    label[field] = UNKNOWN
    return label


def described(schema: ConditionSchema, requests: Sequence[Request]) -> str:
    """The requests in the form that `parse_requests` reads."""
    parts = []
    for label, w, fields in requests:
        known = (label != UNKNOWN).nonzero()[:, 0].tolist()
        names = [
            name + (f":{fields[f]:g}" if f in fields else "")
            for f, name in zip(known, schema.names(label), strict=True)
        ]
        parts.append((",".join(names) or "any") + (f" * {w:g}" if w is not None else ""))
    return " | ".join(parts)


def stacked(parts: Sequence[tuple[Tensor, float]], n: int) -> list[tuple[Tensor, float]]:
    """The branches for n pictures: labels (n, F)."""
    return [(torch.as_tensor(label).expand(n, -1), weight) for label, weight in parts]
