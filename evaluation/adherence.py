"""Adherence: do pictures show what was asked for?

What they show is read by a classifier that has seen real training pictures only. Each request is part of the label of
a real picture of the split, and what the classifier reads there, with its errors, is the ceiling.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import absences, one_hot, value_names
from conf import setting
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.exact import palette_error
from evaluation.hidden import described, hidden_pairs
from evaluation.intervals import Estimate, mean_of_shares, share
from evaluation.metrics import precision_recall
from evaluation.requests import Requests, make_requests
from evaluation.samples import SampleSet
from runtime.plots import Panel, curves, table

SEED = 1_000_000  # of the first picture, apart from those of the other measures
LOWEST = 10  # values listed by name
REAL = "real pictures"


class AdherenceSettings(MeasureSettings):
    """Of adherence."""

    n: int = setting(20, "requests for each value, at least; as many in each size", ge=1, le=MANY)
    w: list[Annotated[float, Field(ge=0)]] = setting([0.0, 1.0, 2.0, 3.0, 5.0], "guidance", min_length=1)

    @property
    def weights(self) -> list[float]:
        return self.w


# -- figures ---------------------------------------------------------------------------------------------------


def met(requests: Requests, read: Tensor, schema: ConditionSchema, hides: Tensor) -> Tensor:
    """(N,) float64: 1 where a picture shows the value that its request is for, 0 where not.

    NaN where that value could not be seen, since the picture shows another that hides it, met or not.
    read : (N, F) what the pictures show; hides : (V, V), see `hidden_pairs`
    """
    shown = one_hot(read, schema)
    rows = torch.arange(len(read))
    return shown[rows, requests.value].masked_fill(_covered(shown, hides)[rows, requests.value], math.nan)


def wholly_met(requests: Requests, read: Tensor, schema: ConditionSchema, hides: Tensor) -> Tensor:
    """(N,) float64: 1 where a picture shows all that its request names; NaN where some of that could not be seen."""
    wanted, shown = one_hot(requests.labels, schema), one_hot(read, schema)
    missed = (wanted * (1 - shown)).any(dim=1)
    return (~missed).double().masked_fill((wanted * _covered(shown, hides)).any(dim=1), math.nan)


def _covered(shown: Tensor, hides: Tensor) -> Tensor:
    """(N, V) bool: what something else that the picture shows would hide."""
    return shown @ hides.to(shown).T > 0


def figures_of(
    requests: Requests, read: Tensor, schema: ConditionSchema, hides: Tensor, real: Tensor, alike: bool = False
) -> dict:
    """How often requests are met: macro means over values, whole requests, and every single value.

    read  : (N, F) what the pictures sampled for the requests show
    real  : (V,) how many training pictures have each value
    alike : whether requests of one `row` share one picture, as real ones do: then it counts once for each value, and
            intervals are over pictures, of which rare values have few
    """
    seen, whole = met(requests, read, schema, hides), wholly_met(requests, read, schema, hides)
    hidden = seen.isnan()
    if alike:
        seen = seen.masked_fill(~_first(torch.stack([requests.value, requests.row], dim=1)), math.nan)
    none, names, sizes = absences(schema), value_names(schema), requests.size.unique().tolist()
    values = requests.value.unique().tolist()

    def macro(absent: bool, size: int | None = None):
        of_size = torch.ones_like(seen, dtype=torch.bool) if size is None else requests.size == size
        return mean_of_shares([seen[of_size & (requests.value == v)] for v in values if none[v] == absent])

    return {
        "present": macro(False),
        "absent": macro(True),
        "whole": _by_picture(whole, requests.row) if alike else share(whole),
        "present_by_size": {str(size): macro(False, size) for size in sizes},
        "absent_by_size": {str(size): macro(True, size) for size in sizes},
        "whole_by_size": {
            str(size): _by_picture(whole[of], requests.row[of]) if alike else share(whole[of])
            for size in sizes
            for of in [requests.size == size]
        },
        "values": {
            names[v]: {
                "met": share(seen[requests.value == v]),
                "hidden": int(hidden[requests.value == v].sum()),
                "training_pictures": int(real[v]),
            }
            for v in values
        },
    }


def _first(keys: Tensor) -> Tensor:
    """(N,) bool: which rows of `keys` (N, K) are the first of their kind."""
    _, kind = keys.unique(dim=0, return_inverse=True)
    first = torch.full((int(kind.max()) + 1,), len(keys)).scatter_reduce(0, kind, torch.arange(len(keys)), "amin")
    return torch.arange(len(keys)) == first[kind]


def _by_picture(whole: Tensor, rows: Tensor) -> Estimate:
    """The share of requests met, with the interval over the pictures that they are about; n counts these."""
    kept = ~whole.isnan()
    pictures, kind = rows[kept].unique(return_inverse=True)
    totals = torch.zeros(len(pictures), dtype=torch.float64)
    means = totals.index_add(0, kind, whole[kept]) / totals.index_add(0, kind, torch.ones_like(whole[kept]))
    return mean_of_shares([means])


# -- the measure -----------------------------------------------------------------------------------------------


class Adherence(Measure):
    """The measure; see evaluation/bench.py. The same requests and seeds at every w."""

    Settings = AdherenceSettings

    def __init__(self, bench: Bench, settings: AdherenceSettings):
        self.bench = bench
        self.requests = make_requests(bench.held_out, settings.n, bench.settings.seed)
        labels = self.requests.labels
        ws = sorted({*settings.w, bench.settings.w})
        self.sets = [SampleSet(f"adherence, w = {w:g}", labels, bench.seeds(SEED, len(labels)), w) for w in ws]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return len(bench.pipe.schema) > 0

    def measure(self, read: Read) -> dict[str, Any]:
        classifier, held_out, pipe = self.bench.classifier, self.bench.held_out, self.bench.pipe
        schema, palette, train = pipe.schema, pipe.palette, self.bench.splits.train
        real, hides = one_hot(self.bench.seen.labels, schema).sum(0), hidden_pairs(train.complete)
        manifold = classifier.features(held_out.images)

        def shown(images: Tensor, alike: bool = False) -> dict[str, Any]:
            return figures_of(self.requests, classifier.read(images), schema, hides, real, alike)

        figures = {}
        for samples in self.sets:
            images = read(samples)
            quantised = self.bench.quantised(images)
            figures[f"{samples.w:g}"] = {
                "nfe": self.bench.evaluations(samples),
                **shown(quantised),
                "precision": precision_recall(manifold, classifier.features(quantised))[0],
                "palette_error": palette_error(images, palette) if palette else None,
            }
        names = value_names(schema)
        published, there = (one_hot(data.labels, schema).sum(0) > 0 for data in (train, held_out))
        return {
            "requests": len(self.requests.labels),
            "values": len(self.requests.value.unique()),
            "not_in_split": [names[v] for v in (~there & published).nonzero()[:, 0].tolist()],
            "hidden": described(hides, schema),
            "real": shown(held_out.images[self.requests.row], alike=True),
            "by_w": figures,
        }

    def report(self, figures: dict[str, Any], out: Path) -> str:
        by_w, w = figures["by_w"], f"{self.bench.settings.w:g}"
        self._curve(figures, out / "adherence.png")
        sizes = list(by_w[w]["present_by_size"])
        header = ["pictures", "NFE", "present", "absent", "whole requests", "precision", "palette error"]
        rows = [(f"ceiling: {REAL}", "", *_means(figures["real"]), "", "")]
        rows += [
            (f"w = {w}", f["nfe"], *_means(f), f"{f['precision']:.3f}",
             "" if f["palette_error"] is None else f"{f['palette_error']:.2f}")
            for w, f in by_w.items()
        ]  # fmt: skip
        named = f"{sizes[0]} to {sizes[-1]} things" if len(sizes) > 1 else "one thing"
        text = (
            f"## Adherence\n\n{figures['requests']} requests, as many for each of {figures['values']} values, that "
            f"name {named} and leave the rest open. Each is part of the label of a picture of the "
            f"{self.bench.settings.split} split; the ceiling is what the classifier reads off those pictures. Present "
            'and absent: the mean over values, such as "hat" and "-hat", of the share of requests for them that are '
            "met. Whole requests: all that is named is there. Precision: share of pictures among those of the split "
            f"(classifier features, k = 3).\n\n{table(header, rows)}\n![Adherence against w](adherence.png)\n"
        )
        return text + self._by_size(figures, w) + self._values(figures, w)

    def _by_size(self, figures: dict[str, Any], w: str) -> str:
        parts = {f"ceiling: {REAL}": figures["real"], f"w = {w}": figures["by_w"][w]}
        sizes = list(figures["real"]["present_by_size"])
        if len(sizes) == 1:
            return ""
        rows = [
            (name, what, *(part[key][size].percent for size in sizes))
            for what, key in (("present", "present_by_size"), ("whole requests", "whole_by_size"))
            for name, part in parts.items()
        ]
        return f"\nBy the number of things named:\n\n{table(('pictures', '', *sizes), rows)}"

    def _values(self, figures: dict[str, Any], w: str) -> str:
        values, real = figures["by_w"][w]["values"], figures["real"]["values"]
        seen = [name for name in values if values[name]["met"].n]
        lowest = sorted(seen, key=lambda name: values[name]["met"].value)[:LOWEST]
        rows = [
            (name, values[name]["met"].percent, values[name]["met"].n, real[name]["met"].percent,
             real[name]["met"].n, values[name]["training_pictures"])
            for name in lowest
        ]  # fmt: skip
        hidden = "; ".join(figures["hidden"]) or (
            "nothing, for every value of the training pictures changes some pixel beside every other"
        )
        absent = ", ".join(figures["not_in_split"])
        return (
            f"\nAt w = {w}, the values that are met least often:\n\n"
            + table(("value", "met", "requests", REAL, "of", "training pictures"), rows)
            + "\nLeft out where the picture shows the second, since that paints over the first in all training "
            f"pictures: {hidden}.\n"
            + (f"\nNot asked for, since no picture of the split has it: {absent}.\n" if absent else "")
        )

    def _curve(self, figures: dict[str, Any], path: Path) -> None:
        by_w = figures["by_w"]
        ws, parts = [float(w) for w in by_w], list(by_w.values())
        lines = {key: (ws, [part[key].value for part in parts]) for key in ("present", "absent", "whole")}
        lines[REAL] = (ws, [figures["real"]["present"].value] * len(ws))
        sizes = list(parts[0]["present_by_size"])
        by_size = {f"{size} named": (ws, [part["present_by_size"][size].value for part in parts]) for size in sizes}
        guided = {w: f for w, f in by_w.items() if float(w) > 0}  # w = 0 asks for nothing, and lies far off
        present = [part["present"].value for part in guided.values()]
        panels = [
            Panel("requests met", "guidance w", {k: v for k, v in lines.items() if not any(map(math.isnan, v[1]))})
        ]
        if len(by_size) > 1:
            panels.append(Panel("met, by number of things named", "guidance w", by_size))
        axis, weights = "precision (k-NN, classifier features)", [f"w = {w}" for w in guided]
        precision = {"present": ([part["precision"] for part in guided.values()], present)}
        panels.append(Panel("met, against fidelity", axis, precision, weights))
        curves(path, panels, self.bench.caption(self.sets))


def _means(figures: dict[str, Any]) -> list[str]:
    return [figures[key].percent for key in ("present", "absent", "whole")]
