"""Checks of what a training logged: how long it trained, its learning rate, and what other runs had by then."""

from __future__ import annotations

from typing import Any

import numpy as np

from diagnosis.case import Case, Curves
from diagnosis.findings import FAULT, LOOK, OK, Outcome, sentence, unchecked
from training.optim import DEFAULTS
from training.run import Run, lookup
from training.scalars import Scalars

LOSS, RATE, NORM, LEVELS = "loss/train", "optim/lr", "optim/grad_norm", "loss_by_t/"
FEWEST = 5  # points of a curve that say something
STILL_FALLING = 0.2  # from one fifth of the steps to the next; a loss that falls as 1 / sqrt(steps) falls by a tenth
SPIKE = 3.0  # times the median of the points before
BEFORE = 10  # of these
BURST = 2.0  # times the loss of an untrained network
UNLEARNED = 0.9  # of it
RECENT = 5  # points that are compared with those of other runs
WORSE = 1.5  # times theirs
MOST_RUNS = 20
ALIKE = (  # settings that make losses of the same steps comparable
    "diffusion.prediction", "diffusion.weighting", "diffusion.time_power", "diffusion.times", "diffusion.schedule",
    "diffusion.T", "train.loss_buckets", "augment",
)  # fmt: skip


def length(case: Case) -> Outcome:
    """Whether the training ended before the loss did fall, or before the learning rate did."""
    steps, losses = case.curves.get(LOSS, _NONE)
    planned, end, loop = case.planned, case.step, case.settings.train
    if len(steps) < FEWEST:
        return unchecked("the loss was logged {n} times; train.log_every has to be smaller", n=len(steps))
    shares = steps / steps[-1]
    last, before = losses[shares > 0.8].mean(), losses[(shares > 0.6) & (shares <= 0.8)].mean()
    fall = float(1 - last / before)
    go_on = sentence("continue it: python train.py run={run}", run=str(case.run))
    if case.state == "finished":
        more = f"train.steps={2 * end}" if loop.minutes is None else f"train.minutes={2 * loop.minutes:g}"
        go_on = sentence("train longer: python train.py run={run} {more}", run=str(case.run), more=more)
    if fall > STILL_FALLING:
        figure = sentence(
            "still learning: the loss of the last fifth of {end:,} steps is {fall:.0%} below that of the fifth before",
            end=end, fall=fall,
        )  # fmt: skip
        return Outcome(LOOK, figure, go_on)
    rates = case.curves[RATE][1]
    high = float(rates[-1] / max(rates.max(), 1e-30))
    if case.state != "finished" and high > 0.5 and case.settings.optimizer.schedule != "constant":
        figure = sentence(
            "{end:,} of {planned:,} steps: the learning rate, at {high:.0%} of its peak, has yet to fall, and pictures "
            "clear up as it does", end=end, planned=planned, high=high,
        )  # fmt: skip
        return Outcome(LOOK, figure, go_on)
    figure = sentence("{end:,} steps; over the last fifth the loss fell by {fall:.0%}", end=end, fall=max(fall, 0.0))
    return Outcome(OK, figure)


def learning_rate(case: Case) -> Outcome:
    """Whether the loss burst, jumps, or never fell, and what the learning rate has to do with it."""
    optim, message = case.settings.optimizer, str(case.status.get("message", ""))
    lower = sentence("lower optim.lr to {lr:.1g}, or lengthen optim.warmup", lr=min(optim.lr / 10, DEFAULTS["lr"]))
    if case.state == "failed" and "FloatingPointError" in message:
        return Outcome(FAULT, sentence("the training failed: {message}", message=message.split(": ", 1)[-1]), lower)
    steps, losses = case.curves.get(LOSS, _NONE)
    if len(steps) < FEWEST:
        return unchecked("the loss was logged {n} times; train.log_every has to be smaller", n=len(steps))
    last, highest, spike = losses[-FEWEST:].mean(), losses.max(), _largest_spike(losses)
    peak = float(case.curves[RATE][1].max())
    clipped = float((case.curves[NORM][1] > case.settings.train.grad_clip).mean())
    figures: dict[str, Any] = {"peak": peak, "last": float(last), "highest": float(highest), "clipped": clipped}
    if case.settings.is_diffusion:
        start = case.untrained
        if highest > BURST * start or (last > UNLEARNED * start and clipped > 0.5):
            figure = sentence(
                "too high: at {peak:.1e} the loss rose to {highest:.4g} and is {last:.4g}; an untrained network has "
                "{start:.4g}. The gradient was clipped in {clipped:.0%} of the reports", **figures, start=start,
            )  # fmt: skip
            return Outcome(FAULT if last > start / 2 else LOOK, figure, lower)
        if last > UNLEARNED * start and case.settings.init_from is None:
            figure = sentence(
                "too low, or too few steps: at {peak:.1e} the loss is {last:.4g}; an untrained network has {start:.4g}",
                **figures, start=start,
            )  # fmt: skip
            return Outcome(FAULT, figure, _faster(case))
    if spike > SPIKE:
        figure = sentence("the loss jumps, at most to {spike:.1f} times what it was", spike=spike)
        return Outcome(LOOK, figure, lower)
    if peak < optim.lr / 2:
        figure = sentence(
            "{peak:.1e} at most, of optim.lr={lr:g}: the warm-up takes {warmup} steps", peak=peak, lr=optim.lr,
            warmup=optim.warmup,
        )  # fmt: skip
        return Outcome(LOOK, figure, sentence("shorten optim.warmup, or train longer"))
    figure = sentence(
        "{peak:.1e} at its peak; the loss never rose by more than {spike:.1f} times, the gradient was clipped in "
        "{clipped:.0%} of the reports", peak=peak, spike=max(spike, 1.0), clipped=clipped,
    )  # fmt: skip
    return Outcome(OK, figure)


def _faster(case: Case):
    optim = case.settings.optimizer
    if case.step < optim.warmup:
        return sentence("shorten optim.warmup, which takes {warmup} steps, or train longer", warmup=optim.warmup)
    return sentence("raise optim.lr to {lr:.1g}, or train longer", lr=optim.lr * 10)


def _largest_spike(losses: np.ndarray) -> float:
    """The largest ratio of a point to the median of those BEFORE it; 0 of a curve that is no longer than that."""
    ratios = [losses[i] / np.median(losses[i - BEFORE : i]) for i in range(BEFORE, len(losses))]
    return float(max(ratios, default=0.0))


def other_runs(case: Case) -> Outcome:
    """The loss of each range of noise levels beside that of other runs in the same folder, after the same steps."""
    own = {tag: curve for tag, curve in case.curves.items() if tag.startswith(LEVELS) and len(curve[0]) >= RECENT}
    if not own:
        return unchecked("the loss of each noise level was logged fewer than {n} times", n=RECENT)
    config, ratios = case.run.read_config(), []
    for curves in _siblings(case, config):
        if all(tag in curves and curves[tag][0][-1] >= steps[-1] for tag, (steps, _) in own.items()):
            ratios.append({tag: _recent(curve) / _recent(curves[tag], at=curve[0]) for tag, curve in own.items()})
    folder = case.run.path.parent.as_posix()
    if not ratios:
        return unchecked(
            "no run beside it in {folder} on these pictures predicts the same and got so far", folder=folder
        )
    middle = {tag: float(np.median([ratio[tag] for ratio in ratios])) for tag in own}
    tag = max(middle, key=middle.get)
    worst, levels, n = middle[tag], tag.removeprefix(LEVELS), len(ratios)
    figure = sentence(
        "after {end:,} steps the loss is at worst {worst:.2f} times that of other runs ({n} in {folder}), at "
        "t = {levels}",
        end=int(own[tag][0][-1]), worst=worst, n=n, folder=folder, levels=levels,
    )  # fmt: skip
    if worst > WORSE:
        return Outcome(LOOK, figure, sentence("compare config.yaml with theirs: learning rate, batch size, network"))
    return Outcome(OK, figure)


def _recent(curve: tuple[np.ndarray, np.ndarray], at: np.ndarray | None = None) -> float:
    """The mean of the last points of a curve, or of its values where another's last points are."""
    steps, values = curve
    return float(values[-RECENT:].mean() if at is None else np.interp(at[-RECENT:], steps, values).mean())


def _siblings(case: Case, config: dict) -> list[Curves]:
    """The curves of the other runs beside this one that trained on the same pictures for the same."""
    found = []
    for path in sorted(case.run.path.resolve().parent.glob("*/config.yaml"))[:MOST_RUNS]:
        run = Run(path.parent)
        if path.parent == case.run.path.resolve():
            continue
        try:
            other = run.read_config()
            same = _data(other) == _data(config) and all(_at(other, key) == _at(config, key) for key in ALIKE)
        except ValueError:
            continue
        if same:
            found.append(Scalars(run.path).read())
    return found


def _data(config: dict) -> Any:
    """What a configuration says of the pictures, without what only the sample grids show."""
    dataset = config.get("dataset")
    return {name: value for name, value in dataset.items() if name != "preview"} if isinstance(dataset, dict) else None


def _at(config: dict, key: str) -> Any:
    """A setting; None where the configuration, which may be older, does not have it."""
    try:
        return lookup(config, key)
    except KeyError:
        return None


_NONE = np.zeros(0), np.zeros(0)
