"""Adherence: do pictures show what was asked for?

Requests are made as people make them: one to five things named, the rest left open. For every value of every field,
absence included, some requests name it, together with other things that a real picture with it has; so each can be
met. What the pictures show is read by a classifier that has seen real pictures only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import absences, one_hot, slots, value_names
from conf import setting
from data.base import InMemoryDataset
from evaluation.bench import MANY, Bench, MeasureSettings, Read
from evaluation.exact import palette_error
from evaluation.hidden import described
from evaluation.metrics import precision_recall
from evaluation.samples import SampleSet
from runtime.plots import Panel, curves, percent, table

SIZES = (1, 2, 3, 4, 5)
SEED = 1_000_000  # of the first picture, apart from those of the other measures
LOWEST = 10  # values listed by name


class AdherenceSettings(MeasureSettings):
    """Of adherence."""

    n: int = setting(1000, "requests, at least; as many for each value, of one to five things in turn", ge=1, le=MANY)
    w: list[Annotated[float, Field(ge=0)]] = setting([0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0], "guidance", min_length=1)

    @property
    def weights(self) -> list[float]:
        return self.w


class Requests(NamedTuple):
    labels: Tensor  # (N, F) int64: the named fields, all others UNKNOWN
    size: Tensor  # (N,) int64: how many are named


def request_sizes(schema: ConditionSchema) -> list[int]:
    """1 to 5 things, but no more than there are slots."""
    return [size for size in SIZES if size <= len(slots(schema))]


def make_requests(data: InMemoryDataset, n: int, seed: int) -> Requests:
    """At least `n` requests, as many for each value that some picture of `data` has; sizes take turns.

    A request is the label of a random picture with the value, of which it names the value and other fields, first
    such as show something; of one slot and its coarse fields it names only one.
    """
    schema, rng = data.schema, np.random.default_rng((seed, n))
    labels = data.labels.numpy()
    owners = np.array([schema.column[field.slot or field.name] for field in schema.fields])
    optional = np.array([field.optional for field in schema.fields])
    values = [(f, v) for f, count in enumerate(schema.cardinalities) for v in range(count) if (labels[:, f] == v).any()]
    sizes = request_sizes(schema)
    repeats = -(-n // len(values))
    rows, named_counts = [], []
    for i, (f, v) in enumerate(values):
        for r, label in enumerate(labels[rng.choice(np.flatnonzero(labels[:, f] == v), repeats)]):
            named_counts.append(sizes[(i + r) % len(sizes)])
            named = _named(label, f, named_counts[-1], owners, optional, rng)
            rows.append(np.where(np.isin(np.arange(len(schema)), named), label, UNKNOWN))
    return Requests(torch.from_numpy(np.stack(rows)), torch.tensor(named_counts))


def _named(label, first: int, size: int, owners, optional, rng: np.random.Generator) -> list[int]:
    """`size` fields of different slots, `first` among them, those that show something before those that do not."""
    shuffled = rng.permutation(len(label))
    present = ~optional[shuffled] | (label[shuffled] != 0)
    named = [first]
    for f in np.concatenate([shuffled[present], shuffled[~present]]):
        if len(named) < size and owners[f] not in owners[named]:
            named.append(int(f))
    return named


# -- figures ---------------------------------------------------------------------------------------------------


class Counts(NamedTuple):
    """Per value of every field (V,): how often it was asked for, how often it was then seen, how often hidden."""

    asked: Tensor
    met: Tensor
    hidden: Tensor


def count(requests: Tensor, read: Tensor, schema: ConditionSchema, hides: Tensor) -> Counts:
    """requests, read : (N, F). A request for what the rest of the picture would hide counts as hidden, not as asked."""
    wanted, shown = one_hot(requests, schema), one_hot(read, schema)
    met = wanted * shown
    covered = wanted * (1 - shown) * (shown @ hides.double().T > 0)
    return Counts((wanted - covered).sum(0), met.sum(0), covered.sum(0))


def macro(counts: Counts, chosen: Tensor) -> float | None:
    """The mean, over the values `chosen` (V,) bool that were asked for, of the share met; None if none was."""
    chosen = chosen & (counts.asked > 0)
    if not chosen.any():
        return None
    return (counts.met[chosen] / counts.asked[chosen]).mean().item()


def figures_of(requests: Requests, read: Tensor, schema: ConditionSchema, hides: Tensor, real: Tensor) -> dict:
    """Macro shares, over all sizes and for each, of presence and of absence; and the share of every single value.

    read : (N, F) what the pictures sampled for the requests show
    real : (V,) how many training pictures have each value
    """
    none, names = absences(schema), value_names(schema)
    by_size = {
        int(size): count(requests.labels[rows], read[rows], schema, hides)
        for size in requests.size.unique()
        for rows in [requests.size == size]
    }
    total = Counts(*(sum(parts) for parts in zip(*by_size.values(), strict=True)))
    return {
        "present": macro(total, ~none),
        "absent": macro(total, none),
        "present_by_size": {str(size): macro(counts, ~none) for size, counts in by_size.items()},
        "absent_by_size": {str(size): macro(counts, none) for size, counts in by_size.items()},
        "values": {
            names[i]: {
                "met": (total.met[i] / total.asked[i]).item(),
                "requests": int(total.asked[i]),
                "hidden": int(total.hidden[i]),
                "training_pictures": int(real[i]),
            }
            for i in total.asked.nonzero()[:, 0].tolist()
        },
    }


# -- the measure -----------------------------------------------------------------------------------------------


class Adherence:
    """The measure; see evaluation/bench.py. The same requests and seeds at every w."""

    Settings = AdherenceSettings

    def __init__(self, bench: Bench, settings: AdherenceSettings):
        self.bench = bench
        self.requests = make_requests(bench.splits.train, settings.n, bench.settings.seed)
        labels, seeds = self.requests.labels, range(SEED, SEED + len(self.requests.labels))
        ws = sorted({*settings.w, bench.settings.w})
        self.sets = [SampleSet(f"adherence, w = {w:g}", labels, seeds, w) for w in ws]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return len(bench.pipe.schema) > 0

    def measure(self, read: Read) -> dict[str, Any]:
        classifier, train, pipe = self.bench.classifier, self.bench.splits.train, self.bench.pipe
        schema, palette = pipe.schema, pipe.palette
        real = one_hot(train.labels, schema).sum(0)
        generator = torch.Generator().manual_seed(self.bench.settings.seed)
        some = torch.randperm(len(train), generator=generator)[: len(self.requests.labels)]
        manifold = classifier.features(train.images[some])
        figures = {}
        for samples in self.sets:
            images = read(samples)
            quantised = self.bench.quantised(images)
            figures[f"{samples.w:g}"] = {
                "nfe": self.bench.evaluations(samples),
                **figures_of(self.requests, classifier.read(quantised), schema, classifier.hides, real),
                "precision": precision_recall(manifold, classifier.features(quantised))[0],
                "palette_error": palette_error(images, palette) if palette else None,
            }
        return {"requests": len(self.requests.labels), "hidden": described(classifier.hides, schema), "by_w": figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        by_w, w = figures["by_w"], f"{self.bench.settings.w:g}"
        self._curve(by_w, out / "adherence.png")
        sizes = list(by_w[w]["present_by_size"])
        header = ["w", "NFE", "present", *(f"{size} named" for size in sizes), "absent", "precision", "palette error"]
        rows = [
            [w, f["nfe"], percent(f["present"]), *(percent(f["present_by_size"][size]) for size in sizes),
             percent(f["absent"]), f"{f['precision']:.3f}",
             "" if f["palette_error"] is None else f"{f['palette_error']:.2f}"]
            for w, f in by_w.items()
        ]  # fmt: skip
        hidden = ", ".join(figures["hidden"]) or "nothing"
        named = f"{sizes[0]} to {sizes[-1]} values" if len(sizes) > 1 else "one value"
        lowest = table(("value", "met", "requests", "hidden", "training pictures"), _lowest(by_w[w]["values"]))
        return (
            f"## Adherence\n\n{figures['requests']} requests that name {named}, the rest open; the mean over values of "
            "the share of pictures that show them, as the classifier reads them. Absent: the same for requests such as "
            '"-hat". Precision: share of pictures among real ones (classifier features, k = 3).\n\n'
            + table(header, rows)
            + f"\n![Adherence against w](adherence.png)\n\nAt w = {w}, the values that are met least often:\n\n"
            f"{lowest}\n"
            f"Left out where the picture shows the second, since the first cannot be seen beside it: {hidden}.\n"
        )

    def _curve(self, by_w: dict[str, dict], path: Path) -> None:
        ws, figures = [float(w) for w in by_w], list(by_w.values())
        present = [f["present"] for f in figures]
        lines = {"present": (ws, present), "absent": (ws, [f["absent"] for f in figures])}
        sizes = figures[0]["present_by_size"]
        by_size = {f"{size} named": (ws, [f["present_by_size"][size] for f in figures]) for size in sizes}
        guided = {w: f for w, f in by_w.items() if float(w) > 0}  # w = 0 asks for nothing, and lies far off
        precision = {"present": ([f["precision"] for f in guided.values()], [f["present"] for f in guided.values()])}
        panels = [Panel("requests met", "guidance w", {k: v for k, v in lines.items() if None not in v[1]})]
        if len(by_size) > 1:
            panels.append(Panel("met, by number of things named", "guidance w", by_size))
        axis, weights = "precision (k-NN, classifier features)", [f"w = {w}" for w in guided]
        panels.append(Panel("met, against fidelity", axis, precision, weights))
        curves(path, panels, self.bench.caption(self.sets))


def _lowest(values: dict[str, dict]) -> list[list]:
    ordered = sorted(values.items(), key=lambda item: item[1]["met"])
    return [[name, percent(v["met"]), *list(v.values())[1:]] for name, v in ordered[:LOWEST]]
