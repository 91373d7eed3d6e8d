"""Changed attributes: is a picture that gets another value in one slot the real picture that has it?

Among the training pictures are nearly always some whose label differs from that of a held-out picture in a single
slot. Such a picture is given, the change is asked for as sample.py takes it (edit=), and the held-out picture, which
no training has seen, is the truth. The same change by other means is measured beside it.

Mostly, people name groups instead, "+hat" or "-beard", and there is no one truth; held-out pictures are changed so, and
the classifier says whether they show it, and what else they lost.
"""

from __future__ import annotations

import itertools
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from conditions.edits import changed, completed
from conditions.schema import ConditionSchema
from conditions.values import slots, value_names
from data.base import InMemoryDataset
from evaluation.bench import Bench, Read
from evaluation.draws import Job
from evaluation.exact import wrong_pixels
from runtime.plots import percent, save_rows, table

STRENGTH = 0.6  # of the image-to-image drawing that the change is compared with
SHOWN = 12
WAYS = {
    "edit": "`edit=`: drawn anew where the two labels disagree",
    "img2img": f"`strength={STRENGTH}` with the new label",
    "redrawn": "drawn from the new label alone",
}


class Pairs(NamedTuple):
    """Rows of the training pictures and of the held-out ones, and the column of the slot in which they differ."""

    before: Tensor
    after: Tensor
    slot: Tensor


def find_pairs(train: InMemoryDataset, held_out: InMemoryDataset, n: int, seed: int) -> Pairs:
    """At most n held-out pictures with one training picture each whose label differs from theirs in one slot."""
    columns = torch.tensor(slots(train.schema))
    generator = torch.Generator().manual_seed(seed)
    found = []
    for row in torch.randperm(len(held_out), generator=generator).tolist():
        differing = train.labels[:, columns] != held_out.labels[row, columns]
        candidates = (differing.sum(dim=1) == 1).nonzero()[:, 0]
        if len(candidates):
            chosen = candidates[torch.randint(len(candidates), (1,), generator=generator)].item()
            found.append((chosen, row, columns[differing[chosen]].item()))
        if len(found) == n:
            break
    return Pairs(*torch.tensor(found, dtype=torch.int64).view(-1, 3).T)


class Wishes(NamedTuple):
    """Rows of held-out pictures, the coarse field that is to change, and the value (0 or 1) that it gets."""

    rows: Tensor
    field: Tensor
    value: Tensor


def find_wishes(data: InMemoryDataset, schema: ConditionSchema, n: int, seed: int) -> Wishes:
    """For each group of values, such as hats, as many pictures that are to get it as that are to lose it; n or more.

    Left out are changes after which things stand together that no training picture has, as `schema` knows.
    """
    rng = np.random.default_rng(seed)
    coarse = [f for f, field in enumerate(schema.fields) if field.slot]
    each, found = -(-n // max(2 * len(coarse), 1)), []
    for f in coarse:
        for value in (0, 1):
            rows = rng.permutation(np.flatnonzero(data.labels[:, f] == 1 - value)).tolist()
            fitting = (row for row in rows if not schema.unseen_pairs(wished(schema, data.labels[row], f, value, row)))
            found += [(row, f, value) for row in itertools.islice(fitting, each)]
    return Wishes(*torch.tensor(found, dtype=torch.int64).view(-1, 3).T)


def wished(schema: ConditionSchema, label: Tensor, field: int, value: int, seed: int) -> Tensor:
    """`label` (F,) with a group present or absent, as edit=+hat or edit=-hat make it."""
    sign = "+" if value else "-"
    return completed(schema, changed(schema, label, sign + schema.fields[field].name), seed)


def figures_of(drawn: Tensor, before: Tensor, after: Tensor, read: Tensor, truth: Tensor, slot: Tensor) -> dict:
    """Figures for pictures (N, C, H, W) uint8 made of `before` to become `after`, of the same shape.

    read, truth : (N, S) values of all slots, read off the pictures and as they should be; slot : (N,) the one that
                  changes, as its place in these

    exact, wrong_mean : as in evaluation.exact
    made              : share in which the changed slot is read as asked
    kept              : share of the other slots that are read as before
    pixels_kept       : share of the pixels that do not change between `before` and `after`, and did not
    """
    wrong = wrong_pixels(drawn[None], after)[0]
    right, asked = read == truth, torch.zeros_like(read, dtype=torch.bool)
    asked[torch.arange(len(read)), slot] = True
    still = (before == after).all(dim=1)
    same = (drawn == before).all(dim=1)
    return {
        "exact": (wrong == 0).double().mean().item(),
        "wrong_mean": wrong.double().mean().item(),
        "made": right[asked].double().mean().item(),
        "kept": right[~asked].double().mean().item(),
        "pixels_kept": same[still].double().mean().item(),
    }


class Edits:
    """The measure; see evaluation/bench.py."""

    def __init__(self, bench: Bench):
        self.bench = bench
        self.pairs = find_pairs(
            bench.splits.train, bench.held_out, bench.settings["edits"]["n"], bench.settings["seed"]
        )
        if not len(self.pairs.slot):
            raise ValueError(
                f"measure=[..., edits]: no picture of the {bench.split} split differs from a training picture in one "
                "slot alone; leave edits out"
            )
        self.wishes = find_wishes(
            bench.held_out, bench.pipe.schema, bench.settings["edits"]["n"], bench.settings["seed"]
        )
        self.before = bench.splits.train.images[self.pairs.before]
        self.after = bench.held_out.images[self.pairs.after]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return bench.pipe.palette is not None and len(slots(bench.pipe.schema)) > 1

    @cached_property
    def jobs(self) -> list[Job]:
        """Not made before they are asked for: they need the classifier."""
        pipe, w, seeds = self.bench.pipe, self.bench.settings["w"], range(len(self.before))
        old = self.bench.classifier.read(self.before)
        new = torch.stack([self._changed(label, i) for i, label in enumerate(old)])
        edits = {
            "edit": {"init": self.before, "mask": pipe.differing(self.before, old, new)},
            "img2img": {"init": self.before, "strength": STRENGTH},
            "redrawn": {},
        }
        jobs = [Job(f"edits, {way}", new, seeds, w, edit) for way, edit in edits.items()]
        return [*jobs, self._wish_job()] if len(self.wishes.rows) else jobs

    def _wish_job(self) -> Job:
        pipe, w, rows = self.bench.pipe, self.bench.settings["w"], self.wishes.rows.tolist()
        init = self.bench.held_out.images[rows]
        old = self.bench.classifier.read(init)
        new = torch.stack([
            wished(pipe.schema, label, f, value, row)
            for label, row, f, value in zip(old, *(part.tolist() for part in self.wishes), strict=True)
        ])  # fmt: skip
        return Job("edits, groups", new, rows, w, {"init": init, "mask": pipe.differing(init, old, new)})

    def _changed(self, label: Tensor, i: int) -> Tensor:
        """`label` (F,), read off the i-th picture, with the change that its pair asks for."""
        schema, column = self.bench.pipe.schema, int(self.pairs.slot[i])
        value = int(self.bench.held_out.labels[self.pairs.after[i], column])
        return changed(schema, label, value_names(schema)[schema.offsets[column] + value])

    def measure(self, read: Read) -> dict[str, Any]:
        self.drawn = {way: self.bench.snapped(read(job)) for way, job in zip(WAYS, self.jobs, strict=False)}
        columns = slots(self.bench.pipe.schema)
        truth = self.bench.held_out.labels[self.pairs.after][:, columns]
        slot = torch.tensor([columns.index(column) for column in self.pairs.slot.tolist()])
        return {
            "pairs": len(self.before),
            "w": self.bench.settings["w"],
            "ways": {
                way: figures_of(
                    drawn, self.before, self.after, self.bench.classifier.read(drawn)[:, columns], truth, slot
                )
                for way, drawn in self.drawn.items()
            },
            "groups": self._wished(read(self.jobs[-1])) if len(self.wishes.rows) else {},
        }

    def _wished(self, drawn: Tensor) -> dict[str, Any]:
        """Of each group, wanted and not wanted: how often the change was made, and the share of other slots kept."""
        schema, classifier = self.bench.pipe.schema, self.bench.classifier
        columns = slots(schema)
        before = classifier.read(self.bench.held_out.images[self.wishes.rows])
        after = classifier.read(self.bench.snapped(drawn))
        made = after.gather(1, self.wishes.field[:, None])[:, 0] == self.wishes.value
        owner = torch.tensor([schema.column[schema.fields[f].slot] for f in self.wishes.field.tolist()])
        other = torch.tensor(columns) != owner[:, None]
        kept = ((before == after)[:, columns] & other).sum(1) / other.sum(1)
        figures = {}
        for f, value in dict.fromkeys(zip(self.wishes.field.tolist(), self.wishes.value.tolist(), strict=True)):
            chosen = (self.wishes.field == f) & (self.wishes.value == value)
            figures[("+" if value else "-") + schema.fields[f].name] = {
                "asked": int(chosen.sum()),
                "made": made[chosen].double().mean().item(),
                "kept": kept[chosen].double().mean().item(),
            }
        return figures

    def report(self, figures: dict[str, Any], out: Path) -> str:
        first = slice(0, min(SHOWN, len(self.before)))
        rows = [self.before[first], self.drawn["edit"][first], self.after[first]]
        caption = f"One slot changed, the first {len(rows[0])}. {self.bench.caption(self.jobs[:1])}"
        save_rows(out / "edits.png", rows, ["before", "edited", "true"], 4, caption, self.bench.provenance())
        header = ("way", "exact", "wrong pixels, mean", "change made", "other slots kept", "pixels kept")
        lines = [
            (WAYS[way], percent(f["exact"]), f"{f['wrong_mean']:.2f}",
             *(percent(f[key]) for key in ("made", "kept", "pixels_kept")))
            for way, f in figures["ways"].items()
        ]  # fmt: skip
        groups = [(name, percent(f["made"]), percent(f["kept"]), f["asked"]) for name, f in figures["groups"].items()]
        return (
            f"## Changed attributes\n\n{figures['pairs']} training pictures whose label differs in one slot from that "
            f"of a picture of the {self.bench.split} split, changed to become it, at w = {figures['w']:g}. Slots are "
            f"read by the classifier.\n\n{table(header, lines)}\n![Before, edited, true](edits.png)\n\n"
            f"Pictures of the {self.bench.split} split with a group of values asked for, or asked away, by `edit=`:\n\n"
            + table(("edit", "change made", "other slots kept", "pictures"), groups)
        )
