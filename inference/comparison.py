"""Controlled experiments: the same seeds sampled with one setting changed at a time.

What scripts/compare.py and the dashboard call.
"""

from __future__ import annotations

import csv
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from conf import Settings, closest, names
from diffusion.sampling import FOR_OPEN_LABELS
from inference.job import Job, Load, prepare
from inference.output import fitting
from inference.pipeline import Pipeline
from inference.replay import as_typed_option
from inference.settings import CompareSettings, JobSettings, SampleSettings
from runtime.plots import labelled_rows
from runtime.settings import command_line, compose, key_of, literal, override

BASELINE = "baseline"
OWN = set(CompareSettings.model_fields) - set(JobSettings.model_fields) | {"scale", "out"}  # of the whole, not of a row


@dataclass(frozen=True)
class Row:
    """One setting's value, for all seeds. `overrides` are those of sample.py.

    varied : of the baseline, (setting, value) of what varies in the other rows, once it is known
    """

    setting: str
    value: str
    overrides: tuple[str, ...]
    varied: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        if self.setting != BASELINE:
            return f"{self.setting} = {self.value}"
        return f"{BASELINE} ({self.described})" if len(self.varied) == 1 else BASELINE  # more belong into the caption

    @property
    def described(self) -> str:
        """The values of the baseline that vary in the other rows."""
        return ", ".join(f"{setting} = {value}" for setting, value in self.varied)

    def command(self, seed: int) -> str:
        """What samples one cell alone."""
        return command_line("sample.py", [*self.overrides, f"seed={seed}", "n=1"])


@dataclass(frozen=True)
class Result:
    """What a row gave: pictures (N, C, H, W) uint8, seconds for all, NFE, and per picture adherence and distance.

    adherence : (N,) in [0, 1], or None where nothing is asked or no classifier is there
    distance  : (N,) mean absolute difference from the baseline's picture of the same seed, in levels of 255
    """

    row: Row
    images: Tensor
    seconds: float
    evaluations: int
    adherence: Tensor | None
    distance: Tensor


def base_of(overrides: Sequence[str]) -> list[str]:
    """Of what was typed for scripts/compare.py, that which holds for every row."""
    return [typed for typed in overrides if key_of(typed).partition(".")[0] not in OWN]


def plan(base: Sequence[str], vary: Mapping[str, Sequence[Any]]) -> list[Row]:
    """The baseline, and a row for each value of each setting. Raises ValueError for what cannot vary.

    base : overrides of sample.py
    vary : the values of each setting: {"w": [1, 7], "sampler.eta": [0, 1]}
    """
    rows, able = [Row(BASELINE, "", tuple(base))], names(JobSettings) - OWN
    for setting, values in vary.items():
        if setting not in able:
            nearest = ", ".join(name for name in closest(setting, JobSettings) if name in able)
            raise ValueError(f"vary.{setting}: no setting of sample.py that can vary; closest: {nearest}")
        for value in values:
            overrides = (*_without(base, setting), _override(setting, value))
            rows.append(Row(setting, as_typed(value), overrides))
    if len(rows) == 1:
        raise ValueError("vary: nothing varies; name a setting and its values, such as vary.w=[1,3,7]")
    return rows


def crossed(base: Sequence[str], first: tuple[str, Sequence], second: tuple[str, Sequence]) -> list[Row]:
    """A row for each pair of values of two settings, (name, values) each; the first pair stands for the baseline."""
    settings = [name for name, _ in (first, second)]
    kept = _without(base, *settings)
    return [
        Row(
            " x ".join(settings),
            f"{as_typed(one)} x {as_typed(other)}",
            (*kept, _override(first[0], one), _override(second[0], other)),
        )
        for one in first[1]
        for other in second[1]
    ]


def _override(setting: str, value: Any) -> str:
    try:
        return override(setting, value)
    except ValueError as error:
        raise ValueError(f"vary.{setting}: {error}; give numbers, texts or lists of them") from error


def as_typed(value: Any) -> str:
    """A plain value as a person would type it, without the quotes that Hydra may need."""
    return value if isinstance(value, str) else literal(value)


def _without(overrides: Sequence[str], *settings: str) -> list[str]:
    return [typed for typed in overrides if key_of(typed) not in settings]


def run(
    rows: Sequence[Row],
    seeds: Sequence[int],
    on_row: Callable[[Row], None] = lambda row: None,
    load: Load = Pipeline.load,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Result]:
    """Sample every row, after all of them have proved possible.

    The rows of the results name their weights, and a baseline its own value of each setting that varies.

    on_note : called with what a person should know of the requests, each thing once, before anything is sampled

    Raises ValueError for what is not possible, with the row in which it is not.
    """
    load = functools.cache(load)  # rows of the same weights share one network
    if rows[0].setting == BASELINE:
        rows = _alike(rows, _prepared(rows[0], load)[0])
    prepared = [_prepared(row, load) for row in rows]
    _refuse_other_shapes(rows, [job for job, _ in prepared])
    for note in dict.fromkeys(note for _, notes in prepared for note in notes):
        on_note(note)
    results: list[Result] = []
    varied = list(dict.fromkeys(row.setting for row in rows if row.setting != BASELINE))
    for row, (job, _) in zip(rows, prepared, strict=True):
        began = time.perf_counter()
        images = job.sample(seeds)
        seconds = time.perf_counter() - began
        first = results[0].images if results else images
        distance = (images.double() - first.double()).abs().flatten(1).mean(dim=1)
        named = naming_weights(row, job)
        if row.setting == BASELINE:
            settings = job.options.model_copy(update={"checkpoint": job.weights.as_posix()})  # also where it was found
            named = replace(named, varied=tuple((name, value_of(name, settings)) for name in varied))
        results.append(Result(named, images, seconds, job.evaluations, job.adherence(images), distance))
        on_row(row)
    return results


def _alike(rows: Sequence[Row], baseline: Job) -> list[Row]:
    """The rows with what the baseline samples with, where nobody typed it; another request would choose otherwise.

    Other weights keep their own choice: a distilled network has steps of its own, which its teacher samples badly with.
    """
    plain = baseline.options.plain()
    automatic = [name for name in FOR_OPEN_LABELS if getattr(baseline.settings, name) is None]
    made = []
    for row in rows:
        if row.setting == "checkpoint":
            made.append(row)
            continue
        typed = {key_of(override).partition(".")[0] for override in row.overrides}
        chosen = [line for name in automatic if name not in typed for line in as_typed_option(name, plain[name], ())]
        made.append(replace(row, overrides=(*chosen, *row.overrides)))
    return made


def _prepared(row: Row, load: Load) -> tuple[Job, list[str]]:
    try:
        return prepare(compose(SampleSettings, row.overrides), load)
    except ValueError as error:
        raise ValueError(f"{row.label}: {error}") from error


def _refuse_other_shapes(rows: Sequence[Row], jobs: Sequence[Job]) -> None:
    shape = jobs[0].last.image_shape
    for row, job in zip(rows, jobs, strict=True):
        if job.last.image_shape != shape:
            raise ValueError(f"{row.label}: pictures of {job.last.image_shape}, but of {shape} in the first row; "
                             "compare weights of one shape")  # fmt: skip


def value_of(setting: str, settings: Settings) -> str:
    """What a setting, or a group of them, is, as it is typed."""
    value = functools.reduce(getattr, setting.split("."), settings)
    return value.name if isinstance(value, Settings) else as_typed(value)


def naming_weights(row: Row, job: Job) -> Row:
    """The same row with the weights that it found, so that its commands take no newer ones."""
    if job.settings.checkpoint is not None:
        return row
    found = override("checkpoint", job.weights.as_posix())
    return replace(row, overrides=(*_without(row.overrides, "checkpoint"), found))


def summary(results: Sequence[Result]) -> Iterator[str]:
    """The lines of a table: a head, and means over the seeds of each row."""
    width = max(len(result.row.label) for result in results)
    yield f"{'':{width}}  {'seconds':>8} {'NFE':>5} {'adherence':>10} {'distance':>9}"
    for result in results:
        adherence = "" if result.adherence is None else f"{result.adherence.mean().item():.3f}"
        cost = f"{result.seconds:8.2f} {result.evaluations:5d}"
        yield f"{result.row.label:{width}}  {cost} {adherence:>10} {result.distance.mean().item():9.2f}"


def write(out: Path, results: Sequence[Result], seeds: Sequence[int], scale: int) -> None:
    """contact.png, a labelled row for each value, and cells.csv, a line for each picture with its command."""
    first = results[0].row
    values = f"{BASELINE}: {first.described}; " if len(first.varied) > 1 else ""
    caption = f"{values}seeds {', '.join(map(str, seeds))}; {first.command(seeds[0])}"
    labels, rows = [result.row.label for result in results], [result.images for result in results]
    scale = fitting(scale, len(rows) * len(seeds), rows[0].shape[1:])
    labelled_rows(rows, labels, scale, caption).save(out / "contact.png")
    with (out / "cells.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["setting", "value", "seed", "seconds", "nfe", "adherence", "distance", "command"])
        for result in results:
            for i, seed in enumerate(seeds):
                met = "" if result.adherence is None else f"{result.adherence[i].item():.4f}"
                cell = [result.row.setting, result.row.value, seed, f"{result.seconds / len(seeds):.4f}"]
                distance = f"{result.distance[i].item():.3f}"
                table.writerow([*cell, result.evaluations, met, distance, result.row.command(seed)])
