"""Held-out exact match: is a picture drawn from its complete label the picture itself, pixel for pixel?

It can be asked where the label determines the picture, as for CryptoPunks and pixelfaces. The pictures compared
with are held out, so a model cannot have learned them by heart; it must have learned what each value looks like.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data.base import InMemoryDataset
from data.images import snap
from evaluation.bench import Bench, Read
from evaluation.draws import Job
from evaluation.figures import percent, save_rows, table

WORST = 12


def wrong_pixels(drawn: Tensor, truth: Tensor) -> Tensor:
    """(K, N, C, H, W) and (N, C, H, W) uint8 -> (K, N) int64: pixels that differ in any channel."""
    return (drawn != truth).any(dim=2).flatten(2).sum(dim=2)


def palette_error(images: Tensor, snapped: Tensor) -> float:
    """Mean absolute distance, in levels of 255, between pictures and the same after snapping to the palette."""
    return (images.short() - snapped.short()).abs().float().mean().item()


def exact_match(drawn: Tensor, data: InMemoryDataset) -> tuple[dict[str, float], Tensor]:
    """Figures for pictures (K, N, C, H, W) uint8 drawn K times from the labels of `data`, before snapping.

    exact_one_seed  : share drawn without a wrong pixel, averaged over the tries
    exact_best      : share for which at least one of the tries has none
    wrong_mean      : wrong pixels per picture, of H x W, over all tries; wrong_median likewise
    palette_error   : see `palette_error`

    Second, the wrong pixels (K, N) after snapping.
    """
    snapped = torch.stack([snap(images, data.palette) for images in drawn])
    wrong = wrong_pixels(snapped, data.images)
    figures = {
        "images": len(data),
        "tries": len(drawn),
        "exact_one_seed": (wrong == 0).double().mean().item(),
        "exact_best": (wrong == 0).any(dim=0).double().mean().item(),
        "wrong_mean": wrong.double().mean().item(),
        "wrong_median": wrong.double().median().item(),
        "palette_error": palette_error(drawn, snapped),
    }
    return figures, wrong


class ExactMatch:
    """The measure; see evaluation/bench.py. Picture i of try k has the seed k N + i."""

    def __init__(self, bench: Bench):
        self.bench, settings = bench, bench.settings["exact"]
        held_out = bench.held_out
        self.data = held_out.select(torch.arange(min(settings["n"], len(held_out))))
        n, labels = len(self.data), self.data.labels
        w = bench.settings["w"]
        self.jobs = [
            Job(f"exact match, {k + 1}", labels, range(k * n, (k + 1) * n), w) for k in range(settings["tries"])
        ]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return bench.pipe.palette is not None and len(bench.pipe.schema) > 0

    def measure(self, read: Read) -> dict[str, Any]:
        self.drawn = torch.stack([read(job) for job in self.jobs])
        figures, self.wrong = exact_match(self.drawn, self.data)
        return {"w": self.bench.settings["w"], **figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        worst = self.wrong[0].argsort(descending=True)[:WORST]
        rows = [self.bench.snapped(self.drawn[0, worst]), self.data.images[worst]]
        caption = f"The worst of {len(self.data)} held-out pictures. {self.bench.caption(self.jobs[:1])}"
        save_rows(out / "worst.png", rows, ["drawn", "true"], 4, caption, self.bench.provenance())
        values = [
            ("exact, one seed", percent(figures["exact_one_seed"])),
            (f"exact, best of {figures['tries']}", percent(figures["exact_best"])),
            ("wrong pixels, mean", f"{figures['wrong_mean']:.2f}"),
            ("wrong pixels, median", f"{figures['wrong_median']:g}"),
            ("palette error before snapping, levels of 255", f"{figures['palette_error']:.2f}"),
        ]
        return (
            f"## Exact match\n\n{figures['images']} pictures of the {self.bench.split} split, each drawn from its "
            f"complete label at w = {figures['w']:g}.\n\n"
            + table(("what", "figure"), values)
            + "\n![The worst](worst.png)\n"
        )
