"""Memorisation: do samples hit training pictures more often than pictures that no training has seen?

With few attributes, any good model samples real pictures now and then, held-out ones too. So the number of hits of
training pictures says little by itself; what counts is how often each training picture is hit, against each held-out
one. A model that learned the distribution has a ratio of 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.values import slots
from conf import setting
from data.base import InMemoryDataset
from evaluation.baselines import independent_labels
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.intervals import Estimate, rate_ratio, share
from evaluation.requests import AS_REQUESTS
from evaluation.samples import SampleSet
from runtime.plots import save_rows, table

CHUNK, PART = 256, 4096  # samples, and pictures that they are compared with, at once
SEED = 2_000_000  # of the first picture: the seeds of evaluation/distribution.py, so that both share samples
SHOWN = 14
UNASKED, ASKED, INDEPENDENT = "no request", "requests", "independent slots"


class MemorisationSettings(MeasureSettings):
    """Of memorisation."""

    n: int = setting(1000, "pictures without a request, and as many for requests", ge=1, le=MANY)


def nearest(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest of `others` to each image, in levels: (distance (N,) float64, row (N,) int64).

    images, others : (N, C, H, W) and (M, C, H, W) uint8. The distance is the root mean square over pixels and
    channels, in levels of 255; 0 is an exact copy.
    """
    distances, rows = [], []
    for part in images.split(CHUNK):
        rows.append(_nearest_rows(part.flatten(1).double(), others))
        gap = part.double() - others[rows[-1]].double()  # again, exactly: cdist rounds
        distances.append(gap.flatten(1).square().mean(dim=1).sqrt())
    return torch.cat(distances), torch.cat(rows)


def _nearest_rows(flat: Tensor, others: Tensor) -> Tensor:
    """(N,) int64, the first of the nearest; `others` are converted in parts, for all of them may not fit the memory."""
    least, rows = torch.full((len(flat),), torch.inf, dtype=flat.dtype), torch.zeros(len(flat), dtype=torch.int64)
    for start in range(0, len(others), PART):
        found = torch.cdist(flat, others[start : start + PART].flatten(1).double()).min(dim=1)
        nearer = found.values < least
        least, rows = torch.where(nearer, found.values, least), torch.where(nearer, start + found.indices, rows)
    return rows


def among(rows: Tensor, others: Tensor) -> Tensor:
    """(N,) bool: whether each of `rows` is one of `others`, whatever their shape beyond the first axis."""
    known = {row.numpy().tobytes() for row in others}
    return torch.tensor([row.numpy().tobytes() in known for row in rows], dtype=torch.bool)


def hits(samples: Tensor, training: Tensor, held_out: Tensor) -> dict[str, Any]:
    """How often samples are equal to a training and to a held-out picture, or label; rows compare as `among` does.

    ratio : hits per training picture over hits per held-out picture
    """
    train, unseen = among(samples, training), among(samples, held_out)
    counts = int(train.sum()), int(unseen.sum())
    return {
        "samples": len(samples),
        "training": share(train),
        "held_out": share(unseen),
        "ratio": rate_ratio(counts[0], len(training), counts[1], len(held_out)),
    }


def nearest_of(samples: Tensor, training: Tensor, held_out: Tensor) -> Estimate:
    """How much more often each training picture is the nearest one to a sample than each held-out one.

    It says of all data what the ratio of hits says where pictures recur exactly; 1 without memorisation.
    """
    (to_training, _), (to_held_out, _) = nearest(samples, training), nearest(samples, held_out)
    first, second = int((to_training < to_held_out).sum()), int((to_training > to_held_out).sum())
    return rate_ratio(first, len(training), second, len(held_out))


def novelty(samples: Tensor, labels: Tensor, train: InMemoryDataset, truth: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """How many samples (N, C, H, W) have labels (N, S), of slots, that no training picture has, and how many are right.

    truth : labels (M, S) and pictures (M, C, H, W), where the true picture is known
    right : of the novel samples whose true picture is known, the share that equal it pixel for pixel
    """
    columns = slots(train.schema)
    new = ~among(labels, train.labels[:, columns])
    pictures = {label.numpy().tobytes(): picture for label, picture in zip(*truth, strict=True)}
    right = [
        torch.equal(image, pictures[key])
        for image, key in zip(samples[new], (label.numpy().tobytes() for label in labels[new]), strict=True)
        if key in pictures
    ]
    return {"novel": share(new), "right": share(torch.tensor(right, dtype=torch.float64))}


class Memorisation(Measure):
    """The measure; see evaluation/bench.py. Requests are of labels of training and held-out pictures in proportion."""

    Settings = MemorisationSettings

    def __init__(self, bench: Bench, settings: MemorisationSettings):
        self.bench, n, schema = bench, settings.n, bench.pipe.schema
        train, held_out = bench.seen, bench.held_out
        self.generator = torch.Generator().manual_seed(bench.settings.seed)
        self.sets = [SampleSet(UNASKED, schema.unknown(n), bench.seeds(SEED, n), 1.0)]
        if len(schema):
            labels = torch.cat([train.labels, held_out.labels])
            rows = torch.randint(len(labels), (n,), generator=self.generator)
            labels = AS_REQUESTS(schema, labels[rows], self.generator)
            self.sets.append(SampleSet(ASKED, labels, bench.seeds(SEED, n), bench.settings.w))

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        bench, train, held_out = self.bench, self.bench.seen, self.bench.held_out
        columns, figures = slots(train.schema), {}
        self.images = bench.quantised(read(self.sets[0]))
        for samples in self.sets:
            images = bench.quantised(read(samples))
            figures[samples.name] = {
                "nfe": bench.evaluations(samples),
                "w": samples.w,
                **hits(images, train.images, held_out.images),
                "nearest": nearest_of(images, train.images, held_out.images),
            }
            if bench.pipe.palette is not None and columns:
                labels = bench.classifier.read(images)
                truth = bench.truth(labels)
                figures[samples.name] |= novelty(images, labels[:, columns], train, (truth[0][:, columns], truth[1]))
        if bench.pipe.palette is not None and columns:
            drawn = independent_labels(train, 10 * len(self.images), self.generator)[:, columns]
            figures[INDEPENDENT] = hits(drawn, train.labels[:, columns], held_out.labels[:, columns])
        return {"training": len(train), "held_out": len(held_out), "sets": figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        """Beside the first samples, those nearest to a training picture without being a copy of it."""
        pictures = self.bench.seen.images
        gap, rows = nearest(self.images, pictures)
        training = pictures[rows]
        closest = gap.masked_fill(gap == 0, torch.inf).argsort()[:SHOWN]
        first = torch.arange(min(SHOWN, len(gap)))
        shown = [self.images[first], training[first], self.images[closest], training[closest]]
        labels = ["sampled", "nearest real", "closest sample", "nearest real"]
        caption = f"Above the first {len(first)}, below the closest that are no copies. {self.bench.caption(self.sets)}"
        save_rows(out / "neighbours.png", shown, labels, 3, caption, self.bench.provenance())
        cells = [_cells(name, figure) for name, figure in figures["sets"].items()]
        header = (
            "samples", "NFE", "number", "equal to a training picture", "to a held-out one", "ratio per picture",
            "ratio of nearest", "novel label", "of these, right",
        )  # fmt: skip
        return (
            f"## Memorisation\n\nOf {figures['training']} training pictures and {figures['held_out']} held-out ones of "
            f"the {self.bench.settings.split} split. Ratio: how much more often each training picture is hit than each "
            f"held-out one; 1 for a model that has learned the distribution. {INDEPENDENT.capitalize()}: labels whose "
            "slots are sampled independently, as often as in training; no model. Ratio of nearest: the same for being "
            "the nearest picture to a sample. Novel: no training picture "
            "has the label that the classifier reads; right: equal to the true picture, where that is known.\n\n"
            f"{table(header, cells)}\n![Pictures and their nearest neighbours](neighbours.png)\n"
        )


def _cells(name: str, figures: dict[str, Any]) -> list[object]:
    name += f", w = {figures['w']:g}" if name == ASKED else ""
    cells = [name, figures.get("nfe", ""), figures["samples"]]
    cells += [figures[key].percent for key in ("training", "held_out")]
    cells += [figures[key].number if key in figures else "" for key in ("ratio", "nearest")]
    return cells + [figures[key].percent if key in figures else "" for key in ("novel", "right")]
