"""Held-out exact match: is a picture drawn from its complete label the picture itself, pixel for pixel?

It can be asked where the label determines the picture, as for CryptoPunks and pixelfaces. The pictures compared
with are held out, so a model cannot have learned them by heart; it must have learned what each value looks like.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data.palette import Palette
from evaluation.bench import Bench, Read
from evaluation.draws import Job
from runtime.plots import percent, save_rows, table

WORST = 12


def wrong_pixels(drawn: Tensor, truth: Tensor) -> Tensor:
    """(K, N, C, H, W) and (N, C, H, W) uint8 -> (K, N) int64: pixels that differ in any channel."""
    return (drawn != truth).any(dim=2).flatten(2).sum(dim=2)


def palette_error(images: Tensor, palette: Palette) -> float:
    """Mean absolute distance, in levels of 255, of (N, C, H, W) uint8 pictures to the nearest colours of all."""
    return (images.short() - palette.snap(images, "palette").short()).abs().float().mean().item()


def exact_match(drawn: Tensor, truth: Tensor, palette: Palette) -> tuple[dict[str, float], Tensor]:
    """Figures for pictures (K, N, C, H, W) uint8, not snapped, drawn K times from the labels of `truth`.

    exact_one_seed  : share drawn without a wrong pixel, averaged over the tries
    exact_best      : share for which at least one of the tries has none
    wrong_mean      : wrong pixels per picture, of H x W, over all tries; wrong_median likewise
    palette         : the same where snapping takes the nearest colour of all, wherever in the picture
    reachable       : share of `truth` that snapping leaves as it is; no drawing of the others can be exact
    palette_error   : see `palette_error`

    Second, the wrong pixels (K, N) after snapping.
    """
    wrong, plain = (
        wrong_pixels(torch.stack([palette.snap(images, to) for images in drawn]), truth) for to in ("place", "palette")
    )
    figures = {
        "images": len(truth),
        "tries": len(drawn),
        **_summary(wrong),
        "palette": _summary(plain),
        "reachable": (wrong_pixels(palette.snap(truth)[None], truth) == 0).double().mean().item(),
        "palette_error": palette_error(drawn.flatten(0, 1), palette),
    }
    return figures, wrong


def _summary(wrong: Tensor) -> dict[str, float]:
    return {
        "exact_one_seed": (wrong == 0).double().mean().item(),
        "exact_best": (wrong == 0).any(dim=0).double().mean().item(),
        "wrong_mean": wrong.double().mean().item(),
        "wrong_median": wrong.double().median().item(),
    }


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
        figures, self.wrong = exact_match(self.drawn, self.data.images, self.bench.pipe.palette)
        return {"w": self.bench.settings["w"], **figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        worst = self.wrong[0].argsort(descending=True)[:WORST]
        rows = [self.bench.snapped(self.drawn[0, worst]), self.data.images[worst]]
        caption = f"The worst of {len(self.data)} held-out pictures. {self.bench.caption(self.jobs[:1])}"
        save_rows(out / "worst.png", rows, ["drawn", "true"], 4, caption, self.bench.provenance())
        kinds = (figures, figures["palette"])
        values = [
            ("exact, one seed", *(percent(kind["exact_one_seed"]) for kind in kinds)),
            (f"exact, best of {figures['tries']}", *(percent(kind["exact_best"]) for kind in kinds)),
            ("wrong pixels, mean", *(f"{kind['wrong_mean']:.2f}" for kind in kinds)),
            ("wrong pixels, median", *(f"{kind['wrong_median']:g}" for kind in kinds)),
        ]
        return (
            f"## Exact match\n\n{figures['images']} pictures of the {self.bench.split} split, each drawn from its "
            f"complete label at w = {figures['w']:g}; {percent(figures['reachable'])} of them consist of colours that "
            "training pictures have at the same places. Before snapping, a colour is "
            f"{figures['palette_error']:.2f} of 255 levels off the palette.\n\n"
            + table(("what", "snapped to the colours of each place", "to any colour of the palette"), values)
            + "\n![The worst](worst.png)\n"
        )
