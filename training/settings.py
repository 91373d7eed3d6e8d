"""The settings of train.py."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from baselines import BaselineSettings
from conditions.dropout import AnyDropout, LabelDropout
from conf import MAX_SEED, MAX_WEIGHT, Precision, Settings, Text, setting
from data import AnyDataset, PixelFaces
from data.augmentation import Augmentation
from data.base import InMemoryDataset, data_root
from data.images import reduced
from diffusion.distillation import AnyDistillation, Undistilled
from diffusion.gaussian import DiffusionSettings
from diffusion.samplers import AnySampler
from models import UNetSettings
from runtime.device import ComputeSettings
from runtime.factory import AnyModel
from training.optim import AdamW, AnyOptimizer

MANY = 10**12
FASTEST = 1000  # steps a second, of the smallest networks


class Preview(Settings):
    """The sample grids of a training."""

    w: float = setting(
        3.0, "guidance of the guided grids; the others are sampled with w=1, without guidance", ge=0, le=MAX_WEIGHT
    )
    steps: int | None = setting(None, "sampler steps; null: as many as sample.py takes for such weights", ge=1)
    columns: int = setting(8, "pictures per request; the data set's `preview` lists the requests", ge=1, le=256)


class Loop(Settings):
    """How long, how much at once, and what is reported how often."""

    steps: int = setting(20_000, "optimiser steps in all; raise it to train a finished run further", ge=1, le=MANY)
    minutes: float | None = setting(
        None,
        "ends the training after so long, if not by steps before; the learning rate falls by the clock, so that no run "
        "is another's equal",
        gt=0,
    )
    batch_size: int = setting(64, "images per step, over all processes together", ge=1, le=MANY)
    accumulate: int = setting(1, "parts in which a batch is computed, one after another, to fit the memory", ge=1)
    ema_decay: float = setting(0.999, "of the EMA weights; less during the first steps", ge=0, le=1)
    grad_clip: float = setting(1.0, "largest norm of the gradient; larger ones are scaled down to it", gt=0)
    log_every: int = setting(50, "steps between scalars in TensorBoard and lines in train.log", ge=1)
    loss_buckets: int = setting(8, "ranges of t for which the loss is also logged by itself", ge=1, le=1000)
    validate_every: int = setting(1000, "steps between held-out losses, on fixed noise; 0 for never", ge=0)
    patience: int | None = setting(
        None,
        "ends the training after so many held-out losses in a row that are not the lowest, and keeps the weights "
        "of the lowest; null to train to the end",
        ge=1,
    )
    validation_images: int = setting(500, "how many held-out images that takes", ge=1)
    preview_every: int = setting(2000, "steps between sample grids, on fixed noise; 0 for never", ge=0)
    preview: Preview = Preview()
    checkpoint_every: int = setting(1000, "steps between saves; a stop by Ctrl-C or SIGTERM saves too", ge=1)
    keep: list[Annotated[int, Field(ge=1)]] = setting(
        [], "steps whose EMA weights are kept besides the newest, as checkpoints/ema-STEP.safetensors"
    )

    @field_validator("steps", mode="before")
    @classmethod
    def _ends_some_day(cls, steps: Any) -> Any:
        if isinstance(steps, int) and steps > MANY:
            years = steps // (FASTEST * 365 * 24 * 3600)
            raise ValueError(f"at {FASTEST:,} steps a second that takes {years:.1e} years; choose at most {MANY}")
        return steps


class TrainSettings(ComputeSettings):
    """Train a diffusion model, or a baseline: python train.py dataset=cryptopunks cfg.drop_prob=0.1"""

    program: ClassVar[str] = "train"
    dataset: AnyDataset = PixelFaces()
    model: AnyModel = UNetSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    cfg: AnyDropout = LabelDropout()
    augment: Augmentation = Augmentation()
    distill: AnyDistillation = Undistilled()
    upsample: int | None = setting(
        None,
        "train an upsampler, which enlarges pictures so many times: beside x_t, the network sees the picture's small "
        "version; null for pictures from noise alone",
        ge=2,
        le=64,
    )
    autoencoder: Text | None = setting(
        None, "weights of model=autoencoder on these pictures, in whose latents a diffusion is trained; null for pixels"
    )
    optim: AnyOptimizer = AdamW()
    sampler: AnySampler | None = None  # of the sample grids; null: as sample.py takes
    run: Text | None = setting(
        None, "folder for everything this training writes; null makes runs/<dataset>/<time>-<name>"
    )
    name: Text | None = setting(None, "last part of that folder's name; null takes the settings on the command line")
    resume: Literal["auto", "never"] = setting(
        "auto", "auto continues where the run in `run` stopped; never refuses to touch an existing run"
    )
    init_from: Text | None = setting(
        None,
        "weights (.safetensors) to start from, also of other pictures and labels: their network and noise levels, but "
        "for what is typed, and all layers that fit; null for random ones",
    )
    seed: int = setting(0, "decides initial weights, order of the data, noise and dropped labels", ge=0, le=MAX_SEED)
    precision: Precision = setting(
        "auto", "bf16 by autocast; auto takes it on GPUs that have it, and on CPUs where a step is faster"
    )
    data_root: Text = data_root()
    train: Loop = Loop()

    def settled(self, train: InMemoryDataset) -> Self:
        """With what pictures and model decide in the place of what was left out, for the record of a training on them.

        Raises ValueError where these pictures, augmented as the settings say, would have false labels or colours.
        """
        self.augment.refuse_false(train)
        if self.upsample is not None:
            reduced(train.images[:1], self.upsample)  # raises
        dataset, model = self.dataset.settled(train), self.model.settled(train.x_shape)
        diffusion = self._distilled() if self.distill.on else self.diffusion
        return self.replace(dataset=dataset, model=model, diffusion=diffusion, optim=self.optimizer)

    def _distilled(self) -> DiffusionSettings:
        """With the times of the steps. Raises ValueError for what does not go together with a teacher, or for none."""
        if self.init_from is None:
            raise ValueError(f"distill={self.distill.name}: needs a teacher; name its weights with init_from=FILE")
        if not self.is_diffusion or self.augment.on:
            setting = "augment" if self.is_diffusion else f"model={self.model.name}"
            raise ValueError(f"distill={self.distill.name}: not together with {setting}; leave one of them out")
        times = self.distill.times(self.diffusion.T)
        if self.diffusion.times not in (None, times):
            raise ValueError(
                f"diffusion.times={self.diffusion.times}: with distill.steps={self.distill.steps} they are {times}; "
                "leave it out"
            )
        return self.diffusion.replace(times=times)

    @property
    def optimizer(self) -> AdamW:
        """`optim` with what the model decides in the place of what was left out."""
        return self.optim.filled(self.model.optimizer)

    @model_validator(mode="after")
    def _parts_of_a_batch(self) -> TrainSettings:
        if self.train.accumulate > self.train.batch_size:
            raise ValueError(
                f"train.accumulate={self.train.accumulate}: must be at most train.batch_size={self.train.batch_size}"
            )
        return self

    @property
    def is_diffusion(self) -> bool:
        """Whether the network denoises in steps; else it is a baseline that generates in one."""
        return not isinstance(self.model, BaselineSettings)

    @model_validator(mode="after")
    def _of_the_family(self) -> TrainSettings:
        """Of a baseline, fill in what it decides, and refuse what it has not."""
        if isinstance(self.model, BaselineSettings):
            refuse_for_baseline(self, self.model)
            filled: dict[str, Any] = {"diffusion": self.model.one_step, "compile": False, "channels_last": False}
            filled |= {"precision": "fp32"} if self.precision == "auto" else {}
            for name, value in filled.items():
                object.__setattr__(self, name, value)  # frozen, but not yet anyone's
        return self

    @model_validator(mode="after")
    def _upsamples_alone(self) -> TrainSettings:
        others = (
            (f"model={self.model.name}", not self.is_diffusion),
            (f"distill={self.distill.name}", self.distill.on),
            ("augment", self.augment.on),  # moves what the small version is made of
        )
        for other, given in others:
            if self.upsample is not None and given:
                raise ValueError(f"upsample={self.upsample}: not together with {other}; leave one of them out")
        w = self.train.preview.w
        if self.upsample is not None and w != Loop().preview.w:
            raise ValueError(f"train.preview.w={w:g}: an upsampler samples without guidance; leave it out")
        return self

    @model_validator(mode="after")
    def _in_latents(self) -> TrainSettings:
        if self.autoencoder is None:
            return self
        for other, given in (
            (f"model={self.model.name}", not self.is_diffusion),
            (f"distill={self.distill.name}", self.distill.on),
            (f"upsample={self.upsample}", self.upsample is not None),
            ("augment", self.augment.on),  # of pictures, which are encoded once
            ("diffusion.prediction=palette", self.diffusion.prediction == "palette"),  # latents are no colours
        ):
            if given:
                raise ValueError(f"autoencoder={self.autoencoder}: not together with {other}; leave one of them out")
        return self

    @model_validator(mode="after")
    def _augments_truly(self) -> TrainSettings:
        augment = self.augment
        if augment.flip and not self.dataset.mirrors:
            raise ValueError(
                f"augment.flip=true: mirrored, a picture of dataset={self.dataset.name} is not what its label says; "
                "leave it out"
            )
        if augment.hue and self.diffusion.prediction == "palette":
            raise ValueError(
                f"augment.hue={augment.hue:g}: makes colours that are not in the palette, of which "
                "diffusion.prediction=palette knows no others; leave it out, or use diffusion.prediction=v"
            )
        return self

    @model_validator(mode="after")
    def _patience_for_something(self) -> TrainSettings:
        if self.train.patience is not None and not self.train.validate_every:
            raise ValueError(
                f"train.patience={self.train.patience}: waits for a lower held-out loss, but train.validate_every=0 "
                "computes none; set train.validate_every=500, for example"
            )
        return self

    @model_validator(mode="after")
    def _preview_steps(self) -> TrainSettings:
        if self.is_diffusion and (self.train.preview.steps or 1) > self.diffusion.T:
            raise ValueError(
                f"train.preview.steps={self.train.preview.steps}: must be at most diffusion.T={self.diffusion.T}"
            )
        return self


def refuse_for_baseline(settings: TrainSettings, model: BaselineSettings) -> None:
    """Raises ValueError for settings that only a diffusion model has, or that a baseline does not compute with."""
    kept = {"diffusion": (DiffusionSettings(), model.one_step), "sampler": (None,)}
    for group, usual in kept.items():
        given = getattr(settings, group)
        if given not in usual:
            name, value = next((n, v) for n, v in given.plain().items() if v != getattr(usual[0], n, None))
            raise ValueError(f"{group}.{name}={value}: model={model.name} generates in one step; leave it out")
    if settings.augment.on:
        name = next(name for name in ("flip", "shift", "hue") if getattr(settings.augment, name))
        value = str(getattr(settings.augment, name)).lower()
        raise ValueError(f"augment.{name}={value}: model={model.name} cannot be told of it; leave it out")
    for name in ("preview.w", "preview.steps", "loss_buckets"):
        given = attrgetter(name)(settings.train)
        if given != attrgetter(name)(Loop()):
            raise ValueError(f"train.{name}={given}: model={model.name} generates in one step; leave it out")
    if not model.loss_falls and settings.train.patience is not None:
        raise ValueError(
            f"train.patience={settings.train.patience}: model={model.name} has a critic, whose loss says nothing of "
            "pictures; leave it out"
        )
    if not model.generates and settings.cfg.conditional and settings.cfg != LabelDropout():
        name, value = next((n, v) for n, v in settings.cfg.plain().items() if v != getattr(LabelDropout(), n))
        raise ValueError(f"cfg.{name}={value}: model={model.name} sees no labels; leave it out")
    for name, unknown in (("precision", "bf16"), ("compile", True), ("channels_last", True)):
        if getattr(settings, name) == unknown:
            raise ValueError(f"{name}={str(unknown).lower()}: model={model.name} is trained without; leave it out")
