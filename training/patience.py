"""Early stopping: a training ends when its held-out loss has stopped falling (Prechelt 1998)."""

from __future__ import annotations

from runtime.distributed import Processes
from training.clock import Clock
from training.settings import Loop


class Patience:
    """Knows the best held-out loss so far, and how many validations ago that was.

    What it knows is saved with the training. The main process alone validates; all end together. A training that goes
    on without `train.patience` forgets it, for from then on the newest weights replace those of the lowest loss.

    best  : the lowest held-out loss; None before the first
    since : validations that were not better
    """

    def __init__(self, loop: Loop, here: Processes, clock: Clock, best: float | None = None, since: int = 0):
        self.loop, self.here, self.clock = loop, here, clock
        self.best, self.since = (best, since) if self.on else (None, 0)

    def note(self, step: int, loss: float | None) -> bool:
        """Take the held-out loss after `step` steps, None where there is none; returns whether it is the best.

        All processes call it together. Without `train.patience`, none is.
        """
        if not self.on or not self.clock.due(self.loop.validate_every, step):
            return False
        loss = self.here.on_main(lambda: loss)
        if self.best is None or loss < self.best:
            self.best, self.since = loss, 0
            return True
        self.since += 1
        return False

    @property
    def on(self) -> bool:
        return self.loop.patience is not None

    @property
    def over(self) -> bool:
        """Whether the training ends here."""
        return self.on and self.since >= self.loop.patience

    def state(self) -> dict:
        return {"best": self.best, "since": self.since}


def refuse_vain(loop: Loop, held_out: int) -> None:
    """Raises ValueError for patience where no pictures are held out, so that there is no loss to wait for."""
    if loop.patience is not None and not held_out:
        raise ValueError(
            f"train.patience={loop.patience}: so few pictures that none is held out, and no loss tells when to stop; "
            "add pictures, or leave train.patience out"
        )
