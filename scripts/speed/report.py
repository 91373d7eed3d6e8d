"""The folder that a benchmark leaves: benchmark.json for programs, benchmark.md and plots for people."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from runtime.device import hardware
from runtime.plots import curves, table
from runtime.version import code_version
from scripts.speed import profile, programs, sampling, scaling, training
from scripts.speed.bench import Bench

PARTS: dict[str, ModuleType] = {
    "training": training,
    "sampling": sampling,
    "programs": programs,
    "profile": profile,
    "scaling": scaling,
}


def machine(bench: Bench) -> dict[str, Any]:
    """What the figures hold for."""
    return {
        "hardware": hardware(bench.device),
        "device": str(bench.device),
        "threads": bench.threads,
        "precision": bench.precision,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "code": code_version(),
    }


def described(where: dict[str, Any]) -> str:
    """The same in a line."""
    return (
        f"{where['hardware']}; {where['threads']} threads, {where['precision']} on {where['device']}, PyTorch "
        f"{where['torch']}, version {where['code']}"
    )


def write(out: Path, record: dict[str, Any]) -> None:
    """benchmark.json, benchmark.md, and a plot for each part that has one, into the folder `out`.

    record : "command", "machine", "rounds", and "parts" with the figures of each part
    """
    (out / "benchmark.json").write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")
    (out / "benchmark.md").write_text(markdown(record), encoding="utf-8")
    for name, figures in record["parts"].items():
        if panels := PARTS[name].panels(figures):
            curves(out / f"{name}.png", panels, f"{described(record['machine'])}; {record['command']}")


def markdown(record: dict[str, Any]) -> str:
    where = record["machine"]
    rows = [
        ("command", f"`{record['command']}`"),
        ("machine", f"{where['hardware']}; {where['system']}"),
        ("computed", f"on {where['device']} in {where['precision']}, {where['threads']} threads"),
        ("versions", f"{where['code']}; PyTorch {where['torch']}, Python {where['python']}"),
        ("timings", f"in turns, at most {record['rounds']} rounds"),
    ]
    sections = [PARTS[name].report(figures) for name, figures in record["parts"].items()]
    return "\n".join([f"# Benchmark\n\n{table(('', ''), rows)}", *sections])


def lines(record: dict[str, Any]) -> list[str]:
    """What a person sees in the terminal: the machine, and a line for each part."""
    summaries = [f"{name}: {PARTS[name].summary(figures)}" for name, figures in record["parts"].items()]
    return [f"machine: {described(record['machine'])}", *summaries]
