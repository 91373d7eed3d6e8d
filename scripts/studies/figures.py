"""The metrics of all trainings, read back and pooled over seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evaluation.intervals import Estimate, share, share_over_groups
from scripts.studies.variants import Variant


def unbits(text: str) -> Tensor:
    """The inverse of `scripts.studies.readers.bits`."""
    return torch.tensor([math.nan if c == "-" else float(c) for c in text], dtype=torch.float64)


def reference_in(folder: Path, dataset: str) -> Path:
    """What `scripts.studies.readers.Reader.reference` says of a data set, beside the metrics."""
    return folder / f"reference-{dataset}.json"


@dataclass(frozen=True)
class Pooled:
    """The metrics files of one variant, a seed each, in order; empty where it was not trained."""

    variant: Variant
    records: list[dict[str, Any]]
    reference: dict[str, Any]

    @classmethod
    def read(cls, variant: Variant, folder: Path) -> Pooled:
        """Raises ValueError where there are metrics, but not the reference that they are set beside."""
        paths = [folder / f"{variant.name}-{seed}.json" for seed in range(variant.seeds)]
        records = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
        if not records or variant.measures.detail:
            return cls(variant, records, {})
        reference = reference_in(folder, records[0]["dataset"])
        if not reference.is_file():
            raise ValueError(
                f"{reference.as_posix()}: missing, and {variant.name} has metrics that are set beside it; "
                f"python scripts/study.py out={folder.as_posix()} only=[{variant.name}] writes it"
            )
        return cls(variant, records, json.loads(reference.read_text(encoding="utf-8")))

    def __bool__(self) -> bool:
        return bool(self.records)

    # -- requests -----------------------------------------------------------------------------------------------------

    def requests(self, w: float, key: str, size: int | None = None) -> Estimate:
        """The share of requests of which `key` is true: met, whole or valid; of those that name `size` things."""
        parts = [unbits(record["requests"][f"{w:g}"][key]) for record in self.records if self._has(record, w, key)]
        if size is not None:
            of = torch.tensor(self.reference["requests"]["size"]) == size
            parts = [part[of] for part in parts]
        return pooled(parts)

    def real(self, key: str, size: int | None = None) -> Estimate:
        """The same of the real pictures that the requests are about, as far as they can be read."""
        shown = unbits(self.reference["real"][key])
        if size is not None:
            shown = shown[torch.tensor(self.reference["requests"]["size"]) == size]
        return share(shown)

    def _has(self, record: dict[str, Any], w: float, key: str) -> bool:
        return key in record.get("requests", {}).get(f"{w:g}", {})

    def ws(self) -> list[float]:
        """Guidance of the requests."""
        return [float(w) for w in self.records[0].get("requests", {})]

    # -- complete labels ----------------------------------------------------------------------------------------------

    def complete(self, w: float, key: str = "whole") -> Estimate:
        """The share of pictures of complete labels that show all slots as asked for, or are `exact`."""
        return pooled([unbits(r["complete"][f"{w:g}"][key]) for r in self.records if "complete" in r])

    def slots(self, w: float) -> dict[str, Estimate]:
        """The share of pictures of complete labels that show each slot as asked for."""
        found = [record["complete"][f"{w:g}"] for record in self.records]
        return {slot: pooled([ones(part["slots"][slot], part["n"]) for part in found]) for slot in found[0]["slots"]}

    # -- numbers ------------------------------------------------------------------------------------------------------

    def numbers(self, of: Callable[[dict[str, Any]], float]) -> list[float]:
        """A number of each seed; of those that have it."""
        found = []
        for record in self.records:
            try:
                found.append(of(record))
            except KeyError:
                continue
        return found

    def distribution(self, w: float, metric: str) -> list[float]:
        return self.numbers(lambda record: record["distribution"][f"{w:g}"][metric])

    def mixes_classifiers(self) -> bool:
        """Whether an FID is in features of another classifier than that of the real pictures beside it, or of one that
        is not known: the two cannot be compared."""
        found = {part.get("features") for r in self.records for part in r.get("distribution", {}).values()}
        return bool(found) and (None in found or found != {self.reference["floor"].get("features")})

    def progress(self, of: Callable[[dict[str, Any]], float]) -> tuple[list[float], list[float]]:
        """(steps, means over seeds) of a figure of the kept weights, the final ones last."""
        first = self.records[0]
        steps = [int(step) for step in first["progress"]]
        values = [[of(record["progress"][str(step)]) for step in steps] + [of(record)] for record in self.records]
        return [*map(float, steps), float(first["steps"])], [sum(v) / len(v) for v in zip(*values, strict=True)]

    def loss(self, curve: str) -> tuple[list[float], list[float]]:
        """(steps, means over seeds) of a loss curve."""
        curves = [record["loss"][curve] for record in self.records]
        return [float(s) for s, _ in curves[0]], [sum(p[1] for p in at) / len(at) for at in zip(*curves, strict=True)]

    @property
    def minutes(self) -> str:
        return spread([record["seconds"] / 60 for record in self.records], ".2f")


def ones(hits: int, n: int) -> Tensor:
    """(n,) of which `hits` are 1 and the others 0."""
    return (torch.arange(n) < hits).double()


def pooled(parts: Sequence[Tensor]) -> Estimate:
    """Of one seed, the share with the interval of Wilson; of several, the mean with that of the bootstrap over seeds
    and over observations."""
    return share(parts[0]) if len(parts) == 1 else share_over_groups(parts)


def spread(values: Sequence[float], form: str) -> str:
    """The mean, and from where to where the seeds are: "12.1 (11.8 to 12.5)"."""
    if not values:
        return ""
    mean = sum(values) / len(values)
    ends = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{mean:{form}}{ends}"
