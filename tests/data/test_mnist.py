"""MNIST: the file format, the smaller size, the splits, and the published digits read by another reader."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from torchvision.datasets import MNIST as TorchvisionMNIST
from torchvision.datasets import FashionMNIST as TorchvisionFashion

from data import mnist
from data.download import DataFile
from data.mnist import CLOTHES_SCHEMA, MNIST, FashionMNIST, parse_idx, resize

CLASSES = TorchvisionFashion.classes


def idx(array: np.ndarray) -> bytes:
    """An IDX file as its description has it: 0, 0, type, rank, sizes in big-endian order, content."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5))


# -- the file format --------------------------------------------------------------------------------------


@given(arrays)
def test_what_was_written_is_read(array):
    read = parse_idx(idx(array))
    assert read.dtype == torch.uint8
    assert np.array_equal(read.numpy(), array)


@given(arrays, st.data())
def test_a_file_of_another_length_is_refused(array, data):
    content = idx(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    for damaged in (content[:cut], content + b"\0"):
        with pytest.raises(ValueError, match="IDX file"):
            parse_idx(damaged)


@pytest.mark.parametrize("start", [b"\x00\x00\x0d\x01", b"\x1f\x8b\x08\x01", b"\x00\x01\x08\x01"])
def test_a_file_of_another_type_is_refused(start):
    with pytest.raises(ValueError, match="not an IDX file of unsigned bytes"):
        parse_idx(start + struct.pack(">I", 3) + b"abc")


def test_the_tensor_may_be_written_to():
    parse_idx(idx(np.zeros((2, 2), np.uint8))).fill_(7)


# -- the size ---------------------------------------------------------------------------------------------


def blobs(n: int = 20) -> torch.Tensor:
    """(n, 1, 28, 28) uint8: bright strokes on black, with an empty border as the digits have."""
    generator = torch.Generator().manual_seed(0)
    coarse = (torch.rand(n, 1, 5, 5, generator=generator) > 0.5) * 255.0
    inner = torch.nn.functional.interpolate(coarse, size=20, mode="bilinear")
    return torch.nn.functional.pad(inner, (4, 4, 4, 4)).round().to(torch.uint8)


def test_the_native_size_is_left_alone():
    images = blobs()
    assert torch.equal(resize(images, 28), images)


def test_a_smaller_picture_is_as_bright():
    images = blobs()
    small = resize(images, 16)
    assert (small.shape, small.dtype) == ((len(images), 1, 16, 16), torch.uint8)
    torch.testing.assert_close(
        small.double().mean(dim=(1, 2, 3)), images.double().mean(dim=(1, 2, 3)), rtol=0.02, atol=0.5
    )


@pytest.mark.parametrize("size", [8, 16, 20, 32])
def test_resizing_agrees_with_pillow(size):
    images = blobs()
    for small, image in zip(resize(images, size)[:, 0].numpy(), images[:, 0].numpy(), strict=True):
        expected = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))
        assert np.abs(small.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [0, -28, 7, 16.0, "16"])
def test_a_size_that_shows_no_digit_is_refused(size):
    with pytest.raises(ValueError, match=f"image_size={size!r}: must be a whole number from 8 to 512"):
        MNIST(image_size=size)


# -- the splits -------------------------------------------------------------------------------------------


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A data_root with 60 training and 10 test digits of the same format."""
    generator = np.random.default_rng(0)
    contents = {}
    for part, prefix, n in (("TRAIN", "train", 60), ("TEST", "t10k", 10)):
        images, labels = generator.integers(0, 256, (n, 28, 28), np.uint8), generator.integers(0, 10, n, np.uint8)
        for kind, name, array in (("IMAGES", "images-idx3", images), ("LABELS", "labels-idx1", labels)):
            content = idx(array)
            path = tmp_path / "MNIST" / "raw" / f"{prefix}-{name}-ubyte"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            assert getattr(mnist, f"{part}_{kind}").path == path.relative_to(tmp_path).as_posix()
            file = DataFile(f"MNIST/raw/{path.name}", "file:///nowhere", (hashlib.sha256(content).hexdigest(),))
            monkeypatch.setattr(mnist, f"{part}_{kind}", file)
            contents[part, kind] = array
    return tmp_path, contents


def test_training_digits_split_by_row_and_test_digits_stay_apart(small_mnist):
    root, contents = small_mnist
    splits = MNIST(image_size=28).load(str(root))
    validation, set_aside = [7, 13, 27, 33, 47, 53], [3, 23, 43]
    training = [i for i in range(60) if i not in validation + set_aside]
    for split, part, expected in (
        (splits.train, "TRAIN", training),
        (splits.validation, "TRAIN", validation),
        (splits.test, "TEST", list(range(10))),
    ):
        assert split.ids.tolist() == expected
        assert np.array_equal(split.images[:, 0].numpy(), contents[part, "IMAGES"][expected])
        assert np.array_equal(split.labels[:, 0].numpy(), contents[part, "LABELS"][expected])
        assert split.palette is None


def test_the_usual_size_is_16(small_mnist):
    assert MNIST().load(str(small_mnist[0])).train.image_shape == (1, 16, 16)


def test_clothes_are_read_from_the_packed_files_as_published_and_split_alike(small_mnist, tmp_path, monkeypatch):
    root, contents = small_mnist
    files = []
    for published, (part, kind) in zip(mnist.CLOTHES_FILES, contents, strict=True):
        prefix = {"TRAIN": "train", "TEST": "t10k"}[part]
        assert published.path == f"FashionMNIST/raw/{prefix}-{kind.lower()}-idx{3 if kind == 'IMAGES' else 1}-ubyte.gz"
        packed = gzip.compress(idx(contents[part, kind]))
        path = tmp_path / published.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed)
        files.append(DataFile(published.path, "file:///nowhere", (hashlib.sha256(packed).hexdigest(),)))
    monkeypatch.setattr(mnist, "CLOTHES_FILES", tuple(files))
    clothes, digits = FashionMNIST().load(str(tmp_path)), MNIST(image_size=28).load(str(root))
    for one, other in ((clothes.train, digits.train), (clothes.test, digits.test)):
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
    assert clothes.train.name == "fashion_mnist"
    first = clothes.test.schema.names(clothes.test.labels[0])
    assert first == [CLASSES[contents["TEST", "LABELS"][0]].split("/")[0]]


def test_clothes_have_the_names_of_the_publication():
    known = [name.lower().split("/")[0] for name in CLASSES]
    assert [value.lower() for value in CLOTHES_SCHEMA.fields[0].values] == known


# -- the published digits ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(real_data):
    return MNIST(image_size=28).load(str(real_data))


def test_the_published_parts_have_their_sizes(digits):
    assert [len(part) for part in (digits.train, digits.validation, digits.test)] == [51_000, 6_000, 10_000]


def test_images_and_labels_are_those_that_torchvision_reads(digits, real_data):
    for split, train in ((digits.train, True), (digits.validation, True), (digits.test, False)):
        published = TorchvisionMNIST(root=real_data, train=train, download=False)
        assert torch.equal(split.images[:, 0], published.data[split.ids])
        assert torch.equal(split.labels[:, 0], published.targets[split.ids])


def test_test_digits_occur_as_often_as_published(digits):
    counts = digits.test.labels[:, 0].bincount().tolist()
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_small_digits_are_as_bright_as_the_published_ones(digits):
    images = digits.test.images[:500]
    torch.testing.assert_close(
        resize(images, 16).double().mean(dim=(1, 2, 3)), images.double().mean(dim=(1, 2, 3)), rtol=0.02, atol=0.5
    )
