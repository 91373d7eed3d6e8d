"""How long a training is: a number of steps, or of minutes, whatever the machine makes of them."""

from __future__ import annotations

import time

from runtime.distributed import Processes
from training.settings import Loop

MINUTE = 60.0


class Clock:
    """Knows how many steps a training has in all, so that the learning rate can fall to its end.

    With `train.minutes` that is an estimate by the pace so far, which is exact at the end. All that the loop does
    counts from `start`, previews included, and so do earlier sessions of a run that is resumed. All processes go by the
    first one's clock.
    """

    def __init__(self, loop: Loop, here: Processes, elapsed: float = 0.0):
        self.loop, self.here = loop, here
        self.before = elapsed
        self.elapsed = elapsed  # seconds, as of the last `read`; not counted where they do not count

        self.start()

    def start(self) -> None:
        """What was done so far does not count: on a GPU, compiling a network takes longer than a short training."""
        self.began = time.perf_counter()

    def read(self) -> None:
        """Once a step; all processes call it together."""
        if self.loop.minutes is not None:
            now = self.before + time.perf_counter() - self.began
            self.elapsed = self.here.on_main(lambda: now)

    def total(self, step: int) -> float:
        """Steps in all, `step` of which are done; no more once the time is up. Not always whole where minutes count."""
        share = 0.0 if self.loop.minutes is None else min(self.elapsed / (self.loop.minutes * MINUTE), 1.0)
        return min(step / share, self.loop.steps) if step and share else self.loop.steps

    def due(self, every: int, step: int) -> bool:
        """Whether what is done `every` so many steps, and at the end, is to be done after `step` steps; 0 is never."""
        return every > 0 and (step % every == 0 or self.over(step))

    def over(self, step: int) -> bool:
        """Whether the training has ended after `step` steps."""
        return step >= self.loop.steps or (self.loop.minutes is not None and self.elapsed >= self.loop.minutes * MINUTE)
