"""The section of docs/REPORT.md on pictures of 96 x 96: in pixel space, by a cascade, and in latents."""

from __future__ import annotations

from typing import Any

from data.bigfaces import SCALE, SIDE
from data.images import read_rgb, save_picture
from evaluation.intervals import Estimate
from runtime.plots import Dots, intervals, labelled_rows, table
from scripts.studies.figures import Pooled
from scripts.studies.measure import untiled
from scripts.studies.sections import Page, Rows, needed, provenance

SHARES = ("labelled", "valid", "whole", "variety", "alike")


def larger(rows: Rows, page: Page) -> str:
    """What pictures show of label and detail, and what they cost."""
    cascade = rows.rows.get("cascade")
    others = {"real pictures": figures(next(iter(rows.rows.values())), "real")}
    if cascade:
        others["small pictures of the cascade, enlarged"] = figures(cascade, "floor")
    found = {name: figures(pooled) for name, pooled in rows.rows.items()}
    header = ("", "label", "valid slots", "whole pictures", f"wrong pixels of {(SIDE * SCALE) ** 2:,}", "variety",
              "same detail in both tries")  # fmt: skip
    lines = [[name, *cells(one)] for name, one in (found | others).items()]
    costs = ("", "parameters", "MB per picture in training", "minutes of training", "of these, earlier networks", "NFE",
             "seconds per picture")  # fmt: skip
    spent = [[name, *cost(pooled)] for name, pooled in rows.rows.items()]
    key, first = rows.study.key, next(iter(rows.rows.values())).records[0]
    panels = [
        Dots(title, {"w = 1": [estimate(one[name])[:3] for one in found.values()]})
        for title, name in (("label shown", "labelled"), ("valid slots", "valid"), ("variety", "variety"))
    ]
    caption = f"bigfaces, one seed, {first['detail']['n']} complete labels of held-out pictures, twice each; 95 %."
    intervals(page.images / f"{key}.png", rows.names, panels, caption)
    sheet(rows, page)
    return "\n".join([
        table(header, lines), page.link(f"{key}.png", "label, detail and variety"), table(costs, spent),
        page.link(f"{key}-pictures.png", "the same labels, sampled by each"),
        needed(rows, "The networks that come before"), provenance(rows),
    ])  # fmt: skip


def figures(pooled: Pooled, of: str = "sampled") -> dict[str, Any]:
    return pooled.records[0]["detail"][of]


def estimate(found: list[float] | None) -> Estimate:
    return Estimate(*found) if found else Estimate(float("nan"), float("nan"), float("nan"), 0)


def cells(found: dict[str, Any]) -> list[str]:
    label, valid, whole, *rest = (estimate(found[name]).percent for name in SHARES)
    return [label, valid, whole, estimate(found["wrong_mean"]).number, *rest]


def cost(pooled: Pooled) -> list[str]:
    """Of all networks that a picture takes, those that were trained before included."""
    record = pooled.records[0]
    before = record["before"]
    every = [record, *before]
    return [
        f"{sum(one['parameters'] for one in every) / 1e6:.2f} M",
        f"{max(one['bytes_a_picture'] for one in every) / 1e6:.1f}",
        f"{sum(one['seconds'] for one in every) / 60:.1f}",
        f"{sum(one['seconds'] for one in before) / 60:.1f}" if before else "",
        str(record["detail"]["nfe"]), f"{record['detail']['seconds_per_picture']:.2f}",
    ]  # fmt: skip


def sheet(rows: Rows, page: Page) -> None:
    """Real pictures, and of each row two samples of the same labels."""
    strips, names = [], []
    for name, pooled in rows.rows.items():
        real, *tries = untiled(read_rgb(page.metrics / f"{pooled.variant.name}-0.png"), SIDE * SCALE)
        strips += [*tries] if strips else [real, *tries]
        names += ([] if names else ["real"]) + [name, "other seeds"]
    caption = f"Complete labels of held-out pictures, {SIDE * SCALE} x {SIDE * SCALE}, w = 1."
    save_picture(labelled_rows(strips, names, 1, caption), page.images / f"{rows.study.key}-pictures.png")
