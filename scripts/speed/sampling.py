"""Sampling: how long a person waits for sixteen guided pictures, with weights that are loaded already."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from diffusion.sampling import SamplingOptions
from inference.pipeline import Pipeline
from runtime.plots import Panel, table
from scripts.speed.bench import WEIGHTS, Bench, threads
from scripts.speed.timing import Case, Spread, number

MEASUREMENTS = 1
REQUEST, PICTURES = "male,glasses", 16
OPTIONS = SamplingOptions(w=3.0)
ALONE, BESIDE = "alone", "beside one busy process"


def measure(bench: Bench) -> dict[str, Any]:
    pipe = Pipeline.load(WEIGHTS, bench.device, bench.precision)
    counts = sorted({1, bench.threads}) if bench.device.type == "cpu" else [bench.threads]
    rows = [(count, beside) for count in counts for beside in (ALONE, BESIDE)]
    cases = [
        Case(f"{count} {beside}", sampling(pipe, OPTIONS, count), around=busy_process if beside == BESIDE else alone)
        for count, beside in rows
    ]
    seconds = bench.stopwatch.time(cases)
    return {
        "request": REQUEST,
        "w": OPTIONS.w,
        "pictures": PICTURES,
        "weights": pipe.checkpoint,
        "nfe": pipe.evaluations(REQUEST, OPTIONS),
        "rows": [
            {"threads": count, "beside": beside, "seconds": Spread.of(seconds[case.name])._asdict()}
            for case, (count, beside) in zip(cases, rows, strict=True)
        ],
    }


def sampling(pipe: Pipeline, options: SamplingOptions, count: int) -> Callable[[], object]:
    """Each call samples the same pictures, with so many threads."""

    def run() -> None:
        with threads(count):
            pipe(REQUEST, range(PICTURES), options)

    return run


@contextmanager
def busy_process() -> Iterator[None]:
    """A process that keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def alone() -> Iterator[None]:
    """Nothing beside."""
    yield


def report(figures: dict[str, Any]) -> str:
    seconds = [Spread(**row["seconds"]) for row in figures["rows"]]
    rows = [(row["threads"], row["beside"], f"**{s}**") for row, s in zip(figures["rows"], seconds, strict=True)]
    return (
        f"## Sampling\n\n{figures['pictures']} pictures of `{figures['request']}` at w = {figures['w']:g}, NFE "
        f"{figures['nfe']} per picture, weights `{figures['weights']}`, loaded before.\n\n"
        f"{table(('threads', '', seconds[0].head('seconds')), rows)}"
    )


def summary(figures: dict[str, Any]) -> str:
    waits = [
        f"{number(row['seconds']['median'])} ({row['threads']} threads, {row['beside']})" for row in figures["rows"]
    ]
    return f"seconds for {figures['pictures']} pictures, NFE {figures['nfe']}: {', '.join(waits)}"


def panels(figures: dict[str, Any]) -> list[Panel]:
    return []
