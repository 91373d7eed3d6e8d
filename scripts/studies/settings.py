"""The settings of scripts/study.py."""

from __future__ import annotations

from typing import ClassVar

from conf import Device, Settings, Text, setting
from data.base import data_root


class StudySettings(Settings):
    """Train and measure everything in docs/REPORT.md: python scripts/study.py"""

    program: ClassVar[str] = "study"
    device: Device = setting("auto", "auto takes the fastest that is there")
    jobs: int = setting(1, "trainings side by side, each in a process of its own", ge=1, le=256)
    threads: int = setting(1, "of PyTorch on the CPU, for each of them", ge=1, le=256)
    only: list[Text] = setting([], "names of trainings, or their beginnings; all of them if empty")
    minutes: float | None = setting(None, "after so long, no further training is started", gt=0)
    out: Text = setting("docs/study", "folder of the metrics; a training that has some there is not repeated")
    runs: Text = setting("runs/study", "folder of the run directories")
    rehearsal: bool = setting(
        False, "three steps of each training, and few pictures, to see that all of it works; choose another `out`"
    )
    data_root: Text = data_root()


class ReportSettings(Settings):
    """Write docs/REPORT.md from the metrics of its trainings: python scripts/report.py"""

    program: ClassVar[str] = "report"
    metrics: Text = setting("docs/study", "folder of the metrics that scripts/study.py left")
    out: Text = setting("docs/REPORT.md", "the report")
    images: Text = setting("docs/images/report", "folder of its figures")
