"""What a metrics file says of the training: command, cost, where it ran, and its losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from runtime.checkpoint import load_tensors, previous, read_info
from runtime.latents import split_tensors
from runtime.settings import command_line, override
from scripts.studies.settings import StudySettings
from scripts.studies.variants import Run
from training.run import Run as RunFolder
from training.settings import TrainSettings

CURVES = {"train": "loss/train", "held_out": "loss/held_out"}


def of(run: Run, trained: RunFolder, settings: TrainSettings, study: StudySettings) -> dict[str, Any]:
    """How the weights came about."""
    last = trained.sessions()[-1]
    start = []
    if run.start:  # wherever it lies here, where others would have it
        given = Path(getattr(settings, run.variant.start_as)).relative_to(study.runs)
        start = [override(run.variant.start_as, (Path(StudySettings().runs) / given).as_posix())]
    return {
        "variant": run.variant.name,
        "seed": run.seed,
        "command": command_line("train.py", [*run.overrides, *start]),
        "dataset": settings.dataset.name,
        "network": settings.model.name,
        **cost(trained, settings),
        "side_by_side": study.jobs,
        "hardware": last["hardware"],
        "code": last["code"],
        "torch": last["torch"],
        "precision": last["precision"],
        "loss": losses(trained),
    }


def cost(trained: RunFolder, settings: TrainSettings) -> dict[str, Any]:
    """Of a training; the parameters of a diffusion in latents are without those of the autoencoder."""
    step, (own, _) = read_info(trained.weights).step, split_tensors(load_tensors(trained.weights))
    return {
        "parameters": sum(tensor.numel() for tensor in own.values()),
        "steps": step,
        "images": step * settings.train.batch_size,
        "seconds": round(seconds(trained.sessions()), 1),
    }


def seconds(sessions: Sequence[dict[str, Any]]) -> float:
    """Of training the steps that led to the weights, each once.

    Of a session, the steps that a later one took again do not count: all of them where it began anew.
    """
    total, end = 0.0, math.inf
    for session in reversed(sessions):
        first, last = session["first_step"], session["last_step"]
        if first < min(end, last):
            total += session["seconds"] * (min(end, last) - first) / (last - first)
        end = min(end, first)
    return total


def losses(trained: RunFolder) -> dict[str, list[list[float]]]:
    """The curves of the training, each as pairs of step and loss."""
    events = EventAccumulator(str(trained.path), size_guidance={SCALARS: 0}).Reload()
    there = events.Tags()["scalars"]
    return {
        name: [[event.step, round(event.value, 6)] for event in events.Scalars(tag)]
        for name, tag in CURVES.items()
        if tag in there
    }


def kept_steps(trained: RunFolder) -> list[int]:
    """The steps whose weights train.keep has kept."""
    return sorted(int(path.stem.partition("-")[2]) for path in trained.weights.parent.glob("ema-*.safetensors"))


def tidy(trained: RunFolder) -> None:
    """Leave the final weights alone: the state, and the weights of earlier steps, are measured and done with."""
    for step in kept_steps(trained):
        trained.kept(step).unlink()
    for path in (trained.state, previous(trained.state)):
        path.unlink(missing_ok=True)
