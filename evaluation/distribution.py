"""Are pictures as good and as varied as real ones? FID, KID, precision and recall.

Beside them stand the floor, other real pictures in the place of samples, and what a model would reach that samples each
slot by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from conditions.values import slots
from conf import setting
from data.base import InMemoryDataset, Splits
from evaluation.baselines import independent_labels
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.metrics import compare
from evaluation.requests import AS_REQUESTS
from evaluation.samples import SampleSet
from models.classifier import FEATURES
from runtime.plots import table

UNASKED = "without a request"
FLOOR = "floor: other real pictures"
INDEPENDENT = "baseline: independent slots"
FEWEST = 2 * FEATURES  # pictures of a set
SEED = 2_000_000  # of the first picture, apart from those of the other measures
METRICS = {"fid": "FID", "kid": "KID", "precision": "precision", "recall": "recall"}


class DistributionSettings(MeasureSettings):
    """Of the distribution of pictures."""

    n: int = setting(
        800, f"pictures of each set; twice the {FEATURES} features or more, for covariances", ge=FEWEST, le=MANY
    )
    repeats: int = setting(3, "with other seeds and other real pictures; fewer have no spread", ge=3, le=1000)
    w: list[Annotated[float, Field(ge=0)]] = setting(
        [1.0, 3.0], "guidance of the sets sampled for requests", min_length=1
    )
    unasked: bool = setting(True, "whether a set without a request is sampled too")
    independent: bool = setting(True, "whether a set of labels with independent slots is sampled too, as the baseline")

    @property
    def weights(self) -> list[float]:
        return self.w


def make_sets(bench: Bench, data: InMemoryDataset, settings: DistributionSettings) -> dict[str, list[SampleSet]]:
    """Sets of n pictures, `repeats` each: without a request, for each w with requests distributed as the data are, and
    for complete labels of independent slots.

    A request is the label of a random picture of `data` of which one to five fields are kept. At w = 1 a perfect model
    then samples the distribution of the data; other w do not, and the figures say how far off they are.
    """
    made: dict[str, list[SampleSet]] = {}
    schema, n = bench.pipe.schema, settings.n
    for k in range(settings.repeats):
        generator = torch.Generator().manual_seed(bench.settings.seed * settings.repeats + k)
        seeds = bench.seeds(SEED + k * n, n)
        if settings.unasked:
            made.setdefault(UNASKED, []).append(SampleSet(f"{UNASKED}, {k + 1}", schema.unknown(n), seeds, 1.0))
        if not len(schema):
            continue
        rows = torch.randint(len(data), (n,), generator=generator)
        labels = AS_REQUESTS(schema, data.labels[rows], generator)
        for w in settings.w:
            made.setdefault(f"w = {w:g}", []).append(SampleSet(f"requests, w = {w:g}, {k + 1}", labels, seeds, w))
        if settings.independent and len(slots(schema)) > 1:
            labels = independent_labels(data, n, generator)
            made.setdefault(INDEPENDENT, []).append(SampleSet(f"{INDEPENDENT}, {k + 1}", labels, seeds, 1.0))
    return made


def source(splits: Splits, split: str, n: int, repeats: int) -> str:
    """The split that real pictures come from: the one named, or training where that has fewer than are needed."""
    needed = 2 * n * repeats
    if needed <= len(getattr(splits, split)):
        return split
    if needed <= len(splits.train):
        return "train"
    most = len(splits.train) // (2 * repeats)
    remedy = f"at most {most}" if most >= FEWEST else "leave distribution out of measure=, for which they are too few"
    raise ValueError(
        f"distribution.n={n}: two sets of real pictures for each of {repeats} repeats are {needed}, and there are "
        f"{len(splits.train)}; {remedy}"
    )


def halves(data: InMemoryDataset, n: int, repeats: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """For each repeat, two sets of n pictures; no picture is in two sets of any repeat."""
    rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    parts = [data.images[part] for part in rows[: 2 * n * repeats].split(n)]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _spread(values: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each metric over the repeats."""
    out = {}
    for metric in values[0]:
        column = torch.tensor([value[metric] for value in values], dtype=torch.float64)
        out[metric] = {"mean": column.mean().item(), "std": column.std().item()}
    return out


class Distribution(Measure):
    """The measure; see evaluation/bench.py."""

    Settings = DistributionSettings

    def __init__(self, bench: Bench, settings: DistributionSettings):
        self.bench, n, repeats = bench, settings.n, settings.repeats
        if not (settings.unasked or len(bench.pipe.schema)):
            raise ValueError("distribution.unasked=false: these weights know no labels, so nothing else can be sampled")
        self.source = source(bench.splits, bench.settings.split, n, repeats)
        data = getattr(bench.splits, self.source)
        self.groups = make_sets(bench, data, settings)
        self.real = halves(data, n, repeats, bench.settings.seed)
        self.sets = [samples for group in self.groups.values() for samples in group]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        features = self.bench.classifier.features
        real = [(features(one), features(other)) for one, other in self.real]
        found = {FLOOR: _spread([compare(one, other) for one, other in real])}
        for name, group in self.groups.items():
            sampled = [features(self.bench.quantised(read(samples))) for samples in group]
            values = [compare(one, pictures) for (one, _), pictures in zip(real, sampled, strict=True)]
            found[name] = {**_spread(values), "nfe": self.bench.evaluations(group[0])}
        return {"n": len(self.sets[0].labels), "repeats": len(real), "real_pictures": self.source, "sets": found}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        def cell(value: dict[str, float]) -> str:
            return f"{value['mean']:.3g} ± {value['std']:.1g}"

        names = {**METRICS, "fid": f"FID ({self.bench.pipe.info.dataset} features)"}
        rows = [
            [name, value.get("nfe", ""), *(cell(value[metric]) for metric in names)]
            for name, value in figures["sets"].items()
        ]
        n, repeats, split = figures["n"], figures["repeats"], self.bench.settings.split
        real = {"train": "training"}.get(self.source, self.source)
        why = "" if self.source == split else f", since the {split} split has fewer than {2 * n * repeats}"
        return (
            f"## Distribution\n\n{n} pictures against as many real ones of the {real} split{why}; mean and "
            f"standard deviation over {repeats} repeats, with other seeds, and real pictures that no other repeat has. "
            "The requests keep one to five fields of a real label, so that w = 1 should sample the real distribution. "
            "Independent slots: sampled, at w = 1, from complete labels whose slots were sampled independently. The "
            "features are the classifier's: the figures compare with no Inception FID.\n\n"
            f"{table(['pictures', 'NFE', *names.values()], rows)}\n{self.bench.caption(self.sets)}\n"
        )
