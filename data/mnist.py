"""MNIST and Fashion-MNIST: digits and clothes, 28 x 28 as published or reduced, with one field, the class."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
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
    title: ClassVar[str] = "Handwritten digits"
    image_size: int = setting(16, "side in pixels; 28 is the native size", ge=8, le=512)
    preview: list[Request] = previews(*map(str, range(10)))
    files: ClassVar[tuple[DataFile, ...]] = FILES
    mirrors: ClassVar[bool] = False
    split_rule: ClassVar[str] = f"{SPLIT_RULE} elsewhere; here the published test digits"

    def load(self, data_root: str) -> Splits:
        """The 60,000 training digits split by row number, with the 10,000 published test digits as the test split.

        The rows that are the test split of other data sets stay out of training here too: one rule for all.
        """
        files = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
        return _splits(self.name, [file.read(Path(data_root)) for file in files], self.image_size, SCHEMA)


CLOTHES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CLOTHES_SCHEMA = ConditionSchema(
    (Field("class", CLOTHES),),
    aliases={
        "top": "T-shirt",
        "trousers": "Trouser",
        "sweater": "Pullover",
        "trainer": "Sneaker",
        "boot": "Ankle boot",
    },
)
CLOTHES_MIRROR = "https://fashion-mnist.s3.eu-central-1.amazonaws.com"
CLOTHES_FILES = tuple(  # as they are published: packed, with the checksums of that
    DataFile(f"FashionMNIST/raw/{name}.gz", f"{CLOTHES_MIRROR}/{name}.gz", (sha256,))
    for name, sha256 in (
        ("train-images-idx3-ubyte", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    )
)


class FashionMNIST(Dataset):
    """70,000 pictures of clothes with one field, the kind (Xiao et al. 2017)"""

    name: Literal["fashion_mnist"] = "fashion_mnist"
    title: ClassVar[str] = "Clothes"
    image_size: int = setting(28, "side in pixels; 28 is the native size", ge=8, le=512)
    preview: list[Request] = previews(*CLOTHES)
    files: ClassVar[tuple[DataFile, ...]] = CLOTHES_FILES
    split_rule: ClassVar[str] = MNIST.split_rule.replace("digits", "pictures")

    def load(self, data_root: str) -> Splits:
        """Split as MNIST is."""
        contents = [gzip.decompress(file.read(Path(data_root))) for file in CLOTHES_FILES]
        return _splits(self.name, contents, self.image_size, CLOTHES_SCHEMA)


def _splits(name: str, contents: Sequence[bytes], size: int, schema: ConditionSchema) -> Splits:
    """From the files of pictures and labels for training, and those for test."""
    train, test = (_dataset(name, *contents[i : i + 2], size, schema) for i in (0, 2))
    splits = split_by_id(train)
    return Splits(splits.train, splits.validation, replace(test, schema=splits.train.schema))


def _dataset(name: str, images: bytes, labels: bytes, image_size: int, schema: ConditionSchema) -> InMemoryDataset:
    classes = parse_idx(labels).long()[:, None]
    return InMemoryDataset(
        name=name,
        images=resize(parse_idx(images)[:, None], image_size),
        labels=classes,
        schema=schema,
        palette=None,
        ids=torch.arange(len(classes)),
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
