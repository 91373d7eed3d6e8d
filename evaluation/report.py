"""The folder that an evaluation leaves: metrics.json for programs, report.md and figures for people."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from evaluation.bench import Bench, Measure
from evaluation.intervals import Estimate
from evaluation.samples import Cost, SampleCache, SampleSet
from inference.classifier import Classifier
from runtime.plots import percent, table
from runtime.version import code_version


def write(
    out: Path, bench: Bench, measures: dict[str, Measure], cache: SampleCache, cost: Cost, command: str
) -> dict[str, Any]:
    """All figures, from pictures that are sampled already, into the folder `out`; returns what metrics.json holds.

    cost    : of sampling them
    command : that makes them again
    """
    record = {"command": command, **provenance(bench), "sampling": cost._asdict()}
    record["classifier"] = {"mean_accuracy": bench.classifier.mean_accuracy, "accuracy": bench.classifier.accuracy}
    sections = [heading(record, cost), classifier_section(bench.classifier)]
    for name, measure in measures.items():
        record[name] = measure.measure(cache.read)
        sections.append(measure.report(record[name], out))
    record = in_json(record)
    (out / "metrics.json").write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")
    (out / "report.md").write_text("\n".join(sections), encoding="utf-8")
    return record


def in_json(value: Any) -> Any:
    """The same with None for numbers that JSON does not have, NaN and infinities, and an object for each estimate."""
    if isinstance(value, Estimate):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: in_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [in_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def provenance(bench: Bench) -> dict[str, Any]:
    """Which weights, and how they sampled. `nfe` is that of a picture of the first held-out label at the common w."""
    pipe, plain = bench.pipe, bench.settings.plain()
    label = bench.held_out.labels[:1] if len(pipe.schema) else pipe.schema.unknown(1)
    return {
        "checkpoint": pipe.checkpoint,
        "dataset": pipe.info.dataset,
        "step": pipe.info.step,
        "data_hash": pipe.info.data_hash,
        **{name: plain[name] for name in ("split", "w", "sampler", "guidance", "steps", "spacing", "quantise")},
        "guide": bench.guide and bench.guide.checkpoint,
        "refine": pipe.resolved(bench.settings).refine,
        "nfe": bench.evaluations(SampleSet("", label, [0], bench.settings.w)),
        "device": str(pipe.device),
        "precision": pipe.precision,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "code": code_version(),
    }


def heading(record: dict[str, Any], cost: Cost) -> str:
    how = ", ".join(f"{key} {record[key]}" for key in ("steps", "spacing", "refine"))
    guide = f", guide `{record['guide']}`" if record["guide"] else ""
    rows = [
        ("command", f"`{record['command']}`"),
        ("weights", f"`{record['checkpoint']}`, step {record['step']}"),
        ("held-out pictures", f"{record['split']} split"),
        (
            "sampler",
            f"{record['sampler']['name']}, {how}, w = {record['w']:g} unless stated otherwise{guide}; "
            f"NFE {record['nfe']} per picture at that w",
        ),
        ("sampled", cost.described),
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
