"""What guidance combines: the conditions of each picture, their weights, and the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from conditions.prior import LabelPrior
from conditions.requests import branches, own_weights, parse_requests, without_guidance
from conditions.schema import UNKNOWN, ConditionSchema
from diffusion.guidance import base_weights
from diffusion.sampling import Between, SamplingOptions, Seed


class Branches(NamedTuple):
    """The conditions of N pictures, each with its weight and that where guidance does not act; and the reference."""

    labels: list[Tensor]  # (N, F) each
    weights: list[float]
    base: list[float]
    reference: Tensor  # (N, F)


def branches_for(
    schema: ConditionSchema,
    prior: LabelPrior | None,
    cond: str | Sequence[str] | Tensor | None,
    seeds: Sequence[Seed],
    options: SamplingOptions,
    negative: str | Sequence[str] | Tensor | None,
    autoguidance: bool,
) -> Branches:
    """The conditions of the pictures of these seeds. Raises ValueError for what cannot be asked.

    cond, negative : as Pipeline.__call__ takes them
    prior          : completes the condition, where it `completes`, or None
    autoguidance   : whether the reference is another network, at the same label unless `negative` says otherwise
    """
    n, w = len(seeds), options.w
    if isinstance(cond, Tensor):
        requests, labels, weights, base = [], [_label(schema, cond, n, "attrs")], [w], base_weights([w])
    else:
        requests = parse_requests(schema, cond)
        plain = without_guidance(requests, w, base_weights(own_weights(requests, w)))
        labels, weights = zip(*branches(requests, w), strict=True)
        labels, base = [label.expand(n, -1) for label in labels], [v for _, v in branches(plain, w)]
    options.guidance.refuse(weights)
    if negative is None and autoguidance:
        if len(requests) > 1:
            raise ValueError(
                f"attrs={cond!r}: with autoguidance, several conditions need one thing to move away from; name it "
                "with negative=, such as negative=any, or ask for one"
            )
        labels = completed(schema, prior, labels, seeds)
        return Branches(labels, list(weights), base, labels[0])
    given = negative if isinstance(negative, Tensor) else schema.encode(negative, "negative")
    reference = _label(schema, given, n, "negative")
    if prior is None and len(labels) == 1 and torch.equal(labels[0], reference) and not autoguidance:
        return Branches(labels, [1.0], [1.0], reference)  # nothing to move towards, and one pass does
    return Branches(completed(schema, prior, labels, seeds, reference), list(weights), base, reference)


def completes(schema: ConditionSchema, cond: Any, negative: Any, w: float) -> bool:
    """Whether the label prior can decide what `cond` leaves open; both as Pipeline.__call__ takes them.

    It can for a single condition that guidance moves towards. What several say together, what single names weigh, and
    what is no different from what is to be avoided, is for the network.
    """
    label = schema.unknown(1)[0] if cond is None else cond
    if not isinstance(label, Tensor):
        (label, own, fields), *others = parse_requests(schema, label)
        if others or fields:
            return False
        w = w if own is None else own
    if negative is None:
        return w > 0
    avoided = negative if isinstance(negative, Tensor) else schema.encode(negative, "negative")
    return w > 0 and not bool((label == avoided).all(dim=-1).any())


def completed(
    schema: ConditionSchema,
    prior: LabelPrior | None,
    labels: list[Tensor],
    seeds: Sequence[Seed],
    avoided: Tensor | None = None,
) -> list[Tensor]:
    """One condition (N, F) with what it leaves open sampled from the prior, by each picture's own seed.

    avoided : (N, F); no value that it names is sampled, unless there is no other
    """
    if prior is None:
        return labels
    return [prior.complete_by_seed(schema, labels[0], [_nearer(seed) for seed in seeds], avoided)]


def _nearer(seed: Seed) -> int:
    """The seed itself; of a point between two, the nearer one."""
    return seed if not isinstance(seed, Between) else seed.one if seed.share < 0.5 else seed.other


def _label(schema: ConditionSchema, label: Tensor, n: int, argument: str) -> Tensor:
    cardinalities = torch.tensor(schema.cardinalities, dtype=torch.int64)
    fits = label.shape in ((n, len(cardinalities)), (len(cardinalities),))
    if not fits or bool(((label < UNKNOWN) | (label >= cardinalities)).any()):
        raise ValueError(
            f"{argument}: labels of shape {tuple(label.shape)}; needed are ({n}, {len(cardinalities)}) or "
            f"({len(cardinalities)},), each entry {UNKNOWN} or an index below the number of its field's values"
        )
    return label.expand(n, len(schema))
