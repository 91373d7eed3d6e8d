"""The sections of docs/REPORT.md: what each asks, its tables and its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.images import read_rgb, save_picture
from evaluation.intervals import Estimate
from runtime.plots import Dots, intervals, labelled_rows, table
from scripts.studies.figures import Pooled, spread
from scripts.studies.measure import untiled
from scripts.studies.runs import Study

W = (1.0, 3.0)
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Page:
    """Where the report and its figures go, and where the metrics are.

    path    : of the report
    images  : folder of its figures
    metrics : folder of the metrics and sheets
    """

    path: Path
    images: Path
    metrics: Path

    def link(self, name: str, text: str) -> str:
        """Markdown for a figure."""
        return f"![{text}]({self.images.relative_to(self.path.parent).as_posix()}/{name})\n"


@dataclass(frozen=True)
class Rows:
    """The rows of a study that were trained."""

    study: Study
    rows: dict[str, Pooled]

    @classmethod
    def read(cls, study: Study, folder: Path) -> Rows:
        found = {name: Pooled.read(variant, folder) for name, variant in study.rows.items()}
        return cls(study, {name: pooled for name, pooled in found.items() if pooled})

    @property
    def names(self) -> list[str]:
        return list(self.rows)

    def dots(self, of: Callable[[Pooled], Estimate]) -> list[Point]:
        return [of(pooled)[:3] for pooled in self.rows.values()]

    def ranges(self, of: Callable[[Pooled], list[float]]) -> list[Point]:
        """Means over seeds, from the lowest to the highest."""
        return [_range(of(pooled)) for pooled in self.rows.values()]


def _range(values: Sequence[float]) -> Point:
    return (sum(values) / len(values), min(values), max(values)) if values else (math.nan, math.nan, math.nan)


# -- provenance ------------------------------------------------------------------------------------------------------


def provenance(rows: Rows) -> str:
    """The commands, with seeds, minutes and hardware."""
    lines = [
        (name, f"`{pooled.records[0]['command']}`", len(pooled.records), f"{pooled.records[0]['parameters'] / 1e6:.2f} M",
         f"{pooled.records[0]['steps']:,} of {pooled.records[0]['images'] // pooled.records[0]['steps']}", pooled.minutes)
        for name, pooled in rows.rows.items()
    ]  # fmt: skip
    return details("Commands, seeds, minutes, hardware", table(
        ("", "command", "seeds", "parameters", "steps", "minutes of training"), lines
    ) + f"\n{machines(rows)}\n")  # fmt: skip


def machines(rows: Rows) -> str:
    """Where the trainings ran, in words."""
    records = [record for pooled in rows.rows.values() for record in pooled.records]
    places = sorted({
        f"{r['hardware']}, {r['side_by_side']} trainings side by side, {r['precision']}, PyTorch {r['torch']}, "
        f"code {r['code']}" for r in records
    })  # fmt: skip
    return (
        f"On {'; '.join(places)}. Seeds count from 0 (`seed=1`, ...). Trainings side by side share the machine, so "
        "minutes say what was spent, not what one training alone would take."
    )


def details(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


# -- tables and figures that several sections have -------------------------------------------------------------------


def requests_table(rows: Rows, ws: Sequence[float]) -> str:
    """Requests met, pictures that are right, and their distribution."""
    header = ["", "w", "asked for, met", "whole requests", "one named", "valid", "wrong pixels", "FID", "recall"]
    lines = []
    for name, pooled in rows.rows.items():
        for w in (w for w in ws if w in pooled.ws()):
            lines.append([name, f"{w:g}", *request_cells(pooled, w), *distribution_cells(pooled, w)])
    first = next(iter(rows.rows.values()))
    floor = first.reference["floor"]
    lines.append(["real pictures", "", *real_cells(first), f"{floor['fid']:.1f}", f"{floor['recall']:.3f}"])
    return table(*without_empty(header, lines))


def request_cells(pooled: Pooled, w: float) -> list[str]:
    wrong = pooled.numbers(lambda record: record["requests"][f"{w:g}"]["wrong_pixels"])
    return [
        pooled.requests(w, "met").percent,
        pooled.requests(w, "whole").percent,
        pooled.requests(w, "met", size=1).percent,
        pooled.requests(w, "valid").percent,
        spread(wrong, ".1f"),
    ]


def real_cells(pooled: Pooled) -> list[str]:
    real = [pooled.real("met").percent, pooled.real("whole").percent, pooled.real("met", size=1).percent]
    return [*real, "100 %" if pooled.reference["dataset"] == "pixelfaces" else "", ""]


def distribution_cells(pooled: Pooled, w: float) -> list[str]:
    return [spread(pooled.distribution(w, "fid"), ".1f"), spread(pooled.distribution(w, "recall"), ".3f")]


def without_empty(header: Sequence[str], lines: Sequence[Sequence[object]]) -> tuple[list[str], list[list[object]]]:
    """Without the columns in which no line has anything."""
    kept = [i for i in range(len(header)) if i == 0 or any(line[i] != "" for line in lines)]
    return [header[i] for i in kept], [[line[i] for i in kept] for line in lines]


def ablation(rows: Rows, page: Page) -> str:
    """A table, and a figure of the same: requests met, wrong pixels, FID."""
    key = rows.study.key
    panels = [
        Dots("whole requests met", {f"w = {w:g}": rows.dots(lambda p, w=w: p.requests(w, "whole")) for w in W}),
        Dots("wrong pixels of 576", {f"w = {w:g}": rows.ranges(lambda p, w=w: _wrong(p, w)) for w in W}, share=False),
        Dots("FID (classifier features)", {f"w = {w:g}": rows.ranges(lambda p, w=w: p.distribution(w, "fid")) for w in W},
             share=False),
    ]  # fmt: skip
    caption = (
        "pixelfaces, three seeds. Shares: mean and 95 % interval over seeds and requests; wrong pixels and FID: mean, "
        "lowest and highest seed."
    )
    intervals(page.images / f"{key}.png", rows.names, panels, caption)
    return f"{requests_table(rows, W)}\n{page.link(f'{key}.png', key)}\n{provenance(rows)}"


def _wrong(pooled: Pooled, w: float) -> list[float]:
    return pooled.numbers(lambda record: record["requests"][f"{w:g}"]["wrong_pixels"])


def sheet_figure(page: Page, name: str, source: str, side: int, labels: Sequence[str], caption: str) -> str:
    """A sheet that a training left, enlarged and labelled."""
    path = page.metrics / source
    if not path.exists():
        return ""
    strips = untiled(read_rgb(path), side)
    save_picture(labelled_rows(strips, labels, 3, caption), page.images / name)
    return page.link(name, caption)
