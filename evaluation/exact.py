"""Held-out exact match: is a picture sampled from its complete label the picture itself, pixel for pixel?

It can be asked where the label determines the picture, as for CryptoPunks and pixelfaces. The pictures compared
with are held out, so a model cannot have learned them by heart; it must have learned what each value looks like. How
much of that can be had without learning stands beside it, by analogy with training pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conf import setting
from data.images import save_png
from data.palette import Palette
from evaluation.baselines import Analogy, nearest
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read
from evaluation.intervals import mean, mean_of_shares, share
from evaluation.samples import SampleSet
from runtime.plots import percent, save_rows, table

WORST = 12


class ExactMatchSettings(MeasureSettings):
    """Of exact match."""

    n: int = setting(1000, "pictures of the split, from its beginning", ge=1, le=MANY)
    tries: int = setting(4, "times each is sampled, with other seeds", ge=1, le=1000)
    pictures: bool = setting(False, "whether the first try is kept in pictures/, as scripts/score.py takes it")


def wrong_pixels(samples: Tensor, truth: Tensor) -> Tensor:
    """(K, N, C, H, W) and (N, C, H, W) uint8 -> (K, N) int64: pixels that differ in any channel."""
    return (samples != truth).any(dim=2).flatten(2).sum(dim=2)


def palette_error(images: Tensor, palette: Palette) -> float:
    """Mean absolute distance, in levels of 255, of (N, C, H, W) uint8 pictures to the nearest palette colours."""
    return (images.short() - palette.quantise(images, "palette").short()).abs().float().mean().item()


def exact_match(samples: Tensor, truth: Tensor, palette: Palette) -> tuple[dict[str, Any], Tensor]:
    """Figures for pictures (K, N, C, H, W) uint8, not quantised, sampled K times from the labels of `truth`.

    exact_one_seed  : share sampled without a wrong pixel, averaged over the tries, with its interval over pictures
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
        **_summary(wrong),
        "palette": _summary(anywhere),
        "reachable": (wrong_pixels(palette.quantise(truth)[None], truth) == 0).double().mean().item(),
        "palette_error": palette_error(samples.flatten(0, 1), palette),
    }
    return figures, wrong


def _summary(wrong: Tensor) -> dict[str, Any]:
    """Of wrong pixels (K, N)."""
    right = wrong == 0
    return {
        "tries": len(wrong),
        "exact_one_seed": share(right[0]) if len(right) == 1 else mean_of_shares([right.double().mean(dim=0)]),
        "exact_best": share(right.any(dim=0)),
        "wrong_mean": mean(wrong.double().mean(dim=0)),
        "wrong_median": wrong.double().median().item(),
    }


class ExactMatch(Measure):
    """The measure; see evaluation/bench.py. Picture i of try k has the seed k N + i, at seed=0."""

    Settings = ExactMatchSettings

    def __init__(self, bench: Bench, settings: ExactMatchSettings):
        self.bench, self.settings, held_out = bench, settings, bench.held_out.complete
        self.data = held_out.select(torch.arange(min(settings.n, len(held_out))))
        n, labels, w = len(self.data), self.data.labels, bench.settings.w
        self.sets = [
            SampleSet(f"exact match, {k + 1}", labels, bench.seeds(k * n, n), w) for k in range(settings.tries)
        ]

    @staticmethod
    def applies(bench: Bench) -> bool:
        known = bench.held_out.complete, bench.seen.complete
        determined = bench.pipe.palette is not None and bench.pipe.recipe.dataset.determined
        return determined and len(bench.pipe.schema) > 0 and min(map(len, known)) > 0

    def measure(self, read: Read) -> dict[str, Any]:
        self.samples = torch.stack([read(samples) for samples in self.sets])
        figures, self.wrong = exact_match(self.samples, self.data.images, self.bench.pipe.palette)
        train, labels = self.bench.seen.complete, self.data.labels
        without = {"analogy": Analogy(train)(labels), "nearest": nearest(train, labels)}
        baselines = {name: _summary(wrong_pixels(images[None], self.data.images)) for name, images in without.items()}
        return {
            "w": self.bench.settings.w,
            "nfe": self.bench.evaluations(self.sets[0]),
            **figures,
            "baselines": baselines,
        }

    def report(self, figures: dict[str, Any], out: Path) -> str:
        split = self.bench.settings.split
        worst = self.wrong[0].argsort(descending=True)[:WORST]
        rows = [self.bench.quantised(self.samples[0, worst]), self.data.images[worst]]
        caption = f"The worst of {len(self.data)} held-out pictures. {self.bench.caption(self.sets[:1])}"
        save_rows(out / "worst.png", rows, ["sampled", "true"], 4, caption, self.bench.provenance())
        if self.settings.pictures:
            (out / "pictures").mkdir()
            for image, number in zip(self.bench.quantised(self.samples[0]), self.data.ids.tolist(), strict=True):
                save_png(image, out / "pictures" / f"{number}.png")
        baselines, nfe = figures["baselines"], figures["nfe"]
        rows = [
            ("ceiling: pictures that quantising leaves as they are", "", percent(figures["reachable"]), "", "", ""),
            ("sampled, quantised to the colours of each pixel", nfe, *_cells(figures)),
            ("sampled, quantised to any colour of the palette", nfe, *_cells(figures["palette"])),
            ("baseline: by analogy with training pictures", 0, *_cells(baselines["analogy"])),
            ("baseline: the training picture with the nearest label", 0, *_cells(baselines["nearest"])),
        ]
        best = f"exact, best of {figures['tries']}"
        return (
            f"## Exact match\n\n{figures['images']} pictures of the {split} split, each sampled from its complete "
            f"label at w = {figures['w']:g}. The baselines learn nothing. Before quantising, a colour is "
            f"{figures['palette_error']:.2f} of 255 levels off the palette.\n\n"
            + table(("pictures", "NFE", "exact, one seed", best, "wrong pixels, mean", "median"), rows)
            + "\n![The worst](worst.png)\n"
        )


def _cells(figures: dict[str, Any]) -> list[str]:
    best = figures["exact_best"].percent if figures["tries"] > 1 else ""
    median = f"{figures['wrong_median']:g}"
    return [figures["exact_one_seed"].percent, best, figures["wrong_mean"].number, median]
