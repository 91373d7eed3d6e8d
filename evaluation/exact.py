"""Held-out exact match: is a picture sampled from its complete label the picture itself, pixel for pixel?

It can be asked where the label determines the picture, as for CryptoPunks and pixelfaces. The pictures compared
with are held out, so a model cannot have learned them by heart; it must have learned what each value looks like.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conf import setting
from data.palette import Palette
from evaluation.bench import MANY, Bench, MeasureSettings, Read
from evaluation.samples import SampleSet
from runtime.plots import percent, save_rows, table

WORST = 12


class ExactMatchSettings(MeasureSettings):
    """Of exact match."""

    n: int = setting(500, "pictures of the split, from its beginning", ge=1, le=MANY)
    tries: int = setting(4, "times each is sampled, with other seeds", ge=1, le=1000)


def wrong_pixels(samples: Tensor, truth: Tensor) -> Tensor:
    """(K, N, C, H, W) and (N, C, H, W) uint8 -> (K, N) int64: pixels that differ in any channel."""
    return (samples != truth).any(dim=2).flatten(2).sum(dim=2)


def palette_error(images: Tensor, palette: Palette) -> float:
    """Mean absolute distance, in levels of 255, of (N, C, H, W) uint8 pictures to the nearest palette colours."""
    return (images.short() - palette.quantise(images, "palette").short()).abs().float().mean().item()


def exact_match(samples: Tensor, truth: Tensor, palette: Palette) -> tuple[dict[str, Any], Tensor]:
    """Figures for pictures (K, N, C, H, W) uint8, not quantised, sampled K times from the labels of `truth`.

    exact_one_seed  : share sampled without a wrong pixel, averaged over the tries
    exact_best      : share for which at least one of the tries has none
    wrong_mean      : wrong pixels per picture, of H x W, over all tries; wrong_median likewise
    palette         : the same, quantised to the nearest colour of all, whichever pixel it is
    reachable       : share of `truth` that quantising per pixel leaves as it is; no sample of the others can be exact
    palette_error   : see `palette_error`

    Second, the wrong pixels (K, N) after quantising per pixel.
    """
    wrong, anywhere = (
        wrong_pixels(torch.stack([palette.quantise(images, to) for images in samples]), truth)
        for to in ("pixel", "palette")
    )
    figures = {
        "images": len(truth),
        "tries": len(samples),
        **_summary(wrong),
        "palette": _summary(anywhere),
        "reachable": (wrong_pixels(palette.quantise(truth)[None], truth) == 0).double().mean().item(),
        "palette_error": palette_error(samples.flatten(0, 1), palette),
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

    Settings = ExactMatchSettings

    def __init__(self, bench: Bench, settings: ExactMatchSettings):
        self.bench, held_out = bench, bench.held_out
        self.data = held_out.select(torch.arange(min(settings.n, len(held_out))))
        n, labels, w = len(self.data), self.data.labels, bench.settings.w
        self.sets = [
            SampleSet(f"exact match, {k + 1}", labels, range(k * n, (k + 1) * n), w) for k in range(settings.tries)
        ]

    @staticmethod
    def applies(bench: Bench) -> bool:
        return bench.pipe.palette is not None and len(bench.pipe.schema) > 0

    def measure(self, read: Read) -> dict[str, Any]:
        self.samples = torch.stack([read(samples) for samples in self.sets])
        figures, self.wrong = exact_match(self.samples, self.data.images, self.bench.pipe.palette)
        return {"w": self.bench.settings.w, "nfe": self.bench.evaluations(self.sets[0]), **figures}

    def report(self, figures: dict[str, Any], out: Path) -> str:
        split = self.bench.settings.split
        worst = self.wrong[0].argsort(descending=True)[:WORST]
        rows = [self.bench.quantised(self.samples[0, worst]), self.data.images[worst]]
        caption = f"The worst of {len(self.data)} held-out pictures. {self.bench.caption(self.sets[:1])}"
        save_rows(out / "worst.png", rows, ["sampled", "true"], 4, caption, self.bench.provenance())
        kinds = (figures, figures["palette"])
        values = [
            ("exact, one seed", *(percent(kind["exact_one_seed"]) for kind in kinds)),
            (f"exact, best of {figures['tries']}", *(percent(kind["exact_best"]) for kind in kinds)),
            ("wrong pixels, mean", *(f"{kind['wrong_mean']:.2f}" for kind in kinds)),
            ("wrong pixels, median", *(f"{kind['wrong_median']:g}" for kind in kinds)),
        ]
        return (
            f"## Exact match\n\n{figures['images']} pictures of the {split} split, each sampled from its complete "
            f"label at w = {figures['w']:g} with NFE {figures['nfe']}; {percent(figures['reachable'])} of them consist "
            "of colours that training pictures have at the same pixels. Before quantising, a colour is "
            f"{figures['palette_error']:.2f} of 255 levels off the palette.\n\n"
            + table(("figure", "quantised to the colours of each pixel", "to any colour of the palette"), values)
            + "\n![The worst](worst.png)\n"
        )
