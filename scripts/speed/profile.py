"""Profile: in which kinds of modules the forward pass of a training step spends its time."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from runtime.plots import Panel, percent, table
from scripts.speed.bench import Bench, stepping
from scripts.speed.timing import Spread, number
from scripts.speed.training import FLAGSHIP, NETWORKS

MEASUREMENTS = 1
SHOWN = 6  # kinds of modules; the others are added up
OTHERS = "others"


class ModuleClock:
    """Seconds that each kind of module takes in forward passes, without those of the modules within it.

    now : the clock, read when the device has done what was asked of it
    """

    def __init__(self, now: Callable[[], float]):
        self.now = now
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[list[float]] = []  # of each module entered: when, and the seconds of those within it

    @contextmanager
    def on(self, model: nn.Module) -> Iterator[None]:
        hooks = [module.register_forward_pre_hook(self._enter) for module in model.modules()]
        hooks += [module.register_forward_hook(self._leave) for module in model.modules()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(self, *_: object) -> None:
        self._open.append([self.now(), 0.0])

    def _leave(self, module: nn.Module, *_: object) -> None:
        began, within = self._open.pop()
        whole = self.now() - began
        self.seconds[type(module).__name__] += whole - within
        if self._open:
            self._open[-1][1] += whole


def measure(bench: Bench) -> dict[str, Any]:
    trainer = bench.trainer(NETWORKS[FLAGSHIP])
    step, rounds, wholes = stepping(trainer), [], []
    step()  # warms up
    for _ in bench.stopwatch.turns():
        clock = ModuleClock(lambda: now(bench))
        with clock.on(trainer.model):
            began = now(bench)
            step()
            wholes.append(now(bench) - began)
        rounds.append(clock.seconds)
    kinds = {kind: Spread.of([seconds[kind] for seconds in rounds]) for kind in rounds[0]}
    ordered = sorted(kinds.items(), key=lambda item: -item[1].median)
    return {
        "network": FLAGSHIP,
        "batch_size": bench.settings.batch_size,
        "step_seconds": Spread.of(wholes)._asdict(),
        "forward_seconds": Spread.of([sum(seconds.values()) for seconds in rounds])._asdict(),
        "modules": {kind: spread._asdict() for kind, spread in ordered},
    }


def now(bench: Bench) -> float:
    bench.stopwatch.synchronise()
    return time.perf_counter()


def shares(figures: dict[str, Any]) -> dict[str, float]:
    """The part of the forward pass that each kind of module takes, the largest first, the small ones together."""
    medians = {kind: spread["median"] for kind, spread in figures["modules"].items()}
    total, largest = sum(medians.values()), list(medians)[:SHOWN]
    found = {kind: medians[kind] / total for kind in largest}
    rest = sum(medians[kind] for kind in medians if kind not in found) / total
    return found | ({OTHERS: rest} if rest else {})


def report(figures: dict[str, Any]) -> str:
    seconds = {kind: Spread(**spread) for kind, spread in figures["modules"].items()}
    rows = [(f"`{kind}`" if kind in seconds else kind, percent(share), str(seconds.get(kind, "")))
            for kind, share in shares(figures).items()]  # fmt: skip
    forward, step = Spread(**figures["forward_seconds"]), Spread(**figures["step_seconds"])
    return (
        f"## Profile\n\nThe forward pass of `{figures['network']}` on {figures['batch_size']} images, by kind of "
        f"module, without the modules within it. It takes {number(forward.median)} s of {number(step.median)} s of a "
        f"whole step.\n\n{table(('module', 'of the forward pass', forward.head('seconds')), rows)}"
    )


def summary(figures: dict[str, Any]) -> str:
    return "forward pass: " + ", ".join(f"{kind} {percent(share)}" for kind, share in shares(figures).items())


def panels(figures: dict[str, Any]) -> list[Panel]:
    return []
