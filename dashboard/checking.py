"""What the page Data tells of a person's pictures: the check of scripts/check_data.py, and pictures of each value."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from conditions.schema import UNKNOWN
from dashboard.background import Show
from dashboard.overrides import refuse
from data.base import InMemoryDataset, split_by_id
from data.folder import Contents
from data.folder_check import CheckSettings, Report, problems_report, report
from data.folder_source import Problems
from runtime.distributed import processes
from runtime.settings import compose
from training.forecast import forecast
from training.settings import TrainSettings

EACH = 6  # pictures of a value that are shown
TIMING, WAIT_S = threading.Lock(), 0.2


class Checked(NamedTuple):
    """A folder that was checked.

    overrides : what it was checked with, as train.py takes it too
    problems  : what has to be fixed; empty where the folder fits together
    report    : what the folder holds; None where there are problems
    pictures  : some of each value (N, C, H, W) uint8, by column and value; without labels, some of all by ("", None)
    """

    overrides: tuple[str, ...]
    name: str
    problems: list[str]
    report: Report | None
    pictures: dict[tuple[str, str | None], Tensor]

    def to_markdown(self) -> str:
        return self.report.to_markdown() if self.report else problems_report(self.name, self.problems)


def settings_of(overrides: Sequence[str]) -> CheckSettings:
    """The settings that check_data.py would have. Raises ValueError, as it would."""
    refuse(overrides, CheckSettings)
    settings = compose(CheckSettings, overrides)
    _ = settings.dataset.collection  # refuses a folder without a name, or with that of another data set
    return settings


def check(overrides: Sequence[str], settings: CheckSettings, show: Show) -> tuple[Checked, Contents | None]:
    """Reads all pictures and labels; the contents are None where they do not fit together."""
    show(0.0, None, 0)
    problems = Problems(f"dataset.path={settings.dataset.path}")
    contents, name = settings.dataset.read(settings.data_root, problems), settings.dataset.collection
    show(0.7, None, 0)
    if contents is None:
        return Checked(tuple(overrides), name, problems.lines, None, {}), None
    return Checked(tuple(overrides), name, [], report(contents), by_value(contents.dataset())), contents


def by_value(data: InMemoryDataset) -> dict[tuple[str, str | None], Tensor]:
    """The first pictures of each value."""
    if not len(data.schema):
        return {("", None): data.images[: 4 * EACH].clone()}
    found = {}
    for f, field in enumerate(data.schema.fields):
        for v, value in [*enumerate(field.values), (UNKNOWN, None)]:
            rows = torch.nonzero(data.labels[:, f] == v)[:EACH, 0]
            if len(rows):
                found[field.name, value] = data.images[rows].clone()
    return found


def timed(settings: CheckSettings, contents: Contents, show: Show) -> list[str]:
    """What a training on these pictures takes. Raises ValueError for one that this machine cannot do.

    One is timed after the other, also of several visitors: side by side they would slow each other down.
    """
    while not TIMING.acquire(timeout=WAIT_S):
        show(0.0, None, 0)  # which ends it, where it was cancelled
    try:
        training, splits = TrainSettings(dataset=settings.dataset), split_by_id(contents.dataset())
        with processes(settings.device) as here:
            return forecast(training, splits, here, lambda share: show(share, None, 0)).lines
    finally:
        TIMING.release()
