"""Evaluations side by side, from the metrics.json that each leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from evaluation.intervals import Estimate

PROVENANCE = ("dataset", "checkpoint", "step", "split", "w", "sampler.name", "steps", "nfe", "precision", "code")
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
