"""Validity: is a sampled picture one thing, or a blend of two answers?

Where a request leaves much open, a picture may have half the pixels of another hat or two skin tones in one face, while
all that was asked for is still found. Validity sees it: the label of the whole picture is read off it, the picture
with exactly that label is made, and the two are compared pixel for pixel. That picture is rendered where the data set
can, else sampled from the label. Real held-out pictures, treated the same, are the ceiling: classifier and model err.
What a model always gets wrong in the same way, validity does not see; exact match does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from conditions.values import slots
from conf import setting
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.exact import wrong_pixels
from evaluation.intervals import mean, share
from evaluation.requests import part_of
from evaluation.samples import SampleSet
from runtime.plots import save_rows, table

SEED = 3_000_000  # of the first picture; of those sampled from what was read, SEED + READ
READ = 1_000_000
WORST = 12
REAL = "real pictures"


class ValiditySettings(MeasureSettings):
    """Of validity."""

    n: int = setting(200, "pictures for each number of things named", ge=1, le=MANY)
    named: list[Annotated[int, Field(ge=0, le=100)]] = setting(
        [0, 1, 2, 3], "how many things requests name; 0 for no request", min_length=1
    )
    w: list[Annotated[float, Field(ge=0)]] = setting([1.0, 3.0], "guidance, of pictures for requests", min_length=1)

    @property
    def weights(self) -> list[float]:
        return self.w


class Validity(Measure):
    """The measure; see evaluation/bench.py."""

    Settings = ValiditySettings

    def __init__(self, bench: Bench, settings: ValiditySettings):
        self.bench, n, schema = bench, settings.n, bench.pipe.schema
        rng = np.random.default_rng(bench.settings.seed)
        held_out = bench.held_out
        rows = torch.from_numpy(rng.permutation(len(held_out))[:n])
        self.real, self.sets, self.kinds = held_out.images[rows], [], []
        for i, size in enumerate(sorted({min(size, len(slots(schema))) for size in settings.named})):
            chosen = rng.integers(len(held_out), size=n)
            labels = torch.stack([part_of(schema, held_out.labels[row], size, rng) for row in chosen])
            for w in settings.w if size else [1.0]:
                self.kinds.append((size, w))
                name = f"validity, {size} named, w = {w:g}"
                self.sets.append(SampleSet(name, labels, bench.seeds(SEED + i * n, n), w))

    @staticmethod
    def applies(bench: Bench) -> bool:
        determined = bench.pipe.palette is not None and bench.pipe.recipe.dataset.determined
        return determined and len(slots(bench.pipe.schema)) > 1

    def further(self, read: Read) -> list[SampleSet]:
        """The pictures of the labels read off the samples, and off the real ones; none where they can be rendered."""
        pictures = [self.real, *(self.bench.quantised(read(samples)) for samples in self.sets)]
        self.labels = [self.bench.classifier.read(images) for images in pictures]
        self.rendered = [self.bench.pipe.recipe.dataset.render(labels) for labels in self.labels]
        self.truth = [
            SampleSet(f"validity, {i}, from the label read", labels, self.bench.seeds(SEED + READ, len(labels)), 1.0)
            for i, (labels, rendered) in enumerate(zip(self.labels, self.rendered, strict=True))
            if rendered is None
        ]
        return self.truth

    def measure(self, read: Read) -> dict[str, Any]:
        self.images = [self.real, *(self.bench.quantised(read(samples)) for samples in self.sets)]
        sampled = iter(self.truth)
        self.right = [
            self.bench.quantised(read(next(sampled))) if rendered is None else rendered for rendered in self.rendered
        ]
        self.wrong = [
            wrong_pixels(images[None], right)[0] for images, right in zip(self.images, self.right, strict=True)
        ]
        figures = [{"valid": share(wrong == 0), "wrong_mean": mean(wrong.double())} for wrong in self.wrong]
        found = [
            {"named": size, "w": w, "nfe": self.bench.evaluations(samples), **figure}
            for (size, w), samples, figure in zip(self.kinds, self.sets, figures[1:], strict=True)
        ]
        return {"n": len(self.wrong[-1]), "real": figures[0], "sampled": found}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        images, right, wrong = (torch.cat(parts[1:]) for parts in (self.images, self.right, self.wrong))
        worst = wrong.argsort(descending=True, stable=True)[:WORST]
        rows = [images[worst], right[worst], differing(images[worst], right[worst])]
        caption = f"The worst of {len(wrong)} pictures. {self.bench.caption(self.sets)}"
        labels = ["sampled", "label read", "differing"]
        save_rows(out / "validity.png", rows, labels, 4, caption, self.bench.provenance())
        header = ("things named", "w", "NFE", "valid", "wrong pixels, mean")
        lines = [(f"ceiling: {REAL}", "", "", *_cells(figures["real"]))]
        lines += [(f["named"] or "none", f"{f['w']:g}", f["nfe"], *_cells(f)) for f in figures["sampled"]]
        how = "sampled, at w = 1, from" if self.truth else "rendered from"
        return (
            f"## Validity\n\n{figures['n']} pictures in each row. Valid: equal, pixel for pixel, to the picture {how} "
            "the complete label that the classifier reads off it; a blend of two answers is not. Requests name things "
            f"of pictures of the {self.bench.settings.split} split.\n\n"
            f"{table(header, lines)}\n![The worst, and the pixels that differ](validity.png)\n"
        )


def differing(images: Tensor, others: Tensor) -> Tensor:
    """(N, C, H, W) uint8: the first pictures, white where they are equal to the others."""
    return torch.where((images != others).any(dim=1, keepdim=True), images, 255)


def _cells(figures: dict[str, Any]) -> tuple[str, str]:
    return figures["valid"].percent, figures["wrong_mean"].number
