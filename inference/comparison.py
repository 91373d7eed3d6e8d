"""Controlled experiments: the same seeds drawn with one setting changed at a time.

What scripts/compare.py and a dashboard call.
"""

from __future__ import annotations

import csv
import functools
import json
import re
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor

from cli import help as explain
from cli.app import key_of, one_line, quote_overrides, refuse
from inference.job import Drawing, prepare
from inference.pipeline import Pipeline
from inference.ranking import adherence
from runtime.plots import labelled_rows

BASELINE = "baseline"
COMPOSING = threading.Lock()  # Hydra composes one configuration at a time
GROUPS = ("sampler", "guidance")
FIXED = {  # what a comparison sets itself, and what to do instead of giving it
    "seed": "name the seeds of every row, as in seeds=0,1,2",
    "n": "every row has one picture for each seed; name the seeds, as in seeds=0,1,2",
    **dict.fromkeys(("rank", "keep", "of"), "every row shows the same seeds and none are chosen among; leave it out"),
    "from_image": "settings are not taken from a picture here; give those in the samples.json beside it",
    "scale": "it belongs to the sheet, not to the pictures; scale=4 of scripts/compare.py sets it",
    "out": "it belongs to the comparison, not to a row; out=FOLDER of scripts/compare.py sets it",
}


@dataclass(frozen=True)
class Row:
    """One setting's value, for all seeds. `overrides` are those of sample.py.

    hidden : of the baseline, (setting, value) of what varies in the other rows, once it is known
    """

    setting: str
    value: str
    overrides: tuple[str, ...]
    hidden: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        if self.setting != BASELINE:
            return f"{self.setting} = {self.value}"
        return f"{BASELINE} ({self.told})" if len(self.hidden) == 1 else BASELINE  # more belong into the caption

    @property
    def told(self) -> str:
        """The values of the baseline that vary in the other rows."""
        return ", ".join(f"{setting} = {value}" for setting, value in self.hidden)

    def command(self, seed: int) -> str:
        """What draws one cell alone."""
        return shlex.join(["python", "sample.py", *self.overrides, f"seed={seed}", "n=1"])


@dataclass(frozen=True)
class Result:
    """What a row gave: pictures (N, C, H, W) uint8, seconds for all, and per picture adherence and distance.

    adherence : (N,) in [0, 1], or None where nothing is asked or no classifier is there
    distance  : (N,) mean absolute difference from the baseline's picture of the same seed, in levels of 255
    """

    row: Row
    images: Tensor
    seconds: float
    adherence: Tensor | None
    distance: Tensor


def plan(base: Sequence[str], varied: Sequence[str]) -> list[Row]:
    """The baseline, and a row for each value of "setting:value,value". Raises ValueError for what cannot vary.

    Values are separated by commas outside of brackets; those that hold commas, such as requests, by semicolons.
    """
    refuse(base, FIXED)
    known, rows = {*explain.names("sample"), *GROUPS}, [Row(BASELINE, "", tuple(base))]
    for text in varied:
        setting, colon, values = text.partition(":")
        if not colon or not values:
            raise ValueError(f"vary={text}: name a setting and its values, such as vary=w:1,3,7")
        if setting not in known or setting in FIXED:
            usual = "w, steps, sampler, guidance, attrs, strength"
            raise ValueError(f"vary={text}: {setting!r} is no setting that can vary; among those that can: {usual}")
        for value in values.split(";") if ";" in values else re.split(r",(?![^][]*\])", values):
            rows.append(Row(setting, value.strip(), (*_without(base, setting), f"{setting}={value.strip()}")))
    return rows


def crossed(base: Sequence[str], first: tuple[str, Sequence], second: tuple[str, Sequence]) -> list[Row]:
    """A row for each pair of values of two settings, (name, values) each; the first pair stands for the baseline."""
    refuse(base, FIXED)
    settings = [name for name, _ in (first, second)]
    kept = _without(base, *settings)
    return [
        Row(" x ".join(settings), f"{one} x {other}", (*kept, f"{first[0]}={one}", f"{second[0]}={other}"))
        for one in first[1]
        for other in second[1]
    ]


def _without(overrides: Sequence[str], *names: str) -> list[str]:
    return [override for override in overrides if key_of(override) not in names]


def settings_of(overrides: Sequence[str], program: str = "sample") -> dict[str, Any]:
    """The settings that sample.py, or another program of conf/, would have with these overrides."""
    with COMPOSING, initialize_config_dir(str(explain.CONF), version_base="1.3"):
        cfg = compose(program, overrides=quote_overrides(list(overrides)))
        return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)


def run(
    rows: Sequence[Row],
    seeds: Sequence[int],
    on_row: Callable[[Row], None] = lambda row: None,
    load: Callable[[Path, str, str], Pipeline] = Pipeline.load,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Result]:
    """Draw every row, after all of them have proved possible.

    The rows of the results name their weights, and a baseline its own value of each setting that varies.

    load    : see steering.prepare
    on_note : told what a person should know of the requests, each thing once, before anything is drawn

    Raises ValueError for what is not possible, with the row in which it is not.
    """
    load = functools.cache(load)  # rows of the same weights share one network
    prepared = [_prepared(row, load) for row in rows]
    for note in dict.fromkeys(note for _, notes in prepared for note in notes):
        on_note(note)
    results: list[Result] = []
    varied = list(dict.fromkeys(row.setting for row in rows if row.setting != BASELINE))
    for row, (drawing, _) in zip(rows, prepared, strict=True):
        began = time.perf_counter()
        images = drawing.draw(seeds)
        seconds = time.perf_counter() - began
        first = results[0].images if results else images
        distance = (images.double() - first.double()).abs().flatten(1).mean(dim=1)
        named = naming_weights(row, drawing)
        if row.setting == BASELINE:
            named = replace(named, hidden=tuple((name, value_of(name, named, drawing.settings)) for name in varied))
        results.append(Result(named, images, seconds, adherence(drawing, images), distance))
        on_row(row)
    return results


def _prepared(row: Row, load: Callable[[Path, str, str], Pipeline]) -> tuple[Drawing, list[str]]:
    try:
        return prepare(settings_of(row.overrides), load)
    except (ValueError, HydraException, OmegaConfBaseException) as error:
        raise ValueError(f"{row.label}: {one_line(error, 'sample')}") from error


def value_of(setting: str, row: Row, settings: dict[str, Any]) -> str:
    """What a setting of sample.py, or a group of them, is in a row: as it was typed, else as conf/ has it.

    settings : all that the row has
    """
    typed = [override.partition("=")[2] for override in row.overrides if key_of(override) == setting]
    if typed:
        return typed[-1]
    if setting in GROUPS:
        return str(dict(explain.groups(explain.CONF / "sample.yaml"))[setting])
    value = functools.reduce(lambda found, key: found[key], setting.split("."), settings)
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def naming_weights(row: Row, drawing: Drawing) -> Row:
    """The same row with the weights that it found, so that its commands take no newer ones."""
    if drawing.settings["checkpoint"] is not None:
        return row
    path, here = drawing.weights, Path.cwd()
    path = path.relative_to(here) if path.is_relative_to(here) else path
    override = f"checkpoint={path.as_posix()}"
    if not re.fullmatch(r"checkpoint=[\w./-]+", override):  # Hydra reads commas, brackets and the like as its grammar
        (override,) = quote_overrides([override], ("checkpoint",))
    return replace(row, overrides=(*_without(row.overrides, "checkpoint"), override))


def write(out: Path, results: Sequence[Result], seeds: Sequence[int], scale: int = 4) -> None:
    """contact.png, a labelled row for each value, and cells.csv, a line for each picture with its command."""
    first = results[0].row
    values = f"{BASELINE}: {first.told}; " if len(first.hidden) > 1 else ""
    caption = f"{values}seeds {', '.join(map(str, seeds))}; {first.command(seeds[0])}"
    labels = [result.row.label for result in results]
    sheet = labelled_rows([result.images for result in results], labels, scale, caption)
    sheet.save(out / "contact.png")
    with (out / "cells.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["setting", "value", "seed", "seconds", "adherence", "distance", "command"])
        for result in results:
            for i, seed in enumerate(seeds):
                told = "" if result.adherence is None else f"{result.adherence[i].item():.4f}"
                cell = [result.row.setting, result.row.value, seed, f"{result.seconds / len(seeds):.4f}"]
                table.writerow([*cell, told, f"{result.distance[i].item():.3f}", result.row.command(seed)])
