"""A data set held whole in memory, as bytes, on the device that trains on it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from conditions.schema import UNCONDITIONAL, ConditionSchema
from conf import Request, Settings, setting
from data.download import DataFile
from data.images import to_float
from data.palette import Palette

MODULUS = 20
VALIDATION, TEST = (7, 13), (3,)  # remainders of the ids
SPLIT_RULE = f"id % {MODULUS}: {' and '.join(map(str, VALIDATION))} validation, {' and '.join(map(str, TEST))} test"


class Batch(NamedTuple):
    x_0: Tensor  # (B, C, H, W) float32 in [-1, 1]
    cond: Tensor  # (B, F) int64: UNKNOWN or a value in [0, cardinalities[f])
    index: Tensor  # (B,) int64, dataset row


def previews(*requests: str) -> Any:
    """A field of `Dataset` with these as its default."""
    return setting(list(requests), "requests, one for each row of the sample grids", min_length=1, max_length=64)


def data_root() -> Any:
    """A field for the folder of the data files."""
    return Field(
        default_factory=lambda: os.environ.get("DATA_ROOT", "datasets"),
        description="folder of the data files, fetched into it on first use; also $DATA_ROOT",
    )


class Dataset(Settings):
    """Which data set, and how it is prepared.

    files      : that it reads below data_root
    background : the colour behind transparent pixels of pictures that people bring
    preview    : requests, one for each row of the sample grids that a training makes
    split_rule : which pictures are held out, as weights record it
    """

    files: ClassVar[tuple[DataFile, ...]] = ()
    background: ClassVar[tuple[int, int, int]] = (0, 0, 0)
    split_rule: ClassVar[str] = SPLIT_RULE
    preview: list[Request] = previews("any")

    def load(self, data_root: str) -> Splits:
        """All of it, split by id. Raises ValueError where a file is missing or damaged."""
        raise NotImplementedError

    def render(self, labels: Tensor) -> Tensor | None:
        """Complete labels (N, F) -> the pictures (N, C, H, W) uint8 that have them; None where nobody knows those."""
        return None

    def is_there(self, data_root: str) -> bool:
        """Whether `load` would find all its files, without fetching any."""
        return all((Path(data_root) / file.path).exists() for file in self.files)


@dataclass(frozen=True)
class InMemoryDataset:
    """Images and their complete labels.

    images  : (N, C, H, W) uint8
    labels  : (N, F) int64, every field known
    schema  : what the F fields mean
    palette : all colours that the collection uses, or None where it is not pixel art
    ids     : (N,) int64, each row's number in the published collection
    """

    name: str
    images: Tensor
    labels: Tensor
    schema: ConditionSchema
    palette: Palette | None
    ids: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        return tuple(self.images.shape[1:])

    def batch(self, index: Tensor) -> Batch:
        """The rows `index` (B,), converted and on the data set's device."""
        index = index.to(self.images.device)
        return Batch(to_float(self.images[index]), self.labels[index], index)

    def to(self, device: torch.device | str) -> InMemoryDataset:
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def select(self, rows: Tensor) -> InMemoryDataset:
        """The data set of these rows alone."""
        return replace(self, images=self.images[rows], labels=self.labels[rows], ids=self.ids[rows])

    def unconditional(self) -> InMemoryDataset:
        """The same images with labels of no fields."""
        return replace(self, labels=self.labels[:, :0], schema=UNCONDITIONAL)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over images and labels: the same data, the same hash."""
        digest = hashlib.sha256(repr((self.name, tuple(self.images.shape))).encode())
        digest.update(self.images.cpu().numpy().tobytes())
        digest.update(self.labels.cpu().numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """The fixed parts of a data set; validation and test are held out from every training run."""

    train: InMemoryDataset
    validation: InMemoryDataset
    test: InMemoryDataset

    def unconditional(self) -> Splits:
        return Splits(self.train.unconditional(), self.validation.unconditional(), self.test.unconditional())


def split_by_id(dataset: InMemoryDataset) -> Splits:
    """The splits by id % MODULUS, as SPLIT_RULE says; what is neither validation nor test is for training.

    The schema of every part knows which values occur together in the training part, and no more; the palette, which
    colours each pixel has there.
    """
    remainder = dataset.ids % MODULUS
    validation, test = (torch.isin(remainder, torch.tensor(chosen)) for chosen in (VALIDATION, TEST))
    train = ~(validation | test)
    schema = dataset.schema.with_seen(dataset.labels[train])
    palette = dataset.palette and dataset.palette.per_pixel(dataset.images[train])
    dataset = replace(dataset, schema=schema, palette=palette)
    return Splits(*(dataset.select(rows.nonzero()[:, 0]) for rows in (train, validation, test)))
