"""Controlled experiments: the same seeds drawn with one setting changed at a time.

What scripts/compare.py and a dashboard call.
"""

from __future__ import annotations

import csv
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor

import explain
from cli import quote_overrides
from evaluation.figures import labelled_rows
from pipeline import Pipeline
from steering import adherence, prepare

BASELINE = "baseline"
COMPOSING = threading.Lock()  # Hydra composes one configuration at a time
GROUPS = ("sampler", "guidance")
FIXED = {"seed", "n", "out", "rank", "keep", "of", "from_image", "scale"}  # what a comparison sets itself


@dataclass(frozen=True)
class Row:
    """One setting's value, for all seeds. `overrides` are those of sample.py."""

    setting: str
    value: str
    overrides: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.setting} = {self.value}" if self.setting != BASELINE else BASELINE

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

    Values that contain commas, such as requests, are separated by semicolons.
    """
    known, rows = {*explain.names("sample"), *GROUPS}, [Row(BASELINE, "", tuple(base))]
    for text in varied:
        setting, colon, values = text.partition(":")
        if not colon or not values:
            raise ValueError(f"vary={text}: name a setting and its values, such as vary=w:1,3,7")
        if setting not in known or setting in FIXED:
            usual = "w, steps, sampler, guidance, attrs, strength"
            raise ValueError(f"vary={text}: {setting!r} is no setting that can vary; among those that can: {usual}")
        for value in values.split(";" if ";" in values else ","):
            kept = [override for override in base if override.partition("=")[0] != setting]
            rows.append(Row(setting, value.strip(), (*kept, f"{setting}={value.strip()}")))
    return rows


def crossed(base: Sequence[str], first: tuple[str, Sequence], second: tuple[str, Sequence]) -> list[Row]:
    """A row for each pair of values of two settings, (name, values) each; the first pair stands for the baseline."""
    settings = [name for name, _ in (first, second)]
    kept = [override for override in base if override.partition("=")[0] not in settings]
    return [
        Row(" x ".join(settings), f"{one} x {other}", (*kept, f"{first[0]}={one}", f"{second[0]}={other}"))
        for one in first[1]
        for other in second[1]
    ]


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
) -> list[Result]:
    """Draw every row, after all of them have proved possible. For `load` see steering.prepare."""
    drawings = [prepare(settings_of(row.overrides), load)[0] for row in rows]
    results: list[Result] = []
    for row, drawing in zip(rows, drawings, strict=True):
        began = time.perf_counter()
        images = drawing.draw(seeds)
        seconds = time.perf_counter() - began
        first = results[0].images if results else images
        distance = (images.double() - first.double()).abs().flatten(1).mean(dim=1)
        results.append(Result(row, images, seconds, adherence(drawing, images), distance))
        on_row(row)
    return results


def write(out: Path, results: Sequence[Result], seeds: Sequence[int]) -> None:
    """contact.png, a labelled row for each value, and cells.csv, a line for each picture with its command."""
    caption = f"seeds {', '.join(map(str, seeds))}; {results[0].row.command(seeds[0])}"
    sheet = labelled_rows([result.images for result in results], [result.row.label for result in results], 4, caption)
    sheet.save(out / "contact.png")
    with (out / "cells.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["setting", "value", "seed", "seconds", "adherence", "distance", "command"])
        for result in results:
            for i, seed in enumerate(seeds):
                told = "" if result.adherence is None else f"{result.adherence[i].item():.4f}"
                cell = [result.row.setting, result.row.value, seed, f"{result.seconds / len(seeds):.4f}"]
                table.writerow([*cell, told, f"{result.distance[i].item():.3f}", result.row.command(seed)])
