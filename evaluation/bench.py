"""What every measure is given, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import Tensor

from conf import MAX_SEED, MAX_WEIGHT, Settings, Text, setting
from data import AnyDataset
from data.base import SPLIT_RULE, Dataset, InMemoryDataset, Splits, data_root
from data.folder import Folder
from diffusion.sampling import SamplingOptions
from evaluation.classifier import classifier_for
from evaluation.samples import SampleSet, evaluations
from inference.classifier import Classifier
from inference.pipeline import Pipeline
from inference.weights import with_folder
from runtime.device import ComputeSettings

Read = Callable[[SampleSet], Tensor]  # the pictures of a set, (N, C, H, W) uint8, not quantised
MANY = 1_000_000  # pictures of one set
SEEDS = 100_000_000  # seeds of pictures that one seed= has for itself
PLACES = ("out", "data_root")  # settings that say where, not what


class BenchSettings(ComputeSettings, SamplingOptions):
    """Which weights are measured, against which pictures, and how theirs are sampled."""

    dataset: AnyDataset | None = None
    checkpoint: Text | None = setting(
        None, "weights (.safetensors); null takes the newest run on the data set, else the pretrained ones"
    )
    guide: Text | None = setting(
        None, "weaker weights of the same kind to move away from (autoguidance); null for the same weights"
    )
    split: Literal["validation", "test"] = setting(
        "validation", "validation, for choosing; test, for the final figures of pretrained weights"
    )
    w: float = setting(3.0, "guidance, where a measure has none of its own", ge=0, le=MAX_WEIGHT)
    seed: int = setting(0, "of requests, of pictures and of the choice of real pictures", ge=0, le=MAX_SEED)
    out: Text | None = setting(
        None, "folder to write to, new or empty; null makes evaluations/<dataset>/<time>-<split>"
    )
    data_root: Text = data_root()

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        return with_folder(cls, overrides)


class MeasureSettings(Settings):
    """The settings of one measure, given under its name."""

    @property
    def weights(self) -> list[float]:
        """Those of guidance at which it samples, beside the common w."""
        return []


def refuse_seen(pipe: Pipeline, split: str, argument: str = "checkpoint") -> None:
    """Raise ValueError where weights were trained on pictures of the test split, under an earlier split rule.

    Of a data set that is published with a test set of its own, no training has seen that, under any rule.
    """
    rule = pipe.recipe.dataset.split_rule
    if split == "test" and rule == SPLIT_RULE and pipe.info.splits != rule:
        raise ValueError(
            f"split=test: the weights of {argument} were trained under another rule ({pipe.info.splits}) than today's "
            f"({rule}), so on pictures of the test split; measure them with split=validation, or train anew"
        )


def data_of(pipe: Pipeline, settings: BenchSettings) -> Splits:
    """The data set that weights were trained on, all of it, also if the training saw less, or no labels.

    What is typed of it says where it is, for a folder may have moved. Raises ValueError for settings, pictures or
    labels that are not those of the training, and for a split without pictures.
    """
    dataset, typed = pipe.recipe.dataset, settings.dataset
    if isinstance(typed, type(dataset)):
        path = getattr(typed, "path", None)
        dataset = dataset.replace(path=path) if path is not None and Path(path).exists() else dataset
        usual, own = type(typed)().plain(), dataset.plain()
        for name, value in typed.plain().items():
            if name != "path" and value not in (usual[name], own[name]):
                raise ValueError(f"dataset.{name}={value}: the weights were trained with {own[name]}; leave it out")
    splits = dataset.load(settings.data_root)
    _refuse_other_data(pipe, dataset, splits)
    if not len(getattr(splits, settings.split)):
        raise ValueError(f"split={settings.split}: no picture of {splits.train.name} is held out in it; add pictures")
    return splits


def _refuse_other_data(pipe: Pipeline, dataset: Dataset, splits: Splits) -> None:
    """Raises ValueError where labels mean something else now, or held-out pictures may have been trained on."""
    conditional, where = len(pipe.schema) > 0, f"dataset.path={dataset.path}: " if isinstance(dataset, Folder) else ""
    if conditional and splits.train.schema.fields != pipe.schema.fields:
        raise ValueError(
            f"{where}the labels of {splits.train.name} are others now than those that the weights were trained on; "
            "restore them, or train anew"
        )
    seen = dataset.seen_in_training(splits) if where else splits
    seen = seen if conditional else seen.unconditional()
    if where and seen.train.hash != pipe.info.data_hash:
        raise ValueError(
            f"{where}other pictures or labels than the weights were trained on, some of which may count as held out; "
            "restore them, name the folder with dataset=folder dataset.path=FOLDER, or train anew"
        )


@dataclass(frozen=True)
class Bench:
    """What is measured, and with what.

    guide       : weaker weights that guidance moves away from, or None
    splits      : all of the data set, also where the training saw less of it
    classifiers : folders to look for the classifier, the last to save a new one in
    """

    pipe: Pipeline
    guide: Pipeline | None
    splits: Splits
    settings: BenchSettings
    classifiers: Sequence[Path]

    @cached_property
    def classifier(self) -> Classifier:
        """Found, or trained now."""
        return classifier_for(self.splits, self.pipe.device, self.classifiers)

    @cached_property
    def seen(self) -> InMemoryDataset:
        """The training pictures that the weights were trained on."""
        return self.pipe.recipe.dataset.seen_in_training(self.splits).train

    def seeds(self, first: int, n: int) -> range:
        """n seeds from `first` on; with another seed= others altogether."""
        start = (first + self.settings.seed * SEEDS) % MAX_SEED
        return range(start, start + n)

    @property
    def held_out(self) -> InMemoryDataset:
        """The pictures of the split that is compared with."""
        return getattr(self.splits, self.settings.split)

    def truth(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Labels and their pictures, of those of `labels` (N, F) at least whose picture is known.

        The pictures are rendered where the data set can, else they are the held-out ones.
        """
        rendered = self.pipe.recipe.dataset.render(labels)
        return (self.held_out.labels, self.held_out.images) if rendered is None else (labels, rendered)

    def quantised(self, images: Tensor) -> Tensor:
        """`images` as sample.py writes them: each pixel in a colour of the palette, where there is one."""
        return self.pipe.palette.quantise(images, self.settings.quantise) if self.pipe.palette else images

    def evaluations(self, samples: SampleSet) -> int:
        """NFE: network evaluations per picture."""
        return evaluations(self.pipe, self.settings, self.guide, samples)

    def caption(self, sets: Sequence[SampleSet]) -> str:
        """Where the pictures of a figure come from, for the line beneath it."""
        first, info = sets[0], self.pipe.info
        settings = self.pipe.resolved(self.settings, first.labels[:1], edited=bool(first.edit))
        ws = ", ".join(f"{w:g}" for w in sorted({samples.w for samples in sets}))
        seeds = [seed for samples in sets for seed in (samples.seeds[0], samples.seeds[-1])]
        nfe = ", ".join(str(count) for count in sorted({self.evaluations(samples) for samples in sets}))
        unusual = settings.guidance.described + ["autoguidance"] * (self.guide is not None)
        unusual += [f"refine {settings.refine}"] if settings.refine else []
        return (
            f"{info.dataset}, weights {self.pipe.checkpoint} (step {info.step}); {settings.sampler.name}, "
            f"{settings.steps} steps, w = {', '.join([ws, *unusual])}, NFE {nfe}, seeds {min(seeds)} to {max(seeds)}, "
            f"{sum(len(samples.labels) for samples in sets)} pictures; {settings.split} split"
        )

    def provenance(self) -> dict[str, Any]:
        """The same for a program, inside the file."""
        settings = {name: value for name, value in self.settings.plain().items() if name not in PLACES}
        return {"checkpoint": self.pipe.checkpoint, "split": self.settings.split, "settings": settings}


class Measure(ABC):
    """One kind of measurement. Made from a Bench and its own settings; raises ValueError if they do not allow it.

    Settings : the class of its settings
    reads    : whether it asks the classifier, which is trained where there is none
    enlarges : whether it gives upsamplers the small pictures that they need
    sets     : the samples that it needs
    """

    Settings: ClassVar[type[MeasureSettings]]
    reads: ClassVar[bool] = True
    enlarges: ClassVar[bool] = False
    sets: list[SampleSet]

    @staticmethod
    @abstractmethod
    def applies(bench: Bench) -> bool:
        """Whether the weights have the labels or the palette that it needs."""

    def further(self, read: Read) -> list[SampleSet]:
        """The samples that it needs besides, where these depend on what the first ones show."""
        return []

    @abstractmethod
    def measure(self, read: Read) -> dict[str, Any]:
        """The figures for metrics.json: numbers and estimates."""

    @abstractmethod
    def report(self, figures: dict[str, Any], out: Path) -> str:
        """The figures as Markdown; pictures go into the folder `out`."""
