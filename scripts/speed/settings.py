"""The settings of scripts/benchmark.py."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from conf import Device, Precision, Settings, Text, setting

Part = Literal["training", "sampling", "programs", "profile", "scaling"]


class BenchmarkSettings(Settings):
    """Time training, sampling and the programs, beside public peers: python scripts/benchmark.py"""

    program: ClassVar[str] = "benchmark"
    parts: list[Part] = setting(list(get_args(Part)), "what is measured, of these", min_length=1)
    rounds: int = setting(5, "timings of each case, of which median and quartiles are reported", ge=1, le=1000)
    minutes: float = setting(
        10.0, "for all parts; where they would not suffice, there are fewer rounds, at least one of each part", gt=0
    )
    batch_size: int = setting(64, "images in a training step", ge=1, le=65_536)
    threads: int | None = setting(None, "of PyTorch on the CPU; null takes its default", ge=1, le=1024)
    device: Device = setting("auto", "auto takes the fastest that is there")
    precision: Precision = setting("fp32", "of matrix products, for this project and its peers alike")
    out: Text | None = setting(None, "folder to write to, new or empty; null makes benchmarks/<time>-<parts>")
