"""Speed: how long a person waits for sixteen guided pictures."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import torch

from conf import setting
from evaluation.bench import Bench, Measure, MeasureSettings, Read
from evaluation.samples import SampleSet, options_for
from runtime.plots import table

PICTURES = 16


class SpeedSettings(MeasureSettings):
    """Of speed."""

    repeats: int = setting(3, "runs of which the median is taken", ge=1, le=1000)


class Speed(Measure):
    """The measure; see evaluation/bench.py. Times what it samples itself, for pictures kept on disk take no time."""

    Settings = SpeedSettings

    def __init__(self, bench: Bench, settings: SpeedSettings):
        self.bench, self.repeats, self.sets = bench, settings.repeats, list[SampleSet]()

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        settings, pipe = self.bench.settings, self.bench.pipe
        label = self.bench.held_out.labels[0] if len(pipe.schema) else None
        options = options_for(settings, settings.w).replace(quantise=settings.quantise)
        seconds = []
        for _ in range(1 + self.repeats):  # the first one warms up
            began = time.perf_counter()
            pipe(label, range(PICTURES), options, guide=self.bench.guide)
            seconds.append(time.perf_counter() - began)
        return {
            "pictures": PICTURES,
            "w": settings.w,
            "nfe": pipe.evaluations(label, options, guide=self.bench.guide),
            "repeats": self.repeats,
            "seconds": statistics.median(seconds[1:]),
            "threads": torch.get_num_threads(),
        }

    def report(self, figures: dict[str, Any], out: Path) -> str:
        device = self.bench.pipe.device
        where = f"{device}, {figures['threads']} threads" if device.type == "cpu" else str(device)
        rows = [(f"{figures['seconds']:.2f}", figures["nfe"], f"median of {figures['repeats']} runs, {where}")]
        header = (f"seconds for {figures['pictures']} pictures at w = {figures['w']:g}", "NFE per picture", "measured")
        return f"## Speed\n\n{table(header, rows)}"
