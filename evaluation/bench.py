"""What every measure is given, and what it gives back."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from data.base import InMemoryDataset, Splits
from diffusion.sampling import SPACINGS
from evaluation.classifier import classifier_for
from evaluation.draws import Job
from inference.classifier import Classifier
from inference.pipeline import Pipeline
from runtime.factory import build_guidance
from runtime.settings import MAX_SEED, choice, number, numbers, whole

Read = Callable[[Job], Tensor]  # the pictures of a job, (N, C, H, W) uint8, not snapped


@dataclass(frozen=True)
class Bench:
    """What is measured, and with what.

    split       : "validation" or "test", the held-out pictures that are compared with
    settings    : those of conf/evaluate.yaml
    classifiers : folders to look for the classifier, the last to save a new one in
    """

    pipe: Pipeline
    splits: Splits
    split: str
    settings: dict[str, Any]
    classifiers: Sequence[Path]

    @cached_property
    def classifier(self) -> Classifier:
        """Found, or trained now."""
        return classifier_for(self.splits, self.pipe.device, self.classifiers)

    @property
    def held_out(self) -> InMemoryDataset:
        return getattr(self.splits, self.split)

    def snapped(self, images: Tensor) -> Tensor:
        """`images` as sample.py writes them: each pixel in a colour of the palette, where there is one."""
        return self.pipe.palette.snap(images) if self.pipe.palette else images

    def caption(self, jobs: Sequence[Job]) -> str:
        """Where the pictures of a figure come from, for the line beneath it."""
        ws = ", ".join(f"{w:g}" for w in sorted({job.w for job in jobs}))
        seeds = [seed for job in jobs for seed in (job.seeds[0], job.seeds[-1])]
        info, sampler = self.pipe.info, self.settings["sampler"]["name"]
        unusual = build_guidance(self.settings["guidance"]).unlike_plain
        unusual += ["autoguidance"] if self.settings["guidance"]["checkpoint"] else []
        refine = self.pipe.refinement(self.settings["refine"])
        unusual += [f"refine {refine}"] if refine else []
        return (
            f"{info.dataset}, weights {self.pipe.checkpoint} (step {info.step}); {sampler}, "
            f"{self.settings['steps']} steps, w = {', '.join([ws, *unusual])}, seeds {min(seeds)} to {max(seeds)}, "
            f"{sum(len(job.labels) for job in jobs)} pictures; {self.split} split"
        )

    def provenance(self) -> dict[str, Any]:
        """The same for a program, inside the file."""
        return {"checkpoint": self.pipe.checkpoint, "split": self.split, "settings": self.settings}


def check(settings: dict[str, Any], measures: tuple[str, ...]) -> None:
    """Raises ValueError for settings that no evaluation can work with."""
    if not isinstance(settings["measure"], list) or not settings["measure"]:
        raise ValueError(f"measure={settings['measure']!r}: must be a list in brackets, of {', '.join(measures)}")
    for name in settings["measure"]:
        choice("measure", name, measures)
    choice("split", settings["split"], ("validation", "test"))
    number("w", settings["w"], 0)
    for key in (
        "steps",
        "batch_size",
        "exact.n",
        "exact.tries",
        "adherence.n",
        "distribution.n",
        "memorisation.n",
        "edits.n",
        "speed.repeats",
    ):
        whole(key, _at(settings, key), 1)
    whole("distribution.repeats", settings["distribution"]["repeats"], 3)  # fewer have no spread
    choice("distribution.unasked", settings["distribution"]["unasked"], (True, False))
    choice("spacing", settings["spacing"], SPACINGS)
    whole("seed", settings["seed"], 0, MAX_SEED)
    for group in ("adherence", "distribution"):
        numbers(f"{group}.w", settings[group]["w"], 0)


def _at(settings: dict[str, Any], key: str) -> Any:
    return functools.reduce(operator.getitem, key.split("."), settings)


class Measure(Protocol):
    """One kind of measurement. Made from a Bench; raises ValueError if the settings do not allow it."""

    jobs: list[Job]

    def measure(self, read: Read) -> dict[str, Any]:
        """The figures, as plain values for metrics.json, from the drawn pictures."""

    def report(self, figures: dict[str, Any], out: Path) -> str:
        """The figures as Markdown; pictures go into the folder `out`."""
