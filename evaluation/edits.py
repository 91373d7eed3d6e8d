"""Edited attributes: is a picture that gets another value in one slot the real picture that has it?

Among the training pictures are nearly always some whose label differs from that of a held-out picture in a single
slot. Such a picture is given, the edit is asked for as sample.py takes it (edit=), and the held-out picture, which
no training has seen, is the truth. The same edit by other methods is measured beside it.

Mostly, people name groups instead, "+hat" or "-beard", and there is no one truth; held-out pictures are edited so, and
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
from conf import setting
from data.base import InMemoryDataset
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.exact import wrong_pixels
from evaluation.intervals import mean, share
from evaluation.samples import SampleSet
from runtime.plots import percent, save_rows, table

STRENGTH = 0.6  # of the image-to-image sampling that edits are compared with
SHOWN = 12
METHODS = {
    "edit": "`edit=`: inpainted where the predictions for the two labels differ",
    "img2img": f"`strength={STRENGTH}` with the new label",
    "label_alone": "sampled from the new label alone",
}


class EditsSettings(MeasureSettings):
    """Of edited attributes."""

    n: int = setting(200, "pairs of pictures that differ in one slot", ge=1, le=MANY)


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


class GroupEdits(NamedTuple):
    """Rows of held-out pictures, the coarse field that is to change, and the value (0 or 1) that it gets."""

    rows: Tensor
    field: Tensor
    value: Tensor


def find_group_edits(data: InMemoryDataset, schema: ConditionSchema, n: int, seed: int) -> GroupEdits:
    """For each group of values, such as hats, as many pictures that are to get it as that are to lose it; n or more.

    Left out are edits after which values stand together that no training picture has, as `schema` knows.
    """
    rng = np.random.default_rng(seed)
    coarse = [f for f, field in enumerate(schema.fields) if field.slot]
    each, found = -(-n // max(2 * len(coarse), 1)), []
    for f in coarse:
        for value in (0, 1):
            rows = rng.permutation(np.flatnonzero(data.labels[:, f] == 1 - value)).tolist()
            fitting = (
                row for row in rows if not schema.unseen_pairs(group_edited(schema, data.labels[row], f, value, row))
            )
            found += [(row, f, value) for row in itertools.islice(fitting, each)]
    return GroupEdits(*torch.tensor(found, dtype=torch.int64).view(-1, 3).T)


def group_edited(schema: ConditionSchema, label: Tensor, field: int, value: int, seed: int) -> Tensor:
    """`label` (F,) with a group present or absent, as edit=+hat or edit=-hat make it."""
    sign = "+" if value else "-"
    return completed(schema, changed(schema, label, sign + schema.fields[field].name), seed)


def figures_of(samples: Tensor, before: Tensor, after: Tensor, read: Tensor, truth: Tensor, slot: Tensor) -> dict:
    """Figures for pictures (N, C, H, W) uint8 made of `before` to become `after`, of the same shape.

    read, truth : (N, S) values of all slots, read off the pictures and as they should be; slot : (N,) the one that
                  changes, as its place in these

    exact, wrong_mean : as in evaluation.exact
    success           : share in which the changed slot is read as asked
    kept         : share of the other slots that are read as before
    pixels_kept  : share of the pixels that do not change between `before` and `after`, and did not
    """
    wrong = wrong_pixels(samples[None], after)[0]
    right, asked = read == truth, torch.zeros_like(read, dtype=torch.bool)
    asked[torch.arange(len(read)), slot] = True
    still = (before == after).all(dim=1)
    same = (samples == before).all(dim=1)
    return {
        "exact": share(wrong == 0),
        "wrong_mean": mean(wrong.double()),
        "success": share(right[asked]),
        "kept": right[~asked].double().mean().item(),
        "pixels_kept": same[still].double().mean().item(),
    }


class Edits(Measure):
    """The measure; see evaluation/bench.py."""

    Settings = EditsSettings

    def __init__(self, bench: Bench, settings: EditsSettings):
        self.bench, held_out, train, seed = (
            bench,
            bench.held_out.complete,
            bench.splits.train.complete,
            bench.settings.seed,
        )
        self.pairs = find_pairs(train, held_out, settings.n, seed)
        if not len(self.pairs.slot):
            raise ValueError(
                f"measure=[..., edits]: no picture of the {bench.settings.split} split differs from a training picture "
                "in one slot alone; leave edits out"
            )
        self.group_edits = find_group_edits(held_out, bench.pipe.schema, settings.n, seed)
        self.before, self.after = train.images[self.pairs.before], held_out.images[self.pairs.after]

    @staticmethod
    def applies(bench: Bench) -> bool:
        pipe, recipe = bench.pipe, bench.pipe.recipe
        starts = recipe.is_diffusion and not recipe.distill.on and pipe.space is None  # from a picture
        one_picture = pipe.palette is not None and recipe.dataset.determined  # of each label, to compare with
        return starts and one_picture and len(slots(pipe.schema)) > 1

    @property
    def sets(self) -> list[SampleSet]:
        return [*self.by_method.values(), *self.by_group]

    @cached_property
    def by_method(self) -> dict[str, SampleSet]:
        """The pairs, edited by each method. Not made before they are asked for: they need the classifier."""
        pipe, w, seeds = self.bench.pipe, self.bench.settings.w, self.bench.seeds(0, len(self.before))
        old = self.bench.classifier.read(self.before)
        new = torch.stack([self._edited(label, i) for i, label in enumerate(old)])
        edits = {
            "edit": {"init": self.before, "mask": pipe.differing(self.before, old, new)},
            "img2img": {"init": self.before, "strength": STRENGTH},
            "label_alone": {},
        }
        return {method: SampleSet(f"edits, {method}", new, seeds, w, edit) for method, edit in edits.items()}

    @cached_property
    def by_group(self) -> list[SampleSet]:
        """The pictures that get or lose a group: one set, or none where the labels have no groups."""
        pipe, w, rows = self.bench.pipe, self.bench.settings.w, self.group_edits.rows.tolist()
        if not rows:
            return []
        init = self.bench.held_out.complete.images[rows]
        old = self.bench.classifier.read(init)
        new = torch.stack([
            group_edited(pipe.schema, label, f, value, row)
            for label, row, f, value in zip(old, *(part.tolist() for part in self.group_edits), strict=True)
        ])  # fmt: skip
        seeds = [self.bench.seeds(row, 1)[0] for row in rows]
        return [SampleSet("edits, groups", new, seeds, w, {"init": init, "mask": pipe.differing(init, old, new)})]

    def _edited(self, label: Tensor, i: int) -> Tensor:
        """`label` (F,), read off the i-th picture, with the value that its pair asks for."""
        schema, column = self.bench.pipe.schema, int(self.pairs.slot[i])
        value = int(self.bench.held_out.complete.labels[self.pairs.after[i], column])
        return changed(schema, label, value_names(schema)[schema.offsets[column] + value])

    def measure(self, read: Read) -> dict[str, Any]:
        self.samples = {name: self.bench.quantised(read(samples)) for name, samples in self.by_method.items()}
        columns = slots(self.bench.pipe.schema)
        truth = self.bench.held_out.complete.labels[self.pairs.after][:, columns]
        slot = torch.tensor([columns.index(column) for column in self.pairs.slot.tolist()])
        figures = {}
        for name, images in self.samples.items():
            values = self.bench.classifier.read(images)[:, columns]
            nfe = self.bench.evaluations(self.by_method[name])
            figures[name] = {"nfe": nfe, **figures_of(images, self.before, self.after, values, truth, slot)}
        groups = [figure for samples in self.by_group for figure in [self._groups(read(samples))]]
        exact = {name: wrong_pixels(images[None], self.after)[0] == 0 for name, images in self.samples.items()}
        return {
            "pairs": len(self.before),
            "w": self.bench.settings.w,
            "methods": figures,
            "advantage": mean(exact["edit"].double() - exact["label_alone"].double()),
            "groups": groups[0] if groups else {},
        }

    def _groups(self, samples: Tensor) -> dict[str, Any]:
        """Of each group, added and removed: how often the edit succeeded, and the share of other slots kept."""
        schema, classifier, edits = self.bench.pipe.schema, self.bench.classifier, self.group_edits
        columns = slots(schema)
        before = classifier.read(self.bench.held_out.complete.images[edits.rows])
        after = classifier.read(self.bench.quantised(samples))
        success = after.gather(1, edits.field[:, None])[:, 0] == edits.value
        owner = torch.tensor([schema.column[schema.fields[f].slot] for f in edits.field.tolist()])
        other = torch.tensor(columns) != owner[:, None]
        kept = ((before == after)[:, columns] & other).sum(1) / other.sum(1)
        figures, nfe = {}, self.bench.evaluations(self.by_group[0])
        for f, value in dict.fromkeys(zip(edits.field.tolist(), edits.value.tolist(), strict=True)):
            chosen = (edits.field == f) & (edits.value == value)
            figures[("+" if value else "-") + schema.fields[f].name] = {
                "nfe": nfe,
                "pictures": int(chosen.sum()),
                "success": share(success[chosen]),
                "kept": kept[chosen].double().mean().item(),
            }
        return figures

    def report(self, figures: dict[str, Any], out: Path) -> str:
        split, first = self.bench.settings.split, slice(0, min(SHOWN, len(self.before)))
        rows = [self.before[first], self.samples["edit"][first], self.after[first]]
        caption = f"One slot edited, the first {len(rows[0])}. {self.bench.caption(self.sets[:1])}"
        save_rows(out / "edits.png", rows, ["before", "edited", "true"], 4, caption, self.bench.provenance())
        header = ("method", "NFE", "exact", "wrong pixels, mean", "success", "other slots kept", "pixels kept")
        lines = [
            (METHODS[method], f["nfe"], f["exact"].percent, f["wrong_mean"].number, f["success"].percent,
             percent(f["kept"]), percent(f["pixels_kept"]))
            for method, f in figures["methods"].items()
        ]  # fmt: skip
        groups = [
            (name, f["nfe"], f["success"].percent, percent(f["kept"]), f["pictures"])
            for name, f in figures["groups"].items()
        ]
        return (
            f"## Edited attributes\n\n{figures['pairs']} training pictures whose label differs in one slot from that "
            f"of a picture of the {split} split, edited to become it, at w = {figures['w']:g}. Slots are read by the "
            f"classifier. NFE per picture, without the evaluations that find where to inpaint.\n\n"
            f"{table(header, lines)}\nOn the same pairs, `edit=` is exact more often than the new label alone by "
            f"{figures['advantage'].percent} of them.\n\n![Before, edited, true](edits.png)\n\n"
            f"Pictures of the {split} split with a group of values added or removed by `edit=`:\n\n"
            + table(("edit", "NFE", "success", "other slots kept", "pictures"), groups)
        )
