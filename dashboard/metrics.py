"""Evaluations side by side, from the metrics.json that each leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from evaluation.intervals import Estimate

PROVENANCE = ("dataset", "checkpoint", "step", "split", "w", "sampler.name", "steps", "nfe", "precision", "code")
# What a person reads first, as (name, key, how it is written); {w:g} is the guidance of the evaluation.
SUMMARY = (
    ("data set", "dataset", "{}"), ("weights at step", "step", "{:,}"), ("held-out pictures of", "split", "{}"),
    ("guidance w", "w", "{:g}"), ("sampler", "sampler.name", "{}"), ("steps", "steps", "{}"), ("NFE", "nfe", "{}"),
    ("exact match, one seed", "exact.exact_one_seed", "{:.1%}"),
    ("exact match, best of several seeds", "exact.exact_best", "{:.1%}"),
    ("wrong pixels, mean", "exact.wrong_mean", "{:.2f}"),
    ("attributes found, of those requested", "adherence.by_w.{w:g}.present", "{:.1%}"),
    ("attributes found, in real pictures", "adherence.real.present", "{:.1%}"),
    ("whole requests met", "adherence.by_w.{w:g}.whole", "{:.1%}"),
    ("FID, of requests", "distribution.sets.w = {w:g}.fid.mean", "{:.2f}"),
    ("FID, of other real pictures", "distribution.sets.floor: other real pictures.fid.mean", "{:.2f}"),
    ("precision", "distribution.sets.w = {w:g}.precision.mean", "{:.3f}"),
    ("recall", "distribution.sets.w = {w:g}.recall.mean", "{:.3f}"),
)  # fmt: skip
ESTIMATE = set(Estimate._fields)
LEFT_OUT = ("classifier.accuracy.", "guidance.", "sampler.", "data_hash", "device", "spacing")


class Evaluation(NamedTuple):
    """One evaluation. `figures` are its numbers by dotted name; `problem` says why there are none."""

    name: str
    folder: Path
    provenance: dict[str, Any]
    figures: dict[str, float]
    problem: str = ""


def evaluations(root: Path) -> list[Evaluation]:
    """All evaluations below `root`, the newest first."""
    paths = [path for path in root.glob("**/metrics.json") if not path.is_symlink()]
    return [_read(path, root) for path in sorted(paths, key=lambda path: path.parent.name, reverse=True)]


def _read(path: Path, root: Path) -> Evaluation:
    name = path.parent.relative_to(root).as_posix()
    try:
        record = flat(json.loads(path.read_text(encoding="utf-8")))
        figures = {
            key: float(value)
            for key, value in record.items()
            if key not in PROVENANCE and not key.startswith(LEFT_OUT) and _is_number(value)
        }
    except (OSError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        return Evaluation(name, path.parent, {}, {}, f"metrics.json cannot be read ({type(error).__name__})")
    return Evaluation(name, path.parent, {key: record[key] for key in PROVENANCE if key in record}, figures)


def summary(evaluation: Evaluation) -> dict[str, str]:
    """What there is of SUMMARY, by its name."""
    known = evaluation.provenance | evaluation.figures
    w, lines = known.get("w"), {}
    for name, key, form in SUMMARY:
        value = known.get(key.format(w=w) if "{" in key and _is_number(w) else key)
        if form == "{}":
            lines |= {} if value is None else {name: str(value)}
        elif _is_number(value) and math.isfinite(value):
            lines[name] = form.format(value).replace("%", " %")
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(record: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted names; lists of numbers are left as they are, intervals left out."""
    entries = {}
    for key, value in record.items():
        if isinstance(value, dict) and value.keys() == ESTIMATE:
            value = value["value"]
        entries |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return entries


def shown(figure: float | None) -> str:
    """A figure as the table has it: nothing where there is none, "nan" and "inf" as they are."""
    if figure is None:
        return ""
    whole = math.isfinite(figure) and figure == int(figure) and abs(figure) >= 10
    return f"{figure:,.0f}" if whole else f"{figure:.4g}"
