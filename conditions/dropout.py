"""Label dropout: in training, some labels are dropped whole, and some keep a few fields, as requests do."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema
from conf import Settings, one_of, setting


class LabelDropout(Settings):
    """conditional, with label dropout: what classifier-free guidance needs"""

    chosen_as: ClassVar[str] = "on"
    conditional: Literal[True] = True
    drop_prob: float = setting(0.1, "share of training samples whose whole label is dropped", ge=0, le=1)
    partial_prob: float = setting(0.5, "of the rest, share that keeps only some fields, as requests do", ge=0, le=1)
    field_prob: float = setting(
        0.0, "of labels kept whole so far, the probability of each field to be dropped by itself", ge=0, le=1
    )
    batchwise: bool = setting(
        False, "drop the whole labels of a batch together or not at all; only to compare with each sample by itself"
    )
    max_known: int = setting(5, "how many fields those keep: 1 to max_known, each number equally often", ge=1)
    present_weight: float = setting(
        4.0, 'how much likelier a field that shows something is kept than one that is "none"', gt=0
    )

    def __call__(self, schema: ConditionSchema, cond: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A copy of `cond` (B, F) in which some fields became UNKNOWN, chosen for each sample by itself.

        A whole label goes with probability drop_prob (Ho & Salimans 2022, algorithm 1), or, `batchwise`, those of all
        samples. Of the others, a share partial_prob keeps k of the known fields, k uniform in 1..max_known, as when a
        person names one to five things; the rest loses each field with probability field_prob.
        """
        size, fields = cond.shape
        if fields == 0:
            return cond.clone()
        device = generator.device if generator is not None else cond.device
        u = torch.rand(size, fields + 3, generator=generator, device=device).to(cond.device)
        whole, partial, count, keys = u[:, :1], u[:, 1:2], u[:, 2:3], u[:, 3:]
        # Exponential races: the k smallest of Exp(weight) samples are a weighted choice without replacement.
        # What is not known cannot be kept, and comes last.
        known = cond != UNKNOWN
        weight = torch.where(schema.optional(cond.device) & (cond == 0), 1.0, self.present_weight)
        race = (-torch.log1p(-keys) / weight).masked_fill(~known, torch.inf)
        rank = race.argsort(dim=1).argsort(dim=1)
        k = 1 + (count * known.sum(dim=1, keepdim=True).clamp(max=self.max_known)).floor()
        whole = whole[:1] if self.batchwise else whole
        fewer = torch.where(partial < self.partial_prob, rank >= k, keys < self.field_prob)
        dropped = (whole < self.drop_prob) | fewer
        return cond.masked_fill(dropped, UNKNOWN)


class Unconditional(Settings):
    """unconditional: labels are not used"""

    chosen_as: ClassVar[str] = "off"
    conditional: Literal[False] = False


AnyDropout: Any = one_of((LabelDropout, Unconditional), tag="conditional")
