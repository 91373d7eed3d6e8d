"""Edits: a picture to start from, a mask, and which of its attributes are to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from conditions.edits import changed, completed, open_slots, without_plus
from conditions.reading import named, read_as_notes
from conditions.requests import joined
from data.pictures import read_mask, read_picture
from diffusion.inpainting import feathered
from diffusion.sampling import Between, Seed
from inference.classifier import missing
from inference.pipeline import Pipeline
from inference.refusals import refuse_edits
from inference.settings import JobSettings


@dataclass(frozen=True)
class Change:
    """Other attributes for a picture (`edit=`).

    before  : (F,) int64, what the picture shows
    after   : (F,) int64, what it is to show; each seed fills in what this leaves open, such as which hat
    feather : pixels, of the edge of what is inpainted
    """

    pipe: Pipeline
    init: Tensor
    before: Tensor
    after: Tensor
    feather: int

    def labels(self, seeds: Sequence[Seed]) -> Tensor:
        """(N, F) int64."""
        plain = [seed.one if isinstance(seed, Between) else seed for seed in seeds]
        return torch.stack([completed(self.pipe.schema, self.after, seed) for seed in plain])

    def masks(self, labels: Tensor) -> Tensor:
        """(N, H, W) float32: where each is inpainted, which is where the model's predictions for the labels differ."""
        n = len(labels)
        masks = self.pipe.differing(self.init.expand(n, *self.init.shape), self.before.expand(n, -1), labels)
        return torch.stack([feathered(mask, self.feather) for mask in masks])


def read_init(pipe: Pipeline, settings: JobSettings) -> tuple[Tensor | None, Tensor | None]:
    """The picture to start from, and the feathered mask. Raises ValueError for what does not fit or is not there."""
    if settings.init is None:
        return None, None
    refuse_edits(pipe)
    init = read_picture(Path(settings.init), pipe.image_shape, pipe.recipe.dataset.backdrop, "init")
    if settings.mask is None:
        return init, None
    return init, feathered(read_mask(Path(settings.mask), pipe.image_shape), settings.feather)


def read_change(pipe: Pipeline, settings: JobSettings, init: Tensor) -> tuple[Change, list[str]]:
    """The change of a picture's attributes, and notes on it.

    What it shows now is read by the classifier. Raises ValueError where that is not possible.
    """
    schema, edit = pipe.schema, settings.edit
    if pipe.classifier is None:
        raise ValueError(f"edit={edit!r}: {missing(pipe.info.dataset)}")
    before = pipe.classifier.read(init[None])[0]
    names, read_as = named(schema, without_plus(joined(edit)), "edit", edit)
    after = changed(schema, before, names, typed=edit)
    shows = ", ".join(name for name in schema.names(before) if not name.startswith("-"))
    if torch.equal(before, after):
        raise ValueError(f"edit={edit!r}: the picture shows that already; it is read as {shows}")
    left = ", ".join(schema.fields[f].name for f in open_slots(schema, after))
    notes = read_as_notes(read_as)
    notes += [f"picture: shows {shows}", *([f"picture: each seed chooses {left} by itself"] if left else [])]
    return Change(pipe, init, before, after, settings.feather), notes
