"""The folder that an evaluation leaves: metrics.json for programs, report.md and figures for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evaluation.bench import Bench, Measure
from evaluation.draws import Draws
from inference.classifier import Classifier
from runtime.plots import percent, table
from runtime.version import code_version


def write(out: Path, bench: Bench, measures: dict[str, Measure], draws: Draws, command: str) -> dict[str, Any]:
    """All figures, from pictures that are drawn already, into the folder `out`; returns what metrics.json holds.

    command : that gives them again
    """
    record = {"command": command, **provenance(bench)}
    record["classifier"] = {"mean_accuracy": bench.classifier.mean_accuracy, "accuracy": bench.classifier.accuracy}
    sections = [heading(record), classifier_section(bench.classifier)]
    for name, measure in measures.items():
        record[name] = measure.measure(draws.read)
        sections.append(measure.report(record[name], out))
    (out / "metrics.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
    (out / "report.md").write_text("\n".join(sections), encoding="utf-8")
    return record


def provenance(bench: Bench) -> dict[str, Any]:
    pipe, settings = bench.pipe, bench.settings
    return {
        "checkpoint": pipe.checkpoint,
        "dataset": pipe.info.dataset,
        "step": pipe.info.step,
        "data_hash": pipe.info.data_hash,
        "split": bench.split,
        "w": settings["w"],
        "sampler": settings["sampler"],
        "guidance": settings["guidance"],
        "steps": settings["steps"],
        "spacing": settings["spacing"],
        "refine": pipe.refinement(settings["refine"]),
        "device": str(pipe.device),
        "precision": pipe.precision,
        "code": code_version(),
    }


def heading(record: dict[str, Any]) -> str:
    how = ", ".join(f"{key} {record[key]}" for key in ("steps", "spacing", "refine"))
    rows = [
        ("command", f"`{record['command']}`"),
        ("weights", f"`{record['checkpoint']}`, step {record['step']}"),
        ("held-out pictures", f"{record['split']} split"),
        ("sampler", f"{record['sampler']['name']}, {how}, w = {record['w']:g} unless said otherwise"),
        ("computed", f"on {record['device']} in {record['precision']}, by version {record['code']}"),
    ]
    return f"# Evaluation of {record['dataset']}\n\n{table(('', ''), rows)}"


def classifier_section(classifier: Classifier) -> str:
    rows = [(name, percent(share)) for name, share in classifier.accuracy.items()]
    rows.append(("**all slots**", f"**{percent(classifier.mean_accuracy)}**"))
    return (
        "## The classifier\n\nReads attributes off pictures; trained on real training pictures. Share of real pictures "
        f"of the validation split that it reads right:\n\n{table(('slot', 'right'), rows)}"
    )
