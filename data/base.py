"""A data set as one tensor of bytes: on the device that trains on it, in memory beside it, or mapped from a file."""

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

from conditions.schema import UNCONDITIONAL, UNKNOWN, ConditionSchema
from conf import Request, Settings, setting
from data.download import DataFile
from data.images import to_float
from data.palette import Palette

MODULUS = 20
VALIDATION, TEST = (7, 13), (3,)  # remainders of the ids
MOST = 0.5  # of a GPU's free memory that a data set may take; the rest is for the training
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

    title      : for people, over pictures sampled from a model of it; empty for the name of the collection
    files      : that it reads below data_root
    backdrop   : the colour behind transparent pixels of pictures that people bring
    mirrors    : whether a mirrored picture may still be what its label says
    preview    : requests, one for each row of the sample grids that a training makes
    determined : whether a complete label determines the picture, as that of a sprite does, where there is a palette
    split_rule : which pictures are held out, as weights record it
    train_size : of the training split, how many pictures a training sees
    """

    title: ClassVar[str] = ""
    files: ClassVar[tuple[DataFile, ...]] = ()
    backdrop: ClassVar[tuple[int, int, int]] = (0, 0, 0)
    mirrors: ClassVar[bool] = True
    determined: ClassVar[bool] = True
    split_rule: ClassVar[str] = SPLIT_RULE
    preview: list[Request] = previews("any")
    train_size: int | None = setting(
        None, "train on so many pictures, chosen at random, the same ones each time; null for all", ge=1
    )

    def load(self, data_root: str) -> Splits:
        """All of it, split by id. Raises ValueError where a file is missing or damaged."""
        raise NotImplementedError

    def seen_in_training(self, splits: Splits) -> Splits:
        """The splits as a training sees them: `train_size` training pictures, of which more have all of fewer.

        Held-out pictures stay, but their schema and palette know of those training pictures alone. Raises ValueError
        where there are not so many.
        """
        size, available = self.train_size, len(splits.train)
        if size is None:
            return splits
        if size > available:
            raise ValueError(
                f"dataset.train_size={size}: {self.collection} has {available} training pictures; choose at most so "
                "many, or leave it out for all"
            )
        rows = torch.randperm(available, generator=torch.Generator().manual_seed(0))[:size].sort().values
        some = splits_of(splits.train.select(rows), splits.validation, splits.test)
        return replace(some, train=replace(some.train, whole_hash=splits.train.hash))

    def render(self, labels: Tensor) -> Tensor | None:
        """Complete labels (N, F) -> the pictures (N, C, H, W) uint8 that have them; None where nobody knows those."""
        return None

    @property
    def collection(self) -> str:
        """The name of what is loaded, after which runs and weights are called."""
        return self.name

    def settled(self, train: InMemoryDataset) -> Dataset:
        """With what the pictures decided in the place of what was left out, for the record of a training on `train`."""
        return self

    def is_there(self, data_root: str) -> bool:
        """Whether `load` would find all its files, without fetching any."""
        return all((Path(data_root) / file.path).exists() for file in self.files)


@dataclass(frozen=True)
class InMemoryDataset:
    """Images and their labels.

    images  : (N, C, H, W) uint8, in memory or mapped from a file, as torch.from_numpy(np.load(path, mmap_mode="c"))
    labels  : (N, F) int64; UNKNOWN where people did not say
    schema  : what the F fields mean
    palette : all colours that the collection uses, or None where it is not pixel art
    ids     : (N,) int64, each row's number in the published collection, or a hash of its file's name
    device  : that of batches; None for that of the images
    latents : (N, c, h, w) uint8, what an autoencoder made of the images, where a diffusion is trained on these
    whole_hash : where this is a part of the training split (`train_size`), the hash of all of it
    """

    name: str
    images: Tensor
    labels: Tensor
    schema: ConditionSchema
    palette: Palette | None
    ids: Tensor
    device: torch.device | None = None
    latents: Tensor | None = None
    whole_hash: str | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        return tuple(self.images.shape[1:])

    @property
    def trained_on(self) -> Tensor:
        """(N, C, H, W) uint8: the images, or their latents."""
        return self.images if self.latents is None else self.latents

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of those."""
        return tuple(self.trained_on.shape[1:])

    def batch(self, index: Tensor) -> Batch:
        """The rows `index` (B,) on the CPU, converted and on the data set's device. Does not make the host wait."""
        rows = _moved(index, self.images.device)
        device = self.device or self.images.device
        x_0, labels, index = (_moved(x, device) for x in (self.trained_on[rows], self.labels[rows], rows))
        return Batch(to_float(x_0), labels, index)

    def to(self, device: torch.device | str) -> InMemoryDataset:
        """With batches on `device`: all of it, or, where it is too large for a GPU, each batch when it is asked for."""
        device = torch.device(device)
        size = self.images.nbytes + self.labels.nbytes
        if device.type == "cuda" and size > MOST * torch.cuda.mem_get_info(device)[0]:
            return replace(self, device=device)
        latents = None if self.latents is None else self.latents.to(device)
        images, labels = self.images.to(device), self.labels.to(device)
        return replace(self, images=images, labels=labels, latents=latents, device=device)

    def select(self, rows: Tensor) -> InMemoryDataset:
        """The data set of these rows alone; of rows one after another a view, which reads and copies no picture."""
        first, n = int(rows[0]) if len(rows) else 0, len(rows)
        run = torch.equal(rows, torch.arange(first, first + n, device=rows.device))
        chosen = slice(first, first + n) if run else rows
        latents = None if self.latents is None else self.latents[chosen]
        return replace(
            self, images=self.images[chosen], labels=self.labels[chosen], ids=self.ids[chosen], latents=latents
        )

    @cached_property
    def complete(self) -> InMemoryDataset:
        """The rows whose label has no UNKNOWN field."""
        known = (self.labels != UNKNOWN).all(dim=1)
        return self if bool(known.all()) else self.select(known.nonzero()[:, 0])

    def unconditional(self) -> InMemoryDataset:
        """The same images with labels of no fields."""
        return replace(self, labels=self.labels[:, :0], schema=UNCONDITIONAL)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over images and labels: the same data, the same hash."""
        digest = hashlib.sha256(repr((self.name, tuple(self.images.shape))).encode())
        digest.update(self.images.cpu().contiguous().numpy())  # as it lies there, for a copy may not fit the memory
        digest.update(self.labels.cpu().contiguous().numpy())
        return digest.hexdigest()


def _moved(x: Tensor, device: torch.device) -> Tensor:
    """`x` on a device; the copy to a GPU starts from pinned memory, so that the host does not wait for it."""
    if x.device.type == "cpu" and device.type == "cuda":
        return x.pin_memory().to(device, non_blocking=True)
    return x.to(device)


@dataclass(frozen=True)
class Splits:
    """The fixed parts of a data set; validation and test are held out from every training run."""

    train: InMemoryDataset
    validation: InMemoryDataset
    test: InMemoryDataset

    def unconditional(self) -> Splits:
        return Splits(self.train.unconditional(), self.validation.unconditional(), self.test.unconditional())


def rows_by_split(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The rows of training, validation and test, by id % MODULUS as SPLIT_RULE says.

    A file that is to be mapped holds its pictures in this order, torch.cat(rows_by_split(ids)), so that each split is a
    run of rows, and a view of the file.
    """
    remainder = ids % MODULUS
    validation, test = (torch.isin(remainder, torch.tensor(chosen)) for chosen in (VALIDATION, TEST))
    return tuple(chosen.nonzero()[:, 0] for chosen in (~(validation | test), validation, test))


def split_by_id(dataset: InMemoryDataset) -> Splits:
    """The splits by id, as `rows_by_split` has them."""
    return splits_of(*(dataset.select(rows) for rows in rows_by_split(dataset.ids)))


def splits_of(train: InMemoryDataset, *held_out: InMemoryDataset) -> Splits:
    """The splits of these parts, training, validation and test.

    The schema of every part knows which values occur together in the training part, and no more; the palette, which
    colours each pixel has there.
    """
    schema = train.schema.with_seen(train.labels)
    palette = train.palette and train.palette.per_pixel(train.images)
    return Splits(*(replace(part, schema=schema, palette=palette) for part in (train, *held_out)))
