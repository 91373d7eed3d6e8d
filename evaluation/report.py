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
from runtime.device import Compute
from runtime.plots import percent, table
from runtime.version import code_version

RECORDED = ("split", "w", "complete", "sampler", "guidance", "steps", "spacing", "refine", "quantise")


def write(
    out: Path, bench: Bench, measures: dict[str, Measure], cache: SampleCache, cost: Cost, command: str, uses: Path
) -> dict[str, Any]:
    """All figures, from pictures that are sampled already, into the folder `out`; returns what metrics.json holds.

    cost    : of sampling them
    command : that makes them again
    uses    : the file that counts how often the test split was used
    """
    record = {"command": command, **provenance(bench), "sampling": cost._asdict()}
    if bench.settings.split == "test":
        record["test_split_uses"] = counted(uses, bench.pipe.checkpoint, command)
    sections = [heading(record, cost)]
    if any(measure.reads for measure in measures.values()):
        reader = bench.classifier
        record["classifier"] = {
            "digest": reader.digest, "mean_accuracy": reader.mean_accuracy, "accuracy": reader.accuracy
        }  # fmt: skip
        sections.append(classifier_section(reader))
    for name, measure in measures.items():
        record[name] = measure.measure(cache.read)
        sections.append(measure.report(record[name], out))
    record = in_json(record)
    (out / "metrics.json").write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")
    (out / "report.md").write_text("\n".join(sections), encoding="utf-8")
    return record


def counted(uses: Path, weights: str, command: str) -> int:
    """Note another use of the test split in the file `uses`, and return how many there are now for these weights.

    A figure of the test split is worth less with each time that it was looked at before a choice.
    """
    line = json.dumps({"weights": weights, "command": command, "code": code_version()})
    with uses.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return sum(json.loads(text)["weights"] == weights for text in uses.read_text(encoding="utf-8").splitlines())


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
    pipe, plain = bench.pipe, bench.pipe.resolved(bench.settings).plain()
    label = bench.held_out.labels[:1] if len(pipe.schema) else pipe.schema.unknown(1)
    return {
        "checkpoint": pipe.checkpoint,
        "dataset": pipe.info.dataset,
        "model": pipe.recipe.model.name,
        "step": pipe.info.step,
        "data_hash": pipe.info.data_hash,
        **{name: plain[name] for name in RECORDED},
        "guide": bench.guide and bench.guide.checkpoint,
        "nfe": bench.evaluations(SampleSet("", label, [0], bench.settings.w)),
        "seed": bench.settings.seed,
        "device": str(pipe.device),
        **pipe.how._asdict(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "code": code_version(),
    }


def heading(record: dict[str, Any], cost: Cost) -> str:
    spacing = " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in record["spacing"].values())
    grid = f"steps {record['steps']}, spacing {spacing}, refine {record['refine']}"
    uses = record.get("test_split_uses")
    times = "once" if uses == 1 else f"{uses} times"
    guide = f", guide `{record['guide']}`" if record["guide"] else ""
    how = Compute(*(record[name] for name in Compute._fields))
    rows = [
        ("command", f"`{record['command']}`"),
        ("weights", f"`{record['checkpoint']}`, model {record['model']}, step {record['step']}"),
        (
            "held-out pictures",
            f"{record['split']} split" + (f", used {times} so far for these weights" if uses else ""),
        ),
        (
            "sampler",
            f"{record['sampler']['name']}, {grid}, w = {record['w']:g} unless stated otherwise{guide}; "
            f"seed {record['seed']}; NFE {record['nfe']} per picture at that w",
        ),
        ("sampled", cost.described),
        ("computed", f"on {record['device']} in {how}, by version {record['code']}"),
    ]
    return f"# Evaluation of {record['dataset']}\n\n{table(('', ''), rows)}"


def classifier_section(classifier: Classifier) -> str:
    rows = [(name, percent(share)) for name, share in classifier.accuracy.items()]
    rows.append(("**all slots**", f"**{percent(classifier.mean_accuracy)}**"))
    return (
        "## The classifier\n\nReads attributes off pictures; trained on real training pictures; its weights are known "
        f"as {classifier.digest}. FID, precision and recall are in its features, and compare under the same weights "
        "alone. Share of real pictures of the validation split that it reads right:\n\n"
        f"{table(('slot', 'right'), rows)}"
    )
