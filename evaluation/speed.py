"""Speed: how long a person waits for sixteen guided pictures."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import torch

from evaluation.bench import Bench, Read
from evaluation.draws import Job
from runtime.factory import build_guidance, build_sampler
from runtime.plots import table

PICTURES = 16


class Speed:
    """The measure; see evaluation/bench.py. Times what it draws itself, for pictures kept on disk take no time."""

    def __init__(self, bench: Bench):
        self.bench, self.jobs = bench, list[Job]()

    @staticmethod
    def applies(bench: Bench) -> bool:
        return True

    def measure(self, read: Read) -> dict[str, Any]:
        settings, data = self.bench.settings, self.bench.held_out
        label = data.labels[0] if len(self.bench.pipe.schema) else None
        how = {"sampler": build_sampler(settings["sampler"]), "guidance": build_guidance(settings["guidance"])}
        how |= {key: settings[key] for key in ("w", "spacing", "refine", "batch_size")}
        seconds = []
        for steps in (1, *[settings["steps"]] * settings["speed"]["repeats"]):  # the first one warms up
            began = time.perf_counter()
            self.bench.pipe(label, range(PICTURES), steps=steps, **how)
            seconds.append(time.perf_counter() - began)
        return {
            "pictures": PICTURES,
            "w": settings["w"],
            "repeats": settings["speed"]["repeats"],
            "seconds": statistics.median(seconds[1:]),
            "threads": torch.get_num_threads(),
        }

    def report(self, figures: dict[str, Any], out: Path) -> str:
        device = self.bench.pipe.device
        where = f"{device}, {figures['threads']} threads" if device.type == "cpu" else str(device)
        rows = [(f"{figures['seconds']:.2f}", f"median of {figures['repeats']} runs, {where}")]
        header = (f"seconds for {figures['pictures']} pictures at w = {figures['w']:g}", "measured")
        return f"## Speed\n\n{table(header, rows)}"
