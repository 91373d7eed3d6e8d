"""Scalars of a run, read from TensorBoard files a piece at a time: each reading goes on where the last one ended."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat.proto.event_pb2 import SessionLog

PATTERN = "events.out.tfevents.*"


class Scalars:
    """The curves of one run. Several visitors may read at once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._loaders: dict[Path, LegacyEventFileLoader | None] = {}  # None for a file that cannot be read
        self._points: dict[str, tuple[list[int], list[float]]] = {}
        self.damaged: list[str] = []

    def read(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(steps (P,), values (P,)) of every curve by its name, as far as they are written by now."""
        with self._lock:
            files = sorted(self.folder.glob(PATTERN))
            if any(known not in files for known in self._loaders):
                self._begin()  # the folder was emptied and holds another run now
            for file in files:
                self._read_on(file)
            return {name: (np.array(steps), np.array(values)) for name, (steps, values) in self._points.items()}

    def _read_on(self, file: Path) -> None:
        try:
            if file not in self._loaders:
                self._loaders[file] = LegacyEventFileLoader(str(file))
            loader = self._loaders[file]
            for event in loader.Load() if loader is not None else ():
                self._take(event)
        except Exception as error:  # a damaged file can raise nearly anything, and the other files are good
            self._loaders[file] = None
            self.damaged.append(f"{file.name}: {type(error).__name__}")

    def _take(self, event) -> None:
        if event.HasField("session_log") and event.session_log.status == SessionLog.START:
            self._forget_from(event.step)
        for value in event.summary.value:
            if value.HasField("simple_value"):
                steps, values = self._points.setdefault(value.tag, ([], []))
                steps.append(event.step)
                values.append(value.simple_value)

    def _forget_from(self, step: int) -> None:
        """A run that was stopped goes on from an earlier step: what came after it is trained once more."""
        for steps, values in self._points.values():
            while steps and steps[-1] >= step:
                steps.pop()
                values.pop()
