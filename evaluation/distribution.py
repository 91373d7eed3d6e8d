"""Are pictures as good and as varied as real ones? FID, KID, precision and recall, beside the floor of real halves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from conditions.dropout import LabelDropout
from conditions.schema import ConditionSchema
from conf import setting
from data.base import InMemoryDataset
from evaluation.bench import MANY, Bench, MeasureSettings, Read
from evaluation.metrics import compare
from evaluation.samples import SampleSet
from models.classifier import FEATURES
from runtime.plots import table

UNASKED = "without a request"
FLOOR = "real halves"
SEED = 2_000_000  # of the first picture, apart from those of the other measures
AS_REQUESTS = LabelDropout(drop_prob=0.0, partial_prob=1.0, max_known=5)  # one to five fields stay known
METRICS = {"fid": "FID", "kid": "KID", "precision": "precision", "recall": "recall"}


class DistributionSettings(MeasureSettings):
    """Of the distribution of pictures."""

    n: int = setting(
        1000, f"pictures of each set; twice the {FEATURES} features or more, for covariances", ge=2 * FEATURES, le=MANY
    )
    repeats: int = setting(3, "with other seeds and other real pictures; fewer have no spread", ge=3, le=1000)
    w: list[Annotated[float, Field(ge=0)]] = setting(
        [1.0, 3.0], "guidance of the sets sampled for requests", min_length=1
    )
    unasked: bool = setting(True, "whether a set without a request is sampled too")

    @property
    def weights(self) -> list[float]:
        return self.w


def make_sets(
    data: InMemoryDataset, schema: ConditionSchema, n: int, repeats: int, ws: Sequence[float], unasked: bool = True
) -> dict[str, list[SampleSet]]:
    """Sets of n pictures, `repeats` each: if `unasked` without a request, and for each w with requests distributed as
    the data are.

    A request is the label of a random training picture of which one to five fields are kept. At w = 1 a perfect
    model then samples the distribution of the data; other w do not, and the figures say how far off they are.
    `schema` is that of the model, without fields if it knows no labels.
    """
    made: dict[str, list[SampleSet]] = {}
    for k in range(repeats):
        generator = torch.Generator().manual_seed(k)
        seeds = range(SEED + k * n, SEED + (k + 1) * n)
        if unasked:
            made.setdefault(UNASKED, []).append(SampleSet(f"{UNASKED}, {k + 1}", schema.unknown(n), seeds, 1.0))
        if not len(schema):
            continue
        rows = torch.randint(len(data), (n,), generator=generator)
        labels = AS_REQUESTS(schema, data.labels[rows], generator)
        for w in ws:
            made.setdefault(f"w = {w:g}", []).append(SampleSet(f"requests, w = {w:g}, {k + 1}", labels, seeds, w))
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

    Settings = DistributionSettings

    def __init__(self, bench: Bench, settings: DistributionSettings):
        self.bench, n, repeats, train = bench, settings.n, settings.repeats, bench.splits.train
        self.groups = make_sets(train, bench.pipe.schema, n, repeats, settings.w, settings.unasked)
        if not self.groups:
            raise ValueError("distribution.unasked=false: these weights know no labels, so nothing else can be sampled")
        self.real = halves(train, n, repeats, bench.settings.seed)
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
        return {"n": len(self.sets[0].labels), "repeats": len(real), "sets": found}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        def cell(value: dict[str, float]) -> str:
            return f"{value['mean']:.3g} ± {value['std']:.1g}"

        names = {**METRICS, "fid": f"FID ({self.bench.pipe.info.dataset} features)"}
        rows = [
            [name, value.get("nfe", ""), *(cell(value[metric]) for metric in names)]
            for name, value in figures["sets"].items()
        ]
        return (
            f"## Distribution\n\n{figures['n']} pictures against as many real ones of the training split; mean and "
            f"standard deviation over {figures['repeats']} repeats, each with other seeds and other real pictures. "
            f'"{FLOOR}": other real pictures in the place of samples. The requests keep one to five fields of a '
            "real label, so that w = 1 should sample the real distribution. The features are the classifier's: the "
            f"figures compare with no Inception FID.\n\n{table(['pictures', 'NFE', *names.values()], rows)}\n"
            f"{self.bench.caption(self.sets)}\n"
        )
