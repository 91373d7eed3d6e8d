"""How a training computes: as asked for, as a timed step is fastest, or as the run began."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import torch

from runtime.device import CompileError, Compute, computes_bf16, pick_precision
from training.settings import TrainSettings

Why = dict[str, str]  # for each part of a Compute that is worth a line in the log, the reason for its value
LEFT_OPEN = ("auto", None)
WORTH = 1.15  # how many times as long a step must take with fewer threads for more of them to be worth it


def as_asked(settings: TrainSettings, device: torch.device) -> tuple[Compute, Why]:
    """What the settings say; of what they leave open, the usual. Raises ValueError for what the device has not got."""
    precision = pick_precision(settings.precision, device)
    how = Compute(precision, bool(settings.compile), bool(settings.channels_last))
    return how, {name: "as asked for" for name in how._fields if getattr(settings, name) not in LEFT_OPEN}


def fastest(settings: TrainSettings, device: torch.device, seconds: Callable[[Compute], float]) -> tuple[Compute, Why]:
    """What the settings leave open is tried, one choice after another, and what makes a step fastest is kept.

    seconds : the time of a step that is computed so; may raise CompileError
    """
    how, why = as_asked(settings, device)
    if settings.precision == "auto":
        bf16 = how.precision == "bf16"
        why["precision"] = "what this device computes in" if bf16 else "no fast bf16 on this device"
    for name, values in _open(settings, device, how).items():
        took, reasons = {}, []
        for value in values:
            try:
                took[value] = seconds(how._replace(**{name: value}))
                reasons.append(f"{took[value]:.3g} s a step in {value}" if name == "precision" else _words(took, value))
            except CompileError as error:
                reasons.append(str(error))
        if not took:  # compile=true was asked for, and cannot be had
            raise CompileError(reasons[-1])
        how = how._replace(**{name: min(took, key=took.get)})
        why[name] = ", ".join(reasons)
    return how, why


def _words(took: Mapping[bool, float], value: bool) -> str:
    return f"{took[value]:.3g} s a step {'with' if value else 'without'} it"


def _open(settings: TrainSettings, device: torch.device, how: Compute) -> dict[str, tuple]:
    """What is worth timing, the plain choice first.

    Having the instructions for bf16 does not make a CPU fast: oneDNN's kernels lose to fp32 for small channels. A GPU
    that has them is fast, but its kernels may gain or lose by channels last, and small networks most by compilation.
    """
    on_gpu, choices = device.type == "cuda", {}
    if settings.precision == "auto" and device.type == "cpu" and how.precision == "bf16":
        choices["precision"] = ("fp32", "bf16")
    for name in ("channels_last", "compile"):
        if getattr(settings, name) is None and on_gpu:
            choices[name] = (False, True)
    return choices


def fastest_threads(seconds: Callable[[], float]) -> str | None:
    """Halve the number of PyTorch's threads while that costs little, and keep the fewest that do; returns the timings.

    Threads wait for each other after every operation, so small networks, and cores that share their units, do best
    with few. The best of a few passes flatters many, which wait longer in a whole training: on two cores, a step took
    0.17 s here and then 0.4 s with two threads, 0.19 s with one. Nothing is timed where $OMP_NUM_THREADS says how many.
    """
    count, took = torch.get_num_threads(), {}
    if count == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    while count:
        torch.set_num_threads(count)
        took[count] = seconds()
        if took[count] > WORTH * min(took.values()):
            break
        count //= 2
    torch.set_num_threads(min(n for n in took if took[n] <= WORTH * min(took.values())))
    return ", ".join(f"{took[n]:.3g} s a step with {n}" for n in took)


def threads_before(state: Mapping[str, Any]) -> None:
    """As many threads as a training began with, for its sums to round alike; but no more than PyTorch would take."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(state.get("threads", math.inf), torch.get_num_threads()))


def as_before(state: Mapping[str, Any], settings: TrainSettings, device: torch.device) -> tuple[Compute, Why]:
    """What a training state says of what the settings leave open, or the run would not continue bit for bit.

    A device that cannot do so takes the usual. States from before there was a choice were computed without.
    """
    how, why = as_asked(settings, device)
    able = {
        "precision": {"fp32": True, "bf16": computes_bf16(device)}.get(state["precision"], False),
        "compile": device.type == "cuda",
        "channels_last": True,
    }
    for name in how._fields:
        if getattr(settings, name) in LEFT_OPEN and name in state:
            how = how._replace(**{name: state[name]}) if able[name] else how
            why[name] = "as before" if able[name] else "what this device computes in"
    return how._replace(precision=pick_precision(how.precision, device)), why
