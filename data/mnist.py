"""MNIST: handwritten digits, 28 x 28 as published or reduced to 16 x 16, with one field, the digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from conditions.fields import Field
from conditions.schema import ConditionSchema
from conf import Request, setting
from data.base import SPLIT_RULE, Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.download import DataFile

NATIVE_SIZE = 28
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist"

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SCHEMA = ConditionSchema(
    (Field("digit", tuple(str(digit) for digit in range(10))),),
    aliases={word: str(digit) for digit, word in enumerate(WORDS)},
)


def _file(name: str, *sha256: str) -> DataFile:
    return DataFile(f"MNIST/raw/{name}", f"{MIRROR}/{name}.gz", sha256)


# The second checksum of the training images belongs to a public rendering whose grey level 1 reads 0.
TRAIN_IMAGES = _file(
    "train-images-idx3-ubyte",
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "b61ffb6f513fd9ff8d89824731f6b4ed7863c759c33056d701efb8412469fb04",
)
TRAIN_LABELS = _file("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")
TEST_IMAGES = _file("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")
TEST_LABELS = _file("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


class MNIST(Dataset):
    """70,000 handwritten digits with one field, the digit"""

    name: Literal["mnist"] = "mnist"
    image_size: int = setting(16, "side in pixels; 28 is the native size", ge=8, le=512)
    preview: list[Request] = previews(*map(str, range(10)))
    files: ClassVar[tuple[DataFile, ...]] = FILES
    split_rule: ClassVar[str] = f"{SPLIT_RULE} elsewhere; here the published test digits"

    def load(self, data_root: str) -> Splits:
        """The 60,000 training digits split by row number, with the 10,000 published test digits as the test split.

        The rows that are the test split of other data sets stay out of training here too: one rule for all.
        """
        root = Path(data_root)
        train = _dataset(TRAIN_IMAGES.read(root), TRAIN_LABELS.read(root), self.image_size)
        test = _dataset(TEST_IMAGES.read(root), TEST_LABELS.read(root), self.image_size)
        splits = split_by_id(train)
        return Splits(splits.train, splits.validation, replace(test, schema=splits.train.schema))


def _dataset(images: bytes, labels: bytes, image_size: int) -> InMemoryDataset:
    digits = parse_idx(labels).long()[:, None]
    return InMemoryDataset(
        name="mnist",
        images=resize(parse_idx(images)[:, None], image_size),
        labels=digits,
        schema=SCHEMA,
        palette=None,
        ids=torch.arange(len(digits)),
    )


def resize(images: Tensor, size: int) -> Tensor:
    """(N, 1, 28, 28) uint8 -> (N, 1, size, size) uint8, bilinear with antialiasing."""
    if size == images.shape[-1]:
        return images
    from torchvision.transforms.v2 import functional as F  # which takes longer to import than all of PyTorch

    return F.resize(images, [size, size], antialias=True)


def parse_idx(content: bytes) -> Tensor:
    """An unpacked IDX file of unsigned bytes (big-endian header: 0, 0, type 8, rank, sizes) -> uint8 tensor."""
    rank = content[3] if len(content) >= 4 else 0
    start = 4 + 4 * rank
    if content[:3] != b"\x00\x00\x08" or len(content) < start:
        raise ValueError("not an IDX file of unsigned bytes")
    sizes = [int(n) for n in np.frombuffer(content, ">u4", count=rank, offset=4)]
    if len(content) - start != np.prod(sizes, dtype=np.int64):
        raise ValueError(f"IDX file of sizes {sizes} has {len(content) - start} bytes of content")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=start).reshape(sizes).copy())
