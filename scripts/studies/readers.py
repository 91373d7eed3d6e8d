"""What pictures show, and the held-out pictures that those of a training are measured against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock
import torch
from torch import Tensor

from conditions.values import slots, value_names
from data.base import Dataset, Splits
from data.pixelfaces import PixelFaces, read_labels
from evaluation.adherence import met, wholly_met
from evaluation.classifier import classifier_for
from evaluation.hidden import hidden_pairs
from evaluation.intervals import share
from evaluation.metrics import compare
from evaluation.requests import Requests, make_requests
from inference.classifier import CLASSIFIERS, Classifier
from inference.weights import PRETRAINED
from runtime.checkpoint import write_atomically

FLOOR_PICTURES = 600


@dataclass(frozen=True)
class Reader:
    """Reads labels off pictures of one data set: an oracle for pixelfaces, a classifier for the others.

    each   : requests for each value
    device : of the classifier
    """

    dataset: Dataset
    splits: Splits
    each: int
    device: torch.device

    @cached_property
    def classifier(self) -> Classifier:
        """Trained where there is none yet: by one process, for which others wait."""
        CLASSIFIERS.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(CLASSIFIERS / f".{self.dataset.name}.lock"):
            return classifier_for(self.splits, self.device, (PRETRAINED, CLASSIFIERS))

    @cached_property
    def hides(self) -> Tensor:
        """(V, V) bool, see evaluation.hidden."""
        return hidden_pairs(self.splits.train)

    @cached_property
    def requests(self) -> Requests:
        """The same for every training."""
        return make_requests(self.splits.validation, self.each, seed=0)

    def labels(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, F) int64: what they show."""
        return read_labels(images) if isinstance(self.dataset, PixelFaces) else self.classifier.read(images)

    def compared(self, images: Tensor) -> dict[str, Any]:
        """FID and its kin of (N, C, H, W) uint8 against as many held-out pictures, and in whose features."""
        real, features = self.splits.validation.images[: len(images)], self.classifier.features
        return {"n": len(images), "features": self.classifier.digest, **compare(features(real), features(images))}

    def reference(self) -> dict[str, Any]:
        """What stands beside the figures of every training: the requests, and what real pictures reach."""
        held_out, train, schema = self.splits.validation, self.splits.train, self.splits.train.schema
        requests, names = self.requests, value_names(schema)
        owner = [field.name for field in schema.fields for _ in field.values]
        read = self.labels(held_out.images)
        right, whole = (f(requests, read[requests.row], schema, self.hides) for f in (met, wholly_met))
        return {
            "dataset": train.name,
            "training": len(train),
            "held_out": len(held_out),
            "requests": {
                "each": self.each,
                "size": requests.size.tolist(),
                "value": [names[v] for v in requests.value.tolist()],
                "field": [owner[v] for v in requests.value.tolist()],
            },
            "real": {"met": bits(right), "whole": bits(whole)},
            "slots": {schema.fields[f].name: share(read[:, f] == held_out.labels[:, f]).value for f in slots(schema)},
            "floor": self.compared(train.images[:FLOOR_PICTURES]),
        }

    def write_reference(self, path: Path) -> None:
        """Once for each data set."""
        if not path.exists():
            text = json.dumps(self.reference()) + "\n"
            write_atomically(path, lambda file: file.write(text.encode("utf-8")))


def bits(shown: Tensor) -> str:
    """(N,) of 1, 0 and NaN as "1", "0" and "-", a character each."""
    return "".join("-" if x != x else str(int(x)) for x in shown.double().tolist())
