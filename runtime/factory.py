"""From settings to objects: what training builds, and what weights need to be used again.

Names stand for classes in the tables of data, models and diffusion and nowhere else: a configuration read from a
checkpoint can choose among them, but cannot name code to run.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from baselines import BASELINES, BaselineSettings
from conditions.dropout import AnyDropout, LabelDropout
from conditions.schema import ConditionSchema
from conf import Settings, one_of
from data import AnyDataset, PixelFaces
from data.augmentation import Augmentation
from data.base import Dataset, Splits
from data.images import coarse
from data.palette import Palette
from diffusion.distillation import ENTRIES, AnyDistillation, Distilling, Undistilled
from diffusion.gaussian import Denoiser, DiffusionSettings, GaussianDiffusion
from diffusion.objective import Denoising, TrainingObjective
from diffusion.upsampling import Upsampling
from models import MODELS, UNetSettings

AnyModel = one_of((*MODELS, *BASELINES))


class Recipe(Settings):
    """What weights were trained with, as far as using them needs it."""

    dataset: AnyDataset = PixelFaces()
    model: AnyModel = UNetSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    cfg: AnyDropout = LabelDropout()
    augment: Augmentation = Augmentation()
    distill: AnyDistillation = Undistilled()
    upsample: int | None = None
    autoencoder: str | None = None
    seed: int = 0

    @property
    def is_diffusion(self) -> bool:
        """Whether the network denoises in steps; else it generates a picture in one evaluation (baselines/)."""
        return not isinstance(self.model, BaselineSettings)

    @classmethod
    def of(cls, config: dict[str, Any]) -> Recipe:
        """From the configuration in a weights file. Raises ValueError for what this code does not know."""
        return cls.parse({name: config[name] for name in cls.model_fields if name in config})


def build_splits(dataset: Dataset, data_root: str, conditional: bool = True) -> Splits:
    """The data set as a training sees it, without labels if it is not `conditional`."""
    splits = dataset.seen_in_training(dataset.load(data_root))
    return splits if conditional else splits.unconditional()


def build_diffusion(recipe: Recipe | Settings, palette: Palette | None) -> GaussianDiffusion:
    """Raises ValueError for a schedule that its T or prediction does not allow, or logits without a palette."""
    return recipe.diffusion.build(palette and palette.colours)


def build_objective(
    recipe: Recipe | Settings, diffusion: GaussianDiffusion, teacher: Denoiser | None = None
) -> TrainingObjective:
    """What a training minimises. Distillation alone asks the `teacher`."""
    if isinstance(recipe.model, BaselineSettings):
        return recipe.model.objective(diffusion)
    if recipe.upsample is not None:
        return Upsampling(diffusion, partial(coarse, scale=recipe.upsample))
    return Distilling(diffusion, recipe.distill, teacher) if recipe.distill.on else Denoising(diffusion)


def extra_entries(recipe: Recipe | Settings) -> int:
    """Of the vector that the network is given besides time and label: w, or how a training picture was augmented."""
    return ENTRIES if recipe.distill.on else recipe.augment.dims


def input_shape(recipe: Recipe | Settings, image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """(C, H, W) of what the network is given as x_t: a picture, of an upsampler with a small one beside it."""
    channels, height, width = image_shape
    return (channels if recipe.upsample is None else 2 * channels, height, width)


def build_model(
    recipe: Recipe | Settings, image_shape: tuple[int, ...], schema: ConditionSchema, palette: Palette | None
) -> nn.Module:
    """The network of a recipe, or of settings that have the same fields, with random weights decided by its seed."""
    outputs = len(palette) if palette and recipe.diffusion.prediction == "palette" else image_shape[0]
    extra = extra_entries(recipe)
    further = {"extra": extra} if extra else {}  # an input that baselines lack
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return recipe.model.build(input_shape(recipe, image_shape), schema.cardinalities, outputs, **further)
