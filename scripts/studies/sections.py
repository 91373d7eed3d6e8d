"""The sections of docs/REPORT.md: what each asks, its tables and its figures."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.images import read_rgb, save_picture
from evaluation.intervals import Estimate
from runtime.plots import Dots, intervals, labelled_rows, table
from runtime.settings import command_line
from scripts.studies.figures import Pooled, spread
from scripts.studies.measure import untiled
from scripts.studies.settings import StudySettings
from scripts.studies.variants import ALIKE, Run, Study

W = (1.0, 3.0)
REQUESTED = ("asked for, met", "whole requests", "one named", "complete labels", "valid", "wrong pixels")
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
        return f"![{text}]({self.to(self.images / name)})\n"

    def to(self, path: Path) -> str:
        """What a link on the page to a file or folder says."""
        return Path(os.path.relpath(path, self.path.parent)).as_posix()


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
    lines = []
    for name, pooled in rows.rows.items():
        first = pooled.records[0]
        steps = f"{first['steps']:,} of {first['images'] // first['steps']}"
        size = f"{first['parameters'] / 1e6:.2f} M"
        command = " ".join([first["command"], *ALIKE])
        lines.append((name, f"`{command}`", len(pooled.records), size, steps, pooled.minutes))
    return details("Commands, seeds, minutes, hardware", table(
        ("", "command", "seeds", "parameters", "steps", "minutes of training"), lines
    ) + f"\n{machines(rows)}\n")  # fmt: skip


def needed(rows: Rows, what: str = "Weights to start from") -> str:
    """The commands of the trainings that come before those of the rows."""
    first = {run.variant.name: run for pooled in rows.rows.values() for run in Run(pooled.variant, 0).needs}
    typed = ([*run.overrides, *ALIKE, f"run={StudySettings().runs}/{run.name}"] for run in first.values())
    commands = "".join(f"- `{command_line('train.py', overrides)}`\n" for overrides in typed)
    return f"{what} are those of\n\n{commands}"


def machines(rows: Rows) -> str:
    """Where the trainings ran, in words."""
    records = [record for pooled in rows.rows.values() for record in pooled.records]
    places: dict[str, set[int]] = {}
    for r in records:
        place = f"{r['hardware']}, {r['precision']}, PyTorch {r['torch']}, code {r['code']}"
        places.setdefault(place, set()).add(r["side_by_side"])
    on = (f"{place}, {_side_by_side(jobs)}" for place, jobs in places.items())
    return (
        f"On {'; '.join(on)}. Seeds count from 0 (`seed=1`, ...). Trainings side by side share the machine, so "
        "minutes say what was spent, not what one training alone would take."
    )


def _side_by_side(jobs: set[int]) -> str:
    return "one training at a time" if jobs == {1} else f"{' or '.join(map(str, sorted(jobs)))} trainings side by side"


def seeds_in_words(rows: Rows) -> str:
    counts = sorted({len(pooled.records) for pooled in rows.rows.values()})
    return f"{' to '.join(map(str, {counts[0]: 0, counts[-1]: 0}))} seed{'s' * (counts[-1] > 1)}"


def details(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


# -- tables and figures that several sections have -------------------------------------------------------------------


def requests_table(rows: Rows, ws: Sequence[float]) -> str:
    """Requests met, pictures that are right, and their distribution."""
    header = ["", "w", *REQUESTED, "FID", "recall"]
    lines = []
    for name, pooled in rows.rows.items():
        for w in (w for w in ws if w in pooled.ws()):
            lines.append([name, f"{w:g}", *request_cells(pooled, w), *distribution_cells(pooled, w)])
    first = next(iter(rows.rows.values()))
    floor = first.reference["floor"]
    lines.append(["real pictures", "", *real_cells(first), f"{floor['fid']:.1f}", f"{floor['recall']:.3f}"])
    return table(*without_empty(header, lines))


def request_cells(pooled: Pooled, w: float) -> list[str]:
    return [
        pooled.requests(w, "met").percent,
        pooled.requests(w, "whole").percent,
        pooled.requests(w, "met", size=1).percent,
        pooled.complete(w).percent if f"{w:g}" in pooled.records[0].get("complete", {}) else "",
        pooled.requests(w, "valid").percent,
        spread(_wrong(pooled, w), ".1f"),
    ]


def real_cells(pooled: Pooled) -> list[str]:
    real = [pooled.real("met").percent, pooled.real("whole").percent, pooled.real("met", size=1).percent]
    return [*real, "", "100 %" if pooled.reference["dataset"] == "pixelfaces" else "", ""]


def distribution_cells(pooled: Pooled, w: float) -> list[str]:
    return [spread(pooled.distribution(w, "fid"), ".1f"), spread(pooled.distribution(w, "recall"), ".3f")]


def without_empty(header: Sequence[str], lines: Sequence[Sequence[object]]) -> tuple[list[str], list[list[object]]]:
    """Without the columns in which no line has anything, or none of the sampled pictures is valid."""
    valid, sampled = header.index("valid"), [line for line in lines if line[1] != ""]
    kept = [i for i in range(len(header)) if i == 0 or any(line[i] != "" for line in lines)]
    if all(line[valid] == "" or line[valid].startswith("0.0 %") for line in sampled):
        kept = [i for i in kept if i != valid]
    return [header[i] for i in kept], [[line[i] for i in kept] for line in lines]


def ablation(rows: Rows, page: Page) -> str:
    """A table, and a figure of the same: requests met, wrong pixels, FID."""
    key = rows.study.key
    panels = [
        Dots("whole requests met", by_w(lambda w: rows.dots(lambda p: p.requests(w, "whole")))),
        Dots("wrong pixels of 576", by_w(lambda w: rows.ranges(lambda p: _wrong(p, w))), share=False),
        Dots("FID (classifier features)", by_w(lambda w: rows.ranges(lambda p: p.distribution(w, "fid"))), share=False),
    ]
    caption = (
        f"pixelfaces, {seeds_in_words(rows)}. Shares: mean and 95 % interval over seeds and requests; wrong pixels and "
        "FID: mean, lowest and highest seed."
    )
    intervals(page.images / f"{key}.png", rows.names, panels, caption)
    return f"{requests_table(rows, W)}\n{page.link(f'{key}.png', key)}\n{provenance(rows)}"


def by_w(points: Callable[[float], list[Point]]) -> dict[str, list[Point]]:
    return {f"w = {w:g}": points(w) for w in W}


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
