"""The settings of scripts/doctor.py."""

from __future__ import annotations

from typing import ClassVar

from conf import Device, Settings, Text, setting


class DoctorSettings(Settings):
    """Say why the samples of a run are noise, or ignore their labels: python scripts/doctor.py run=runs/..."""

    program: ClassVar[str] = "doctor"
    run: Text | None = setting(None, "folder of the run, which has to be named; nothing of it is changed")
    images: int = setting(400, "losses in each mean: so many noise levels, on as many pictures", ge=16, le=100_000)
    samples: int = setting(12, "pictures sampled with the averaged and with the raw weights", ge=2, le=64)
    out: Text | None = setting(
        None, "folder for report and picture, new or empty; null makes <run>/doctor/<time>-<step>"
    )
    device: Device = setting("auto", "auto takes the fastest that is there")
    data_root: Text | None = setting(None, "folder of the data files; null for that of the training")
