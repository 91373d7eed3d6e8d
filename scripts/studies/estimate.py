"""How long the trainings of a study will take here, by timed steps of each of their networks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from data.base import Splits
from runtime.distributed import processes
from runtime.factory import build_splits
from runtime.settings import compose
from scripts.studies.runs import Run
from scripts.studies.settings import StudySettings
from training.settings import TrainSettings
from training.trainer import Trainer

EVALUATIONS = 16  # of a denoiser per picture that is measured: ten steps, of which most pictures take two
BACKWARD = 3  # times as long as an evaluation takes a training step
TIMED = 2


def seconds(runs: Sequence[Run], study: StudySettings) -> float:
    """Of training and measuring these runs, `study.jobs` side by side, with as many threads each as they will have."""
    torch.set_num_threads(study.threads)
    times: dict[str, float] = {}
    loaded: dict[str, Splits] = {}
    total = 0.0
    for run in runs:
        settings = compose(TrainSettings, [*run.variant.overrides, f"device={study.device}"])
        key = str((settings.model, settings.train.batch_size, settings.dataset.name, settings.diffusion.prediction))
        if key not in times:
            data = f"{settings.dataset.name}, {settings.cfg.conditional}"
            if data not in loaded:
                loaded[data] = build_splits(settings.dataset, study.data_root, settings.cfg.conditional)
            times[key] = step_seconds(settings, loaded[data])
        measuring = evaluations_of(run) / BACKWARD / settings.train.batch_size
        total += times[key] * (settings.train.steps + measuring)
    return total / min(study.jobs, len(runs))


def evaluations_of(run: Run) -> int:
    """How often a network is evaluated to measure a run, about."""
    wanted = run.variant.measures
    requests, checks = 500 * len(wanted.w), 5 * wanted.complete * wanted.progress
    pictures = requests + len(wanted.guided) * (wanted.complete + wanted.pictures) + checks
    return pictures * (EVALUATIONS if wanted.diffuses else 1)


def step_seconds(settings: TrainSettings, splits: Splits) -> float:
    """The time of one step of training, at best of some after a first one."""
    times = []
    with processes(settings.device) as here:
        trainer = Trainer(settings, splits, here)
        for step in range(1 + TIMED):
            began = time.perf_counter()
            trainer.step(step, settings.train.steps)
            if here.device.type == "cuda":
                torch.cuda.synchronize(here.device)
            times.append(time.perf_counter() - began)
    return min(times[1:])
