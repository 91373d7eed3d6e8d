"""Sampling beside the page: whatever a visitor clicks meanwhile, the pictures are kept; and it can be cancelled."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor

Show = Callable[[float, Tensor | None, int], None]  # (share done, pictures as they look by now or None, NFE)


class Cancelled(Exception):
    """Raised inside the work, where it reports how far it is, once it was asked to end."""


class Work:
    """A task in a thread of its own, which calls no function of Streamlit.

    share  : of it done, from 0 to 1
    images : how the pictures look by now, (N, C, H, W) uint8, or None
    nfe    : network evaluations per picture, once they are known
    result : what the task returned; None before, and where it failed or was cancelled
    error  : why it failed
    """

    def __init__(self, task: Callable[[Show], Any], expected: tuple[type[Exception], ...] = (ValueError,)):
        self.share, self.images, self.nfe = 0.0, None, 0
        self.result, self.error = None, None
        self._cancel, self._task, self._expected = threading.Event(), task, expected
        self._thread = threading.Thread(target=self._run, daemon=True)
        _RUNNING.add(self)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._task(self._show)
        except Cancelled:
            pass
        except self._expected as error:
            self.error = str(error)
        except Exception as error:  # a fault of the code; it is told rather than waited for in vain
            self.error = f"{type(error).__name__}: {error}"
            raise

    def _show(self, share: float, images: Tensor | None, nfe: int) -> None:
        if self._cancel.is_set():
            raise Cancelled
        self.share, self.nfe = share, nfe
        self.images = self.images if images is None else images

    def cancel(self) -> None:
        """Ask it to end, which it does after the step that it is at."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, at the latest after so long."""
        self._thread.join(seconds)
        return self.done


_RUNNING: weakref.WeakSet[Work] = weakref.WeakSet()
SECONDS_TO_END = 10.0


@atexit.register
def end_all() -> None:
    """Cancel what still runs when the server ends: PyTorch aborts where a thread is killed inside it."""
    running = [work for work in _RUNNING if not work.done]
    for work in running:
        work.cancel()
    for work in running:
        work.wait(SECONDS_TO_END)
