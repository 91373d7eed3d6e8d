"""How long the trainings of a study will take here, by timed steps of each of their networks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import torch

from data.base import Splits
from runtime.device import pick_device
from runtime.factory import build_diffusion, build_model
from runtime.settings import compose
from scripts.studies.runs import Run
from scripts.studies.settings import StudySettings
from training.settings import TrainSettings

EVALUATIONS = 16  # of the network per picture that is measured: ten steps, of which most pictures take two
TIMED = 2


def seconds(runs: Sequence[Run], study: StudySettings) -> float:
    """Of training and measuring these runs, `study.jobs` side by side, with as many threads each as they will have."""
    torch.set_num_threads(study.threads)

    @cache
    def splits(name: str) -> Splits:
        return datasets[name].load(study.data_root)

    times: dict[str, float] = {}
    datasets, total = {}, 0.0
    for run in runs:
        settings = compose(TrainSettings, run.variant.overrides)
        datasets[settings.dataset.name] = settings.dataset
        key = str((settings.model, settings.train.batch_size, settings.dataset.name, settings.diffusion.prediction))
        if key not in times:
            times[key] = step_seconds(settings, splits(settings.dataset.name), study)
        pictures = EVALUATIONS * pictures_of(run)
        total += times[key] * (settings.train.steps + pictures / 3 / settings.train.batch_size)
    return total / min(study.jobs, len(runs))


def pictures_of(run: Run) -> int:
    """How many pictures are measured of a run, about."""
    wanted = run.variant.measures
    requests, checks = 500 * len(wanted.w), 5 * wanted.complete * wanted.progress
    return requests + 2 * (wanted.complete + wanted.pictures) + checks


def step_seconds(settings: TrainSettings, splits: Splits, study: StudySettings) -> float:
    """The time of one step of training, at best of some after a first one."""
    device, data = pick_device(study.device), splits.train if settings.cfg.conditional else splits.train.unconditional()
    diffusion = build_diffusion(settings, data.palette)
    model = build_model(settings, data.image_shape, data.schema, data.palette).to(device)
    optimizer, times = settings.optim.build(model), []
    batch = data.batch(torch.arange(settings.train.batch_size))
    x_0, cond = batch.x_0.to(device), batch.cond.to(device)
    for _ in range(1 + TIMED):
        began = time.perf_counter()
        diffusion.loss(model, x_0, cond).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])
