"""Trainings side by side, each followed by its measures; what is finished is never repeated."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import filelock
import torch

from data.base import Dataset
from data.images import save_png
from inference.pipeline import Pipeline
from runtime.checkpoint import write_atomically
from runtime.device import pick_device
from runtime.settings import compose, override
from scripts.studies import record
from scripts.studies.detail import detail, kept
from scripts.studies.figures import reference_in
from scripts.studies.measure import Measurement
from scripts.studies.readers import Reader
from scripts.studies.runs import runs
from scripts.studies.settings import StudySettings
from scripts.studies.variants import ALIKE, EACH, Measures, Run
from training.loop import train
from training.run import Run as RunFolder
from training.settings import TrainSettings

REHEARSAL = ("train.steps=3", "train.keep=[2]", "train.validate_every=2", "train.log_every=1", "train.batch_size=8")


def chosen(settings: StudySettings) -> list[Run]:
    """The runs asked for, in order. Raises ValueError for a name that none begins with."""
    every = runs()
    for name in settings.only:
        if not any(run.name.startswith(name) for run in every):
            raise ValueError(f"only={name}: no training is called so; there are {', '.join(run.name for run in every)}")
    return [run for run in every if not settings.only or run.name.startswith(tuple(settings.only))]


def metrics_of(run: Run, settings: StudySettings) -> Path:
    return Path(settings.out) / f"{run.name}.json"


def folder_of(run: Run, settings: StudySettings) -> RunFolder:
    return RunFolder(Path(settings.runs) / run.name)


def left(settings: StudySettings) -> list[Run]:
    """The runs asked for that have no metrics yet."""
    return [run for run in chosen(settings) if not metrics_of(run, settings).exists()]


def run_all(settings: StudySettings) -> list[str]:
    """Train and measure what is left; returns what went wrong, a line each: runs that failed, processes that died."""
    began = time.time()
    until = began + 60 * settings.minutes if settings.minutes else float("inf")
    for folder in (settings.out, settings.runs, f"{settings.runs}/logs"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=work, args=(settings, index, began, until), name=f"worker-{index}")
        for index in range(min(settings.jobs, len(left(settings))))
    ]
    for worker in workers:
        worker.start()
    if not settings.rehearsal:
        write_references(settings)  # and train the classifiers for it, while they train
    for worker in workers:
        worker.join()
    logs = f"{settings.runs}/logs"
    failed = [run.name for run in chosen(settings) if _failed_since(run, settings, began)]
    died = [worker for worker in workers if worker.exitcode]
    return [
        *(f"{name}: failed; why is in {logs}/{name}.failed.txt" for name in failed),
        *(f"{worker.name}: ended with status {worker.exitcode}; see {logs}/{worker.name}.log" for worker in died),
    ]


def reader_of(dataset: Dataset, settings: StudySettings) -> Reader:
    each = 1 if settings.rehearsal else EACH[dataset.name]
    return Reader(dataset, dataset.load(settings.data_root), each, pick_device(settings.device))


def write_references(settings: StudySettings) -> None:
    """What stands beside the figures of trainings, for each data set of those asked for; what is there stays."""
    for variant in {run.variant.name: run.variant for run in chosen(settings)}.values():
        if variant.measures.detail:
            continue  # an oracle reads them, and what real pictures reach stands with the figures
        dataset = compose(TrainSettings, variant.overrides).dataset
        path = reference_in(Path(settings.out), dataset.name)
        if not path.exists():
            reader_of(dataset, settings).write_reference(path)


def work(settings: StudySettings, index: int, began: float, until: float) -> None:
    """One process: takes the next run that nobody has, until none is left or the time is up."""
    torch.set_num_threads(settings.threads)
    readers: dict[str, Reader] = {}
    with Path(settings.runs, "logs", f"worker-{index}.log").open("a", encoding="utf-8") as file, _output_to(file):
        for run in chosen(settings):
            if time.time() > until or not multiprocessing.parent_process().is_alive():
                return
            with _claimed(run, settings) as mine:
                if not mine or metrics_of(run, settings).exists() or _failed_since(run, settings, began):
                    continue
                try:
                    figures = execute(run, settings, readers)
                    text = json.dumps(figures) + "\n"
                    write_atomically(metrics_of(run, settings), lambda f, text=text: f.write(text.encode("utf-8")))
                    record.tidy(folder_of(run, settings))
                except KeyboardInterrupt:
                    return
                except Exception as error:  # of one run, which must not stop the others
                    _failure(run, settings).write_text(traceback.format_exc(), encoding="utf-8")
                    say(f"{run.name}: failed ({type(error).__name__}: {str(error).splitlines()[0][:200]})")
                    if "CUDA" in str(error):
                        return  # the device of this process cannot be used any more
                    continue
                tell(run, settings, figures, time.time() - began)


def execute(run: Run, settings: StudySettings, readers: dict[str, Reader]) -> dict[str, Any]:
    """Train one run, measure it, and return what its metrics file holds."""
    start = run.start and override(run.variant.start_as, weights_of(run.start, settings).as_posix())
    if run.small:
        weights_of(run.small, settings)
    trained, folder = fit(run, settings, start)
    began = time.perf_counter()
    measures = rehearsed(run.variant.measures) if settings.rehearsal else run.variant.measures
    if measures.detail:
        figures = detailed(run, trained, measures.detail, settings)
    else:
        figures = measured(run, trained, measures, settings, readers)
    found = record.of(run, folder, trained, settings) | figures
    found["measuring_seconds"] = round(time.perf_counter() - began, 1)
    return found


def measured(
    run: Run, trained: TrainSettings, measures: Measures, settings: StudySettings, readers: dict[str, Reader]
) -> dict[str, Any]:
    """The figures of its weights; a reader of its data set is kept in `readers` for the next."""
    name, folder = trained.dataset.name, folder_of(run, settings)
    if name not in readers:
        readers[name] = reader_of(trained.dataset, settings)
    device = readers[name].device
    pipe = Pipeline.load(folder.weights, device)
    figures = Measurement(pipe, readers[name], measures).figures(Path(settings.out), run.name)
    if measures.progress:
        figures["progress"] = progress(folder, readers[name], measures, device)
    return figures


def detailed(run: Run, trained: TrainSettings, n: int, settings: StudySettings) -> dict[str, Any]:
    """The figures of bigfaces, and what the trainings cost that came before."""
    device = pick_device(settings.device)
    pipe, *before = (Pipeline.load(folder_of(one, settings).weights, device) for one in (run, *run.needs))
    small = before[-1] if run.small else None
    held_out = trained.dataset.load(settings.data_root).validation
    figures, sheet = detail(pipe, small, held_out, n)
    save_png(sheet, Path(settings.out) / f"{run.name}.png")
    needed = [
        record.cost(folder_of(one, settings), compose(TrainSettings, one.overrides)) | {"bytes_a_picture": kept(other)}
        for one, other in zip(run.needs, before, strict=True)
    ]
    return {"detail": figures, "bytes_a_picture": kept(pipe), "before": needed}


def fit(run: Run, settings: StudySettings, start: str | None = None) -> tuple[TrainSettings, RunFolder]:
    """Train, or go on with it; `start` is the override with the weights to start from."""
    where = {"run": str(folder_of(run, settings)), "device": settings.device, "data_root": settings.data_root}
    typed = [*run.overrides, *([start] if start else []), *ALIKE, *(override(*item) for item in where.items())]
    if settings.rehearsal:
        typed += REHEARSAL
        typed += ["dataset.count=400"] * (compose(TrainSettings, typed).dataset.name in ("pixelfaces", "bigfaces"))
    trained = compose(TrainSettings, typed)
    outcome = train(trained, typed)
    if outcome.stopped_by:
        raise KeyboardInterrupt
    return trained, outcome.run


def weights_of(run: Run, settings: StudySettings) -> Path:
    """The weights of a run, trained now where they are not, or not to the end; waits for who is at it."""
    folder = folder_of(run, settings)
    with _lock(run, settings):
        if folder.state.exists() or not folder.weights.exists():
            fit(run, settings)
    return folder.weights


def rehearsed(measures: Measures) -> Measures:
    """The same of a handful of pictures; none for FID, which needs hundreds."""
    few = {"complete": min(measures.complete, 2), "detail": min(measures.detail, 8)}
    return measures._replace(requests=2, pictures=0, columns=1, **few)


def progress(trained, reader: Reader, measures: Measures, device: torch.device) -> dict[str, Any]:
    """The same of the weights of each kept step: how the loss falls, and how labels come to be followed."""
    found = {}
    for step in record.kept_steps(trained):
        measurement = Measurement(Pipeline.load(trained.kept(step), device), reader, measures)
        found[str(step)] = {"complete": {"1": measurement.complete(1.0)}, "loss_by_label": measurement.loss_by_label()}
    return found


# -- one process among others ----------------------------------------------------------------------------------------


def _lock(run: Run, settings: StudySettings) -> filelock.FileLock:
    return filelock.FileLock(Path(settings.runs, "logs", f".{run.name}.lock"))


@contextlib.contextmanager
def _claimed(run: Run, settings: StudySettings) -> Iterator[bool]:
    """Whether this process alone has the run; the claim dies with the process, however it dies."""
    lock = _lock(run, settings)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _failure(run: Run, settings: StudySettings) -> Path:
    return Path(settings.runs, "logs", f"{run.name}.failed.txt")


def _failed_since(run: Run, settings: StudySettings, began: float) -> bool:
    path = _failure(run, settings)
    return path.exists() and path.stat().st_mtime > began


@contextlib.contextmanager
def _output_to(file: TextIO) -> Iterator[None]:
    """Progress bars and logs of many processes would run into one another."""
    with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield


def say(line: str) -> None:
    """On the screen, also where the output goes elsewhere."""
    print(line, file=sys.__stdout__, flush=True)


def tell(run: Run, settings: StudySettings, figures: dict[str, Any], elapsed: float) -> None:
    """One line of a finished run."""
    every = chosen(settings)
    done = len(every) - len(left(settings))
    seconds = f"{figures['seconds']:.0f} s of training, {figures['measuring_seconds']:.0f} s of measuring"
    say(f"[{done}/{len(every)}] {elapsed / 60:.1f} min: {run.name}, {seconds}")
