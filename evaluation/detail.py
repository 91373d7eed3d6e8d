"""Detail: is what a label leaves open one of the things that it can be, in every pixel, and each of them as often?

For bigfaces alone, whose details an oracle reads exactly. A regression answers what is open with the mean of all
answers, which is none of them; a model that always gives the same answer has no variety. Pixel by pixel, real pictures
are the ceiling, and enlarged small ones, which have no detail, the floor.
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from conf import Text, setting
from data.bigfaces import DETAILS, PARTS, SCALE, BigFaces, read_detail
from data.images import enlarge, reduced
from diffusion.sampling import SamplingOptions
from evaluation.bench import MANY, Bench, Measure, MeasureSettings, Read, refuse_seen
from evaluation.intervals import Estimate, bootstrap_of, mean, mean_of_shares
from evaluation.samples import SampleSet
from inference.job import load_other
from inference.pipeline import Pipeline
from inference.refusals import refuse_alone
from inference.upsampling import refuse_upsampler
from runtime.plots import save_rows, table

SEED = 6_000_000  # of the first picture
SHOWN = 8
REAL, FLOOR = "ceiling: real pictures", "floor: small pictures, enlarged"


class DetailSettings(MeasureSettings):
    """Of detail."""

    n: int = setting(200, "pictures of the split, from its beginning", ge=1, le=MANY)
    tries: int = setting(2, "times each is sampled, with other seeds", ge=1, le=1000)
    w: list[Annotated[float, Field(ge=0)]] = setting([1.0], "guidance", min_length=1)
    small: Text | None = setting(
        None, "of an upsampler: weights that generate the small pictures from the labels; null for those of the split"
    )

    @property
    def weights(self) -> list[float]:
        return self.w


class Found(NamedTuple):
    """What K tries of N pictures show."""

    detail: Tensor  # (K, N, 4) int64
    wrong: Tensor  # (K, N, 5) int64
    labelled: Tensor  # (K, N) bool, whether the anchors have the label asked for
    kept: Tensor  # (K, N) bool, whether the anchors are the small picture

    @property
    def valid(self) -> Tensor:
        """(K, N, 5) float64: 1 where a part equals one of its renderings, NaN where there is none."""
        return torch.where(self.wrong < 0, torch.nan, (self.wrong == 0).double())


def found(images: Tensor, labels: Tensor, small: Tensor) -> Found:
    """Of (K, N, 3, 96, 96) uint8, with the labels (N, F) and small pictures (N, 3, h, w) that they should have."""
    readings = [read_detail(tries) for tries in images]
    labelled = torch.stack([(reading.labels == labels).all(dim=1) for reading in readings])
    kept = (reduced(images, images.shape[-1] // small.shape[-1]) == small).flatten(2).all(dim=2)
    return Found(*(torch.stack([getattr(r, name) for r in readings]) for name in ("detail", "wrong")), labelled, kept)


def figures_of(show: Found, has_small: bool) -> dict[str, Any]:
    """Shares and means over the tries of a picture, with intervals over pictures.

    valid       : share of its slots that equal one of their renderings in every pixel
    parts       : the same of each slot, and of the rest of the picture, which has one rendering
    whole       : share of pictures of which that holds everywhere
    wrong_mean  : pixels by which it differs from the nearest picture of its label
    variety     : entropy of the details of valid slots, as a share of that of equal frequencies; averaged over slots
    alike       : share of slots valid in the first two tries that have the same detail in both, by chance one in 2, 2,
                  4 and 8; NaN where each picture is there once, or none is valid
    labelled    : share whose anchors have the label asked for
    kept        : of an upsampler, share whose anchors are the small picture
    """
    valid, slots = show.valid, len(DETAILS)
    every = valid.nanmean(dim=0)  # (N, 5)
    return {
        "valid": mean_of_shares([every[:, :slots].nanmean(dim=1)]),
        "parts": {name: mean_of_shares([every[:, part]]) for part, name in enumerate(PARTS)},
        "whole": mean_of_shares([(valid != 0).all(dim=2).double().mean(dim=0)]),
        "wrong_mean": mean(show.wrong.clamp(min=0).sum(dim=2).double().mean(dim=0)),
        "variety": bootstrap_of(variety, torch.where(valid[0, :, :slots] == 1, show.detail[0], -1)),
        "alike": _alike(show),
        "labelled": mean_of_shares([show.labelled.double().mean(dim=0)]),
        "kept": mean_of_shares([show.kept.double().mean(dim=0)] if has_small else []),
    }


def variety(detail: Tensor) -> Tensor:
    """Of details (..., N, 4), below 0 where they do not count, (...): the mean over slots of entropy / log of their
    number."""
    shares = []
    for column, n in enumerate(DETAILS.values()):
        counts = (detail[..., column, None] == torch.arange(n)).sum(dim=-2).double()  # (..., n)
        p = counts / counts.sum(dim=-1, keepdim=True).clamp(min=1)
        shares.append(-torch.xlogy(p, p).sum(dim=-1) / math.log(n))
    return torch.stack(shares).mean(dim=0)


def _alike(show: Found) -> Estimate:
    if len(show.detail) == 1:
        return mean_of_shares([])
    both = (show.valid[:2, :, : len(DETAILS)] == 1).all(dim=0)
    same = (show.detail[0] == show.detail[1]).double()
    return mean_of_shares([torch.where(both, same, torch.nan).nanmean(dim=1)])


class Detail(Measure):
    """The measure; see evaluation/bench.py. Picture i of try k has the seed SEED + k N + i, at seed=0."""

    Settings = DetailSettings
    reads: ClassVar[bool] = False
    enlarges: ClassVar[bool] = True

    def __init__(self, bench: Bench, settings: DetailSettings):
        self.bench, self.settings = bench, settings
        self.data = bench.held_out.select(torch.arange(min(settings.n, len(bench.held_out))))
        self.upsamples, self.scale = bench.pipe.recipe.upsample is not None, bench.pipe.recipe.upsample or SCALE
        if settings.small is not None and not self.upsamples:
            raise ValueError(f"detail.small={settings.small}: these weights enlarge no small pictures; leave it out")
        self.generator = load_other("detail.small", settings.small, Pipeline.load, bench.pipe.device)
        if self.generator is not None:
            refuse_alone(self.generator)
            refuse_upsampler(self.generator, bench.pipe)
            refuse_seen(self.generator, bench.settings.split, "detail.small")

    @staticmethod
    def applies(bench: Bench) -> bool:
        return isinstance(bench.pipe.recipe.dataset, BigFaces) and len(bench.pipe.schema) > 0

    @cached_property
    def small(self) -> Tensor:
        """(N, 3, h, w) uint8, of the labels of the split."""
        if self.generator is None:
            return reduced(self.data.images, self.scale)
        return self.generator(self.data.labels, self.bench.seeds(SEED, len(self.data)), self.options)

    @property
    def options(self) -> SamplingOptions:
        """Of the small pictures."""
        return SamplingOptions(w=self.bench.settings.w)

    @cached_property
    def sets(self) -> list[SampleSet]:
        n, small, tries = len(self.data), self.small if self.upsamples else None, range(self.settings.tries)
        seeds = [self.bench.seeds(SEED + k * n, n) for k in tries]
        return [
            SampleSet(f"detail, {k + 1}, w = {w:g}", self.data.labels, seeds[k], w, small=small)
            for w in self.settings.w
            for k in tries
        ]

    def measure(self, read: Read) -> dict[str, Any]:
        labels, tries, small = self.data.labels, self.settings.tries, self.small
        pictures = [self.bench.quantised(read(samples)) for samples in self.sets]
        self.images = [torch.stack(pictures[i : i + tries]) for i in range(0, len(pictures), tries)]
        real, enlarged = self.data.images, enlarge(small, self.scale)
        shown = [found(images, labels, small) for images in (enlarged[None], *self.images)]
        floor, *sampled = (figures_of(show, self.upsamples) for show in shown)
        before = self.generator.evaluations(labels[:1], self.options) if self.generator else 0
        cost = [{"w": first.w, "nfe": before + self.bench.evaluations(first)} for first in self.sets[::tries]]
        return {
            "n": len(labels),
            "real": figures_of(found(real[None], labels, reduced(real, self.scale)), self.upsamples),
            "floor": floor,
            "sampled": [{**one, **other} for one, other in zip(cost, sampled, strict=True)],
        }

    def report(self, figures: dict[str, Any], out: Path) -> str:
        rows = [enlarge(self.small[:SHOWN], self.scale), *self.images[0][:2, :SHOWN], self.data.images[:SHOWN]]
        names = ["small", *("sampled", "other seeds")[: self.settings.tries], "real"]
        caption = f"The first {SHOWN} of {figures['n']} pictures. {self.bench.caption(self.sets)}"
        save_rows(out / "detail.png", rows, names, 1, caption, self.bench.provenance())
        sampled = [(f"sampled, w = {f['w']:g}", f["nfe"], f) for f in figures["sampled"]]
        every = [(REAL, "", figures["real"]), *sampled, (FLOOR, 0, figures["floor"])]
        header = ("pictures", "NFE", "valid slots", "whole pictures", "wrong pixels", "variety", "same twice", "label",
                  "small picture kept")  # fmt: skip
        lines = [(name, nfe, *_cells(f)) for name, nfe, f in every]
        by_part = [(name, *(f["parts"][part].percent for part in PARTS)) for name, _, f in every]
        return (
            f"## Detail\n\n{figures['n']} labels of the {self.bench.settings.split} split, each sampled "
            f"{self.settings.tries} times. Valid: equal to one of its renderings in every pixel. Wrong pixels, of "
            f"{self.data.images[0, 0].numel():,}: those by which a picture differs from the nearest of its label. "
            "Variety: entropy of the details, as a share of the highest. Same twice: slots that have one detail in two "
            f"tries; by chance one in {', '.join(map(str, DETAILS.values()))}.\n\n{table(header, lines)}\n"
            f"Valid, part by part:\n\n{table(('pictures', *PARTS), by_part)}\n![The first pictures](detail.png)\n"
        )


def _cells(figures: dict[str, Any]) -> list[str]:
    shares = [figures[name].percent for name in ("variety", "alike", "labelled", "kept")]
    return [figures["valid"].percent, figures["whole"].percent, figures["wrong_mean"].number, *shares]
