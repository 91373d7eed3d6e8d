"""Memorisation: are sampled pictures copies of training pictures, more often than unseen real ones are?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conf import setting
from evaluation.bench import MANY, Bench, MeasureSettings, Read
from evaluation.exact import wrong_pixels
from evaluation.samples import SampleSet
from runtime.plots import percent, save_rows, table

CHUNK = 256
SEED = 2_000_000  # of the first picture: the seeds of evaluation/distribution.py, so that both share samples
SHOWN = 14
ROWS = {
    "exact_copies": "exact copies of a training picture",
    "distance_median": "distance, median",
    "distance_lowest": "distance, lowest per cent",
    "pixels_median": "differing pixels, median",
}


class MemorisationSettings(MeasureSettings):
    """Of memorisation."""

    n: int = setting(1000, "pictures", ge=1, le=MANY)


def nearest(images: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """The training picture nearest to each image, in levels: (distance (N,) float64, row (N,) int64).

    images, training : (N, C, H, W) and (M, C, H, W) uint8. The distance is the root mean square over pixels and
    channels, in levels of 255; 0 is an exact copy.
    """
    flat = training.flatten(1).double()
    distances, rows = [], []
    for part in images.flatten(1).double().split(CHUNK):
        rows.append(torch.cdist(part, flat).argmin(dim=1))
        gap = part - flat[rows[-1]]  # again, exactly: cdist rounds
        distances.append(gap.square().mean(dim=1).sqrt())
    return torch.cat(distances), torch.cat(rows)


def measure(images: Tensor, training: Tensor, held_out: Tensor, pixel_art: bool) -> tuple[dict, Tensor]:
    """Figures for sampled pictures and, beside them, for real ones that are held out; and the rows of the nearest.

    exact_copies     : share that equals a training picture in every pixel
    distance_median  : to the nearest training picture, in levels of 255 (root mean square)
    distance_lowest  : the same for the nearest per cent
    pixels_median    : of pixel art, pixels that differ from it
    """
    figures, neighbours = {}, {}
    for name, pictures in (("sampled", images), ("held_out", held_out)):
        distance, rows = nearest(pictures, training)
        neighbours[name] = rows
        figures[name] = {
            "images": len(pictures),
            "exact_copies": (distance == 0).double().mean().item(),
            "distance_median": distance.median().item(),
            "distance_lowest": distance.quantile(0.01).item(),
        }
        if pixel_art:
            differing = wrong_pixels(pictures[None], training[rows])[0]
            figures[name]["pixels_median"] = differing.double().median().item()
    return figures, neighbours["sampled"]


class Memorisation:
    """The measure; see evaluation/bench.py. Looks at pictures sampled without a request."""

    Settings = MemorisationSettings

    def __init__(self, bench: Bench, settings: MemorisationSettings):
        self.bench, n = bench, settings.n
        self.sets = [SampleSet("memorisation", bench.pipe.schema.unknown(n), range(SEED, SEED + n), 1.0)]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        self.images = self.bench.quantised(read(self.sets[0]))
        training, held_out = self.bench.splits.train.images, self.bench.held_out.images
        figures, self.rows = measure(self.images, training, held_out, self.bench.pipe.palette is not None)
        return {"nfe": self.bench.evaluations(self.sets[0]), **figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        """Beside the first samples, those nearest to a training picture without being a copy of it."""
        training = self.bench.splits.train.images[self.rows]
        gap = (self.images.double() - training.double()).square().flatten(1).mean(dim=1)
        closest = gap.masked_fill(gap == 0, torch.inf).argsort()[:SHOWN]
        first = torch.arange(min(SHOWN, len(gap)))
        rows = [self.images[first], training[first], self.images[closest], training[closest]]
        labels = ["sampled", "nearest real", "closest sample", "nearest real"]
        caption = f"Above the first {len(first)}, below the closest that are no copies. {self.bench.caption(self.sets)}"
        save_rows(out / "neighbours.png", rows, labels, 3, caption, self.bench.provenance())
        kinds = [figures["sampled"], figures["held_out"]]
        cells = [
            [name, *(percent(f[key]) if key == "exact_copies" else f"{f[key]:.3g}" for f in kinds)]
            for key, name in ROWS.items()
            if key in kinds[0]
        ]
        sampled, real = (kind["images"] for kind in kinds)
        samples = f"{sampled} samples without a request, NFE {figures['nfe']}"
        header = ("nearest training picture", samples, f"{real} held-out real ones")
        return (
            "## Memorisation\n\nDistances are root mean squares over pixels and channels, in levels of 255.\n\n"
            f"{table(header, cells)}\n![Pictures and their nearest neighbours](neighbours.png)\n"
        )
