"""Are pictures as good and as varied as real ones? FID, KID, precision and recall, beside the floor of real halves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from data.base import InMemoryDataset
from evaluation.bench import Bench, Read
from evaluation.draws import Job
from evaluation.metrics import compare, refuse_few
from models.classifier import FEATURES
from runtime.plots import table

NOTHING = "nothing asked"
FLOOR = "real halves"
SEED = 2_000_000  # of the first picture, apart from those of the other measures
REQUEST = {"drop_prob": 0.0, "partial_prob": 1.0, "max_known": 5}  # of schema.drop: one to five fields stay known


def make_jobs(
    data: InMemoryDataset, schema: ConditionSchema, n: int, repeats: int, ws: Sequence[float], unasked: bool = True
) -> dict[str, list[Job]]:
    """Jobs of n pictures, `repeats` each: if `unasked` without a request, and for each w with requests drawn as the
    data is.

    A request is the label of a random training picture of which one to five fields are kept. At w = 1 a perfect
    model then draws the distribution of the data; other w do not, and the figures say how far off they are. `schema`
    is that of the model, without fields if it knows no labels.
    """
    made = {}
    for k in range(repeats):
        generator = torch.Generator().manual_seed(k)
        seeds = range(SEED + k * n, SEED + (k + 1) * n)
        if unasked:
            made.setdefault(NOTHING, []).append(Job(f"{NOTHING}, {k + 1}", schema.unknown(n), seeds, 1.0))
        if not len(schema):
            continue
        rows = torch.randint(len(data), (n,), generator=generator)
        labels = schema.drop(data.labels[rows], generator=generator, **REQUEST)
        for w in ws:
            made.setdefault(f"w = {w:g}", []).append(Job(f"requests, w = {w:g}, {k + 1}", labels, seeds, w))
    return made


def halves(data: InMemoryDataset, n: int, repeats: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """For each repeat, two sets of n different training pictures."""
    if 2 * n > len(data):
        raise ValueError(f"distribution.n={n}: the floor takes two sets of real pictures; at most {len(data) // 2}")
    pairs = []
    for k in range(repeats):
        rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed + k))
        pairs.append((data.images[rows[:n]], data.images[rows[n : 2 * n]]))
    return pairs


def _spread(values: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each metric over the repeats."""
    out = {}
    for metric in values[0]:
        column = torch.tensor([value[metric] for value in values], dtype=torch.float64)
        out[metric] = {"mean": column.mean().item(), "std": column.std().item()}
    return out


class Distribution:
    """The measure; see evaluation/bench.py."""

    def __init__(self, bench: Bench):
        self.bench, settings = bench, bench.settings["distribution"]
        n, repeats, ws = settings["n"], settings["repeats"], [float(w) for w in settings["w"]]
        refuse_few(n, FEATURES)
        self.groups = make_jobs(bench.splits.train, bench.pipe.schema, n, repeats, ws, settings["unasked"])
        if not self.groups:
            raise ValueError("distribution.unasked=false: these weights know no labels, so nothing else can be drawn")
        self.real = halves(bench.splits.train, n, repeats, bench.settings["seed"])
        self.jobs = [job for group in self.groups.values() for job in group]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        features = self.bench.classifier.features
        real = [(features(one), features(other)) for one, other in self.real]
        figures = {FLOOR: [compare(one, other) for one, other in real]}
        for name, group in self.groups.items():
            drawn = [features(self.bench.snapped(read(job))) for job in group]
            figures[name] = [compare(one, pictures) for (one, _), pictures in zip(real, drawn, strict=True)]
        n = len(self.jobs[0].labels)
        return {"n": n, "repeats": len(real), "sets": {name: _spread(values) for name, values in figures.items()}}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        def cell(value: dict[str, float]) -> str:
            return f"{value['mean']:.3g} ± {value['std']:.1g}"

        names = self.bench.pipe.info.dataset
        header = ["pictures", f"FID ({names} features)", "KID", "precision", "recall"]
        rows = [
            [name, *(cell(value[metric]) for metric in ("fid", "kid", "precision", "recall"))]
            for name, value in figures["sets"].items()
        ]
        return (
            f"## Distribution\n\n{figures['n']} pictures against as many real ones of the training split; mean and "
            f"standard deviation over {figures['repeats']} repeats, each with other seeds and other real pictures. "
            f'"{FLOOR}": other real pictures in the place of drawn ones. The requests keep one to five fields of a '
            "real label, so that w = 1 should draw the real distribution. The features are the classifier's: the "
            f"figures compare with no Inception FID.\n\n{table(header, rows)}\n{self.bench.caption(self.jobs)}\n"
        )
