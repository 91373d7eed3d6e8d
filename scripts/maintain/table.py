"""Put evaluations side by side: a Markdown table with a row for each setting and guidance weight, and curves against w.

python -m scripts.maintain.table evaluations/samplers/*
python -m scripts.maintain.table evaluations/seed-*
python -m scripts.maintain.table evaluations/guidance/* --figure docs/images/guidance-curves.png

The first columns are the settings in which the evaluations differ.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffusion.sampling import SamplingOptions
from evaluation.intervals import Estimate
from runtime.plots import Panel, curves, table
from scripts.maintain import in_one_line

SETTINGS = ("checkpoint", "split", "sampler", "guidance", "spacing", "steps", "refine", "precision", "seed", "w")
FIGURES = {
    "exact": lambda row: Estimate(**row["exact"]).percent,
    "wrong pixels": lambda row: Estimate(**row["wrong"]).number,
    "adherence": lambda row: Estimate(**row["present"]).percent,
    "absence": lambda row: Estimate(**row["absent"]).percent,
    "whole requests": lambda row: Estimate(**row["whole"]).percent,
    "valid, no request": lambda row: Estimate(**row["valid"]["0"]).percent,
    **{f"valid, {n} named": lambda row, n=n: Estimate(**row["valid"][n]).percent for n in ("1", "2", "3")},
    "FID": lambda row: f"{row['fid']:.3g}",
    "recall": lambda row: f"{row['recall']:.3f}",
    "memorisation ratio": lambda row: Estimate(**row["ratio"]).number,
    "NFE": lambda row: str(row["nfe"]),
    "seconds": lambda row: f"{row['seconds']:.2f}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="that evaluate.py wrote")
    parser.add_argument("--figure", type=Path, help="a PNG to write: adherence and FID against w")
    args = parser.parse_args()
    rows = merged([row for folder in args.folders for row in rows_of(folder)])
    differing = [key for key in SETTINGS if len({row["settings"][key] for row in rows}) > 1]
    rows.sort(key=lambda row: [row["settings"][key] for key in differing])
    shown = {name: cell for name, cell in FIGURES.items() if any(_cell(cell, row) for row in rows)}
    lines = [
        [*(row["settings"][key] for key in differing), *(_cell(cell, row) for cell in shown.values())] for row in rows
    ]
    print(table([*differing, *shown], lines))
    if args.figure is not None:
        plot(args.figure, rows, [key for key in differing if key != "w"])


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each combination of settings, with all that evaluations measured at it."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(json.dumps(row["settings"]), {}).update(row)
    return list(found.values())


def _cell(cell: Any, row: dict[str, Any]) -> str:
    try:
        return cell(row)
    except (KeyError, TypeError):  # not measured, or not a number
        return ""


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each w at which something was measured, with what was measured there."""
    path = folder / "metrics.json"
    if not path.is_file():
        raise ValueError(f"{folder}: no metrics.json there; name folders that evaluate.py wrote")
    record = json.loads(path.read_text(encoding="utf-8"))
    rows: dict[float, dict[str, Any]] = {}

    def add(w: Any, measured: dict[str, Any], **figures: Any) -> None:
        rows.setdefault(float(w), {}).update(nfe=measured["nfe"], **figures)

    if exact := record.get("exact"):
        add(exact["w"], exact, exact=exact["exact_one_seed"], wrong=exact["wrong_mean"])
    for w, figures in record.get("adherence", {}).get("by_w", {}).items():
        add(w, figures, present=figures["present"], absent=figures["absent"], whole=figures["whole"])
    for row in record.get("validity", {}).get("sampled", []):
        add(row["w"], row)
        rows[float(row["w"])].setdefault("valid", {})[str(row["named"])] = row["valid"]
    for name, figures in record.get("distribution", {}).get("sets", {}).items():
        if name.startswith("w = "):
            add(name.removeprefix("w = "), figures, fid=figures["fid"]["mean"], recall=figures["recall"]["mean"])
    for figures in record.get("memorisation", {}).get("sets", {}).values():
        if "w" in figures:  # not the baseline, which no network samples
            add(figures["w"], figures, ratio=figures["ratio"])
    if speed := record.get("speed"):
        add(speed["w"], speed, seconds=speed["seconds"])
    for w, figures in rows.items():
        yield {"settings": {**_settings(record), "w": w}, **figures}


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    """As words, so that they can be compared and shown."""
    guidance = SamplingOptions.parse({"guidance": record["guidance"]}).guidance.described
    guidance += [f"guide {record['guide']}"] if record["guide"] else []
    return {
        **{key: record[key] for key in SETTINGS if key != "w"},
        **{group: " ".join(str(value) for value in record[group].values()) for group in ("sampler", "spacing")},
        "guidance": ", ".join(guidance) or "plain",
    }


def plot(path: Path, rows: list[dict[str, Any]], differing: list[str]) -> None:
    """Adherence and FID against w, a line for each setting."""
    panels = []
    for title, key, share in (("adherence", "present", True), ("FID", "fid", False)):
        lines: dict[str, tuple[list[float], list[float]]] = {}
        for row in (row for row in rows if key in row):
            x, y = lines.setdefault(", ".join(str(row["settings"][k]) for k in differing) or key, ([], []))
            x.append(row["settings"]["w"])
            y.append(row[key]["value"] if isinstance(row[key], dict) else row[key])
        if lines:
            panels.append(Panel(title, "w", lines, share=share))
    alike = {key: rows[0]["settings"][key] for key in SETTINGS if key not in (*differing, "w")}
    curves(path, panels, "; ".join(f"{key} {value}" for key, value in alike.items()))
    print(f"{path}: written")


if __name__ == "__main__":
    in_one_line(main)
