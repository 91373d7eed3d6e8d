"""Requests with guidance weights: "male, hat:5 | glasses * 2".

A bar separates several conditions, each with its own weight after "*"; a colon gives one name a weight of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from conditions.names import with_hyphen
from conditions.schema import UNKNOWN, ConditionSchema
from conf import MAX_WEIGHT

Written = str | int | Sequence[str | int]  # "male,hat:5", or a list of such names


class Request(NamedTuple):
    """One condition.

    label  : (F,) int64, UNKNOWN where nothing is asked for
    w      : its guidance weight; None for that of the whole command
    fields : guidance weights of single fields, by column, where they have their own
    """

    label: Tensor
    w: float | None
    fields: dict[int, float]


def joined(written: Written) -> str:
    """A list of names as one text."""
    listed = isinstance(written, Sequence) and not isinstance(written, str)
    return ",".join(map(str, written)) if listed else str(written)


def parse_requests(
    schema: ConditionSchema, written: Written | None, argument: str = "attrs", typed: Written | None = None
) -> list[Request]:
    """The conditions that are written, at least one.

    Raises ValueError as `ConditionSchema.encode` does, with what was `typed`, if that was something else, and for a
    weight that is none or beyond MAX_WEIGHT.
    """
    if written is None:
        return [Request(schema.unknown(1)[0], None, {})]
    whole = written if typed is None else typed
    return [_parse(schema, part, argument, whole) for part in joined(written).split("|")]


def _parse(schema: ConditionSchema, part: str, argument: str, whole: Written) -> Request:
    """One condition, the `part` between two bars; `whole` is what the person wrote, for messages."""
    names, star, weight = part.partition("*")
    w = _weight(weight, argument, whole) if star else None
    plain, fields = [], {}
    for token in names.split(","):
        name, colon, weight = token.partition(":")
        plain.append(name)
        if colon:
            value, columns = _weight(weight, argument, whole), _known(schema.encode(name, argument, whole))
            if not columns or any(fields.get(f, value) != value for f in columns):
                why = "asked for twice, with different weights" if columns else "asks for nothing that has a weight"
                raise ValueError(f"{argument}={whole!r}: {name.strip()!r} {why}; give each name one")
            fields |= dict.fromkeys(columns, value)
    return Request(schema.encode(",".join(plain), argument, whole), w, fields)


def _weight(text: str, argument: str, whole: Written) -> float:
    try:
        weight = float(with_hyphen(text.strip()))
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise ValueError(f"{argument}={whole!r}: {text.strip()!r} is no weight; write a number, as in hat:5 or hat * 2")
    if abs(weight) > MAX_WEIGHT:
        raise ValueError(
            f"{argument}={whole!r}: {text.strip()} is too great a weight; "
            f"take one from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}, such as 5"
        )
    return weight


def _known(label: Tensor) -> list[int]:
    """The columns of the fields that are asked for."""
    return (label != UNKNOWN).nonzero()[:, 0].tolist()


def own_weights(requests: Sequence[Request], w: float) -> list[float]:
    """The guidance weight of each condition as a whole; w for those that have none."""
    return [w if request.w is None else request.w for request in requests]


def without_guidance(requests: Sequence[Request], w: float, weights: Sequence[float]) -> list[Request]:
    """The conditions with `weights` in the place of their own, for a model without guidance.

    A name with a weight of its own keeps it up to 1, in proportion to the rest of its condition up to 1.
    """
    made = []
    for request, own, weight in zip(requests, own_weights(requests, w), weights, strict=True):
        share = weight / min(own, 1.0) if own > 0 else 1.0
        fields = {f: min(max(v, 0.0), 1.0) * share for f, v in request.fields.items()}
        made.append(Request(request.label, weight, fields))
    return made


def expected(requests: Sequence[Request]) -> list[tuple[Tensor, bool]]:
    """What generated pictures are expected to show (True) and not to show (False): labels (F,) of all conditions.

    A weight below 0 moves away from its name, so that it is not to be shown; what has a weight of 0 is left out.
    """
    parts = []
    for label, own, fields in requests:
        weights = {f: fields.get(f, 1.0 if own is None else own) for f in _known(label)}
        for wanted in (True, False):
            kept = torch.tensor([weights.get(f, 0.0) * (1 if wanted else -1) > 0 for f in range(len(label))])
            if kept.any():
                parts.append((label.masked_fill(~kept, UNKNOWN), wanted))
    return parts


def branches(requests: Sequence[Request], w: float) -> list[tuple[Tensor, float]]:
    """(label (F,), weight) of every branch, for output = ref + the sum of weight (branch - ref).

    A field f with a weight v of its own adds (v - w) times the difference that it makes beside the rest of its
    request: full label - label without f.
    """
    parts = []
    for (label, _, fields), base in zip(requests, own_weights(requests, w), strict=True):
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
        names = [
            name + (f":{_exactly(fields[f])}" if f in fields else "")
            for f, name in zip(_known(label), schema.names(label), strict=True)
        ]
        parts.append((",".join(names) or "any") + (f" * {_exactly(w)}" if w is not None else ""))
    return " | ".join(parts)


def _exactly(weight: float) -> str:
    """A weight that reads back as it was, 2 rather than 2.0."""
    short = f"{weight:g}"
    return short if float(short) == weight else repr(weight)
