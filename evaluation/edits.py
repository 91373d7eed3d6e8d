"""Changed attributes: is a picture that gets another value in one slot the real picture that has it?

Among the training pictures are nearly always some whose label differs from that of a held-out picture in a single
slot. Such a picture is given, the change is asked for as sample.py takes it (edit=), and the held-out picture, which
no training has seen, is the truth. The same change by other means is measured beside it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from data.base import InMemoryDataset
from data.changes import changed
from evaluation.bench import Bench, Read
from evaluation.draws import Job
from evaluation.exact import wrong_pixels
from evaluation.figures import percent, save_rows, table
from evaluation.values import slots, value_names

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
        return [Job(f"edits, {way}", new, seeds, w, edit) for way, edit in edits.items()]

    def _changed(self, label: Tensor, i: int) -> Tensor:
        """`label` (F,), read off the i-th picture, with the change that its pair asks for."""
        schema, column = self.bench.pipe.schema, int(self.pairs.slot[i])
        value = int(self.bench.held_out.labels[self.pairs.after[i], column])
        return changed(schema, label, value_names(schema)[schema.offsets[column] + value])[0]

    def measure(self, read: Read) -> dict[str, Any]:
        self.drawn = {way: self.bench.snapped(read(job)) for way, job in zip(WAYS, self.jobs, strict=True)}
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
        }

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
        return (
            f"## Changed attributes\n\n{figures['pairs']} training pictures whose label differs in one slot from that "
            f"of a picture of the {self.bench.split} split, changed to become it, at w = {figures['w']:g}. Slots are "
            f"read by the classifier.\n\n{table(header, lines)}\n![Before, edited, true](edits.png)\n"
        )
