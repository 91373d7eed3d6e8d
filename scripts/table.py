"""Put evaluations side by side: a Markdown table with a row for each setting and guidance weight, and curves against w.

python scripts/table.py evaluations/samplers/*
python scripts/table.py evaluations/guidance/* --figure docs/images/guidance-curves.png

The first columns are the settings in which the evaluations differ.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cli.app import in_one_line
from runtime.factory import build_guidance
from runtime.plots import Panel, curves, percent, table

SETTINGS = ("checkpoint", "split", "sampler", "guidance", "spacing", "steps", "refine", "precision", "w")
FIGURES = {
    "exact": lambda row: percent(row["exact"]),
    "wrong pixels": lambda row: f"{row['wrong']:.2f}",
    "adherence": lambda row: percent(row["present"]),
    "absence": lambda row: percent(row["absent"]),
    "FID": lambda row: f"{row['fid']:.3g}",
    "recall": lambda row: f"{row['recall']:.3f}",
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
        draw(args.figure, rows, [key for key in differing if key != "w"])


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each combination of settings, with all that evaluations measured at it."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(json.dumps(row["settings"]), {}).update(row)
    return list(found.values())


def _cell(cell: Any, row: dict[str, Any]) -> str:
    try:
        return cell(row)
    except KeyError:
        return ""


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each w at which something was measured, with what was measured there."""
    path = folder / "metrics.json"
    if not path.is_file():
        raise ValueError(f"{folder}: no metrics.json there; name folders that evaluate.py wrote")
    record = json.loads(path.read_text(encoding="utf-8"))
    found: dict[float, dict[str, Any]] = {}
    if "exact" in record:
        exact = record["exact"]
        found.setdefault(float(exact["w"]), {}).update(exact=exact["exact_one_seed"], wrong=exact["wrong_mean"])
    for w, figures in record.get("adherence", {}).get("by_w", {}).items():
        found.setdefault(float(w), {}).update(present=figures["present"], absent=figures["absent"])
    for name, figures in record.get("distribution", {}).get("sets", {}).items():
        if name.startswith("w = "):
            metrics = {metric: figures[metric]["mean"] for metric in ("fid", "recall")}
            found.setdefault(float(name.removeprefix("w = ")), {}).update(metrics)
    if "speed" in record:
        found.setdefault(float(record["speed"]["w"]), {}).update(seconds=record["speed"]["seconds"])
    for w, figures in found.items():
        yield {"settings": {**_settings(record), "w": w}, **figures}


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    """As words, so that they can be compared and shown."""
    guidance = build_guidance(record["guidance"]).unlike_plain
    guidance += [f"from {record['guidance']['checkpoint']}"] if record["guidance"]["checkpoint"] else []
    return {
        **{key: record[key] for key in SETTINGS if key != "w"},
        "sampler": " ".join(str(value) for value in record["sampler"].values()),
        "guidance": ", ".join(guidance) or "plain",
    }


def draw(path: Path, rows: list[dict[str, Any]], differing: list[str]) -> None:
    """Adherence and FID against w, a line for each setting."""
    panels = []
    for title, key, share in (("adherence", "present", True), ("FID", "fid", False)):
        lines: dict[str, tuple[list[float], list[float]]] = {}
        for row in (row for row in rows if key in row):
            x, y = lines.setdefault(", ".join(str(row["settings"][k]) for k in differing) or key, ([], []))
            x.append(row["settings"]["w"])
            y.append(row[key])
        if lines:
            panels.append(Panel(title, "w", lines, share=share))
    alike = {key: rows[0]["settings"][key] for key in SETTINGS if key not in (*differing, "w")}
    curves(path, panels, "; ".join(f"{key} {value}" for key, value in alike.items()))
    print(f"{path}: written")


if __name__ == "__main__":
    in_one_line(main)
