"""What sampling leaves: a few lines in the terminal, and a folder of pictures that say how they came about."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from data.images import enlarge, grid, save_png
from inference.job import Job
from inference.weights import from_here

SHEET_PIXELS = 2**26  # of a sheet: more is too much for viewers
FRAME_PIXELS = 2**28  # of all frames of an animation
# Notes of one subject share a line of the terminal; dashboards show each by itself.
SUBJECTS = (("read as", "ignored", "note"), ("picture",), ("warning",))
LONGEST = 320  # characters of such a line; the JSON file of sample.py has the whole


def announced(job: Job, notes: Sequence[str]) -> Iterator[str]:
    """Lines that say what is about to be sampled."""
    info, settings = job.pipe.info, job.settings
    others = ((settings.guide, "guided by"), (settings.upsampler, "enlarged by"))
    beside = "".join(f", {how} {from_here(Path(path)).as_posix()}" for path, how in others if path is not None)
    yield line("weights", f"{from_here(job.weights).as_posix()} ({info.dataset}, step {info.step:,}){beside}")
    avoided = "" if job.negative is None else f" (negative: {job.negative})"
    yield line("request", job.request + avoided)
    yield from by_subject(notes)


def line(name: str, text: str) -> str:
    return f"{name + ':':<10}{text}"


def by_subject(notes: Sequence[str]) -> Iterator[str]:
    """At most one line for each subject."""
    split = [note.partition(": ")[::2] for note in notes]
    for kinds in SUBJECTS:
        notes_of_it = [(kind, text) for kind, text in split if kind in kinds]
        if notes_of_it:
            head = notes_of_it[0][0]
            texts = [text if kind == head else f"{kind}: {text}" for kind, text in notes_of_it]
            yield line(head, textwrap.shorten("; ".join(texts), LONGEST, placeholder=" ..."))


def fitting(scale: int, count: int, shape: Sequence[int], most: int = SHEET_PIXELS) -> int:
    """The largest scale, `scale` at most and 1 at least, with which `count` pictures (C, H, W) have `most` pixels."""
    _, height, width = shape
    return max(1, min(scale, math.isqrt(most // (count * (height + 1) * (width + 1)))))


def write(
    out: Path,
    images: Tensor,
    seeds: Sequence[int],
    record: dict[str, Any],
    beside: dict[str, Any],
    labels: Sequence[str] = (),
) -> None:
    """One PNG per picture, a grid, and samples.json; every PNG holds the record.

    images : (N, C, H, W) uint8, one for each of `seeds`
    beside : what samples.json says beyond the record
    labels : what each picture is of, where that was decided before it was sampled
    """
    files = [f"seed-{seed:06d}.png" for seed in seeds]
    for image, seed, name in zip(images, seeds, files, strict=True):
        save_png(enlarge(image, record["scale"]), out / name, {**record, "seed": seed})
    scale = fitting(record["scale"], len(images), images.shape[1:])
    sheet = grid(images, math.ceil(math.sqrt(len(images))), scale, gap=scale)
    save_png(sheet, out / "grid.png", {**record, "seeds": list(seeds)})
    listed = [{"file": name, "seed": seed} for name, seed in zip(files, seeds, strict=True)]
    for entry, label in zip(listed, labels, strict=False):
        entry |= {"label": label} if label else {}
    text = json.dumps({**record, **beside, "images": listed}, indent=2)
    (out / "samples.json").write_text(text, encoding="utf-8")
