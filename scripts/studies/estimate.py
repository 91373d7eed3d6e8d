"""How long the trainings of a study will take here, by timed steps of each of their networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from data.base import Splits
from runtime.distributed import processes
from runtime.factory import build_splits
from runtime.settings import compose
from scripts.studies.detail import TRIES
from scripts.studies.measure import SAMPLER
from scripts.studies.settings import StudySettings
from scripts.studies.variants import Run
from training.forecast import step_seconds
from training.settings import TrainSettings
from training.trainer import Trainer

GUIDED = 0.6  # of the pictures that are measured, about, with a second evaluation at each step
BACKWARD = 3  # times as long as an evaluation takes a training step


def seconds(runs: Sequence[Run], study: StudySettings) -> float:
    """Of training and measuring these runs, `study.jobs` side by side, with as many threads each as they will have."""
    torch.set_num_threads(study.threads)
    times: dict[str, float] = {}
    loaded: dict[str, Splits] = {}
    total = 0.0
    needed = {need.name: need for run in runs for need in run.needs}
    for run in [*runs, *(need for name, need in needed.items() if name not in {run.name for run in runs})]:
        typed = [*run.variant.overrides, f"device={study.device}"]
        if run.variant.start_as == "autoencoder":
            typed += ["dataset=pixelfaces"]  # as large as the latents, whose autoencoder is not there yet
        settings = compose(TrainSettings, typed)
        batch = (settings.train.batch_size, settings.dataset.name, settings.upsample)
        key = str((settings.model, settings.diffusion.prediction, *batch))
        if key not in times:
            data = f"{settings.dataset.name}, {settings.cfg.conditional}"
            if data not in loaded:
                loaded[data] = build_splits(settings.dataset, study.data_root, settings.cfg.conditional)
            with processes(settings.device) as here:
                times[key] = step_seconds(Trainer(settings, loaded[data], here))
        measuring = (run in runs) * evaluations_of(run) / BACKWARD / settings.train.batch_size
        total += times[key] * (settings.train.steps + measuring)
    return total / min(study.jobs, len(runs))


def evaluations_of(run: Run) -> float:
    """How often a network is evaluated to measure a run, about."""
    wanted = run.variant.measures
    if wanted.detail:
        return TRIES * wanted.detail * SAMPLER["steps"]
    requests, checks = 500 * len(wanted.w), 5 * wanted.complete * wanted.progress
    pictures = requests + len(wanted.guided) * (wanted.complete + wanted.pictures) + checks
    return pictures * (SAMPLER["steps"] * (1 + GUIDED) if wanted.diffuses else 1)
