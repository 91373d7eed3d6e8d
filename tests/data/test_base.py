"""The data set in memory: batches, parts, splits and the hash."""

from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import Field, slot
from conditions.schema import UNCONDITIONAL, ConditionSchema
from data import CryptoPunks
from data.base import InMemoryDataset, rows_by_split, split_by_id
from data.palette import Palette

SCHEMA = ConditionSchema((Field("kind", ("Cat", "Dog")), *slot("hat", ("Cap", "Fez"))))


def dataset(n: int = 60, seed: int = 0) -> InMemoryDataset:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 3, 4, 5), generator=generator).to(torch.uint8)
    labels = torch.stack([torch.randint(0, size, (n,), generator=generator) for size in SCHEMA.cardinalities], dim=1)
    return InMemoryDataset("toy", images, labels, SCHEMA, Palette.of(images), torch.arange(n))


def test_a_batch_has_the_rows_asked_for():
    data = dataset()
    index = torch.tensor([5, 0, 5, 59])
    batch = data.batch(index)
    assert batch.x_0.dtype == torch.float32
    assert batch.cond.dtype == batch.index.dtype == torch.int64
    assert torch.equal(batch.index, index)
    for row, i in enumerate(index.tolist()):
        torch.testing.assert_close(batch.x_0[row].double(), data.images[i] / 255.0 * 2.0 - 1.0, check_dtype=False)
        assert torch.equal(batch.cond[row], data.labels[i])


def test_a_batch_is_a_copy():
    data = dataset()
    batch = data.batch(torch.arange(3))
    before = data.labels.clone(), data.images.clone()
    batch.cond.fill_(-1)
    batch.x_0.zero_()
    assert torch.equal(data.labels, before[0])
    assert torch.equal(data.images, before[1])


def test_the_data_set_knows_its_shape():
    assert len(dataset(33)) == 33
    assert dataset().image_shape == (3, 4, 5)


def test_selected_rows_keep_image_label_and_id_together():
    data = dataset()
    rows = torch.tensor([40, 3, 7])
    part = data.select(rows)
    assert len(part) == 3
    assert part.schema is data.schema
    for i, row in enumerate(rows.tolist()):
        assert torch.equal(part.images[i], data.images[row])
        assert torch.equal(part.labels[i], data.labels[row])
        assert part.ids[i] == data.ids[row]


def test_unconditional_keeps_the_pictures_and_drops_the_fields():
    data = dataset()
    free = data.unconditional()
    assert torch.equal(free.images, data.images)
    assert free.schema == UNCONDITIONAL
    assert free.batch(torch.arange(4)).cond.shape == (4, 0)
    splits = split_by_id(data).unconditional()
    for part, size in ((splits.train, 51), (splits.validation, 6), (splits.test, 3)):
        assert (part.schema, part.labels.shape) == (UNCONDITIONAL, (size, 0))


def test_the_same_data_has_the_same_hash():
    assert dataset().hash == dataset().hash
    assert dataset().to("cpu").hash == dataset().hash


def test_other_data_has_another_hash():
    data = dataset()
    images, labels = data.images.clone(), data.labels.clone()
    images[17, 2, 3, 4] ^= 1
    labels[17, 0] ^= 1
    others = [
        replace(data, images=images),
        replace(data, labels=labels),
        replace(data, name="other"),
        data.select(torch.arange(59)),
        data.select(torch.arange(60).flip(0)),
        data.unconditional(),
    ]
    hashes = {other.hash for other in [data, *others]}
    assert len(hashes) == len(others) + 1


@given(st.integers(20, 300))
def test_the_split_goes_by_id_and_loses_no_row(n):
    splits = split_by_id(dataset(n))
    assert splits.validation.ids.tolist() == sorted([*range(7, n, 20), *range(13, n, 20)])
    assert splits.test.ids.tolist() == list(range(3, n, 20))
    held_out = {*range(3, n, 20), *range(7, n, 20), *range(13, n, 20)}
    assert splits.train.ids.tolist() == [i for i in range(n) if i not in held_out]


def test_the_split_goes_by_id_and_not_by_row():
    data = dataset(40)
    shuffled = data.select(torch.randperm(40, generator=torch.Generator().manual_seed(1)))
    parts = split_by_id(shuffled)
    assert sorted(parts.validation.ids.tolist()) == [7, 13, 27, 33]
    row = parts.validation.ids.tolist().index(27)
    assert torch.equal(parts.validation.images[row], data.images[27])
    assert torch.equal(parts.validation.labels[row], data.labels[27])


@pytest.mark.parametrize("held_out", [3, 7, 13])
def test_the_schema_of_every_part_knows_the_training_part_only(held_out):
    """Only one held-out row is a dog with a fez, so that pair is unseen."""
    data = dataset(40)
    labels = torch.tensor([[0, 1]]).repeat(40, 1)  # cats with caps
    labels[0], labels[held_out] = torch.tensor([1, 0]), torch.tensor([1, 2])
    splits = split_by_id(replace(data, labels=labels))
    for part in (splits.train, splits.validation, splits.test):
        assert part.schema.unseen_pairs(torch.tensor([1, 2])) == [("Dog", "Fez")]
        assert part.schema.unseen_pairs(torch.tensor([0, 1])) == []
        assert part.schema.unseen_pairs(torch.tensor([1, 0])) == []


def test_the_per_pixel_palette_is_that_of_the_training_part_alone():
    data = dataset()
    parts = split_by_id(data)
    for part in (parts.train, parts.validation, parts.test):
        assert torch.equal(part.palette.at_pixel, data.palette.per_pixel(parts.train.images).at_pixel)
    assert not torch.equal(parts.train.palette.at_pixel, data.palette.per_pixel(data.images).at_pixel)


# -- a training that sees less ----------------------------------------------------------------------------------------


def test_a_training_on_fewer_pictures_knows_of_these_alone_and_is_held_to_the_same():
    """Else colours and pairs of values that it never saw would help it, and no two sizes could be compared."""
    full = split_by_id(dataset(200))
    ten, twenty = (CryptoPunks(train_size=n).seen_in_training(full) for n in (10, 20))
    assert len(ten.train) == 10 and set(ten.train.ids.tolist()) < set(twenty.train.ids.tolist())
    for less in (ten, twenty):
        assert set(less.train.ids.tolist()) < set(full.train.ids.tolist())
        for name in ("validation", "test"):
            assert torch.equal(getattr(less, name).images, getattr(full, name).images)
            assert torch.equal(getattr(less, name).palette.at_pixel, less.train.palette.at_pixel)
            assert (getattr(less, name).schema.seen == less.train.schema.seen).all()
        assert torch.equal(less.train.palette.at_pixel, full.train.palette.per_pixel(less.train.images).at_pixel)
    assert ten.train.palette.at_pixel.sum() < twenty.train.palette.at_pixel.sum() < full.train.palette.at_pixel.sum()
    assert CryptoPunks().seen_in_training(full) is full


def test_more_pictures_than_there_are_are_refused_with_how_many_there_are():
    with pytest.raises(ValueError, match=r"^dataset.train_size=171: cryptopunks has 170 training pictures; choose"):
        CryptoPunks(train_size=171).seen_in_training(split_by_id(dataset(200)))


# -- pictures that lie in a file, or beside the device ----------------------------------------------------------------


@pytest.fixture
def mapped(tmp_path) -> InMemoryDataset:
    """The toy data set mapped from a file, in the order of the splits."""
    data = dataset(200)
    data = data.select(torch.cat(rows_by_split(data.ids)))
    np.save(tmp_path / "images.npy", data.images.numpy())
    return replace(data, images=torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c")))


def test_a_mapped_data_set_is_the_same_data_set(mapped):
    here = split_by_id(dataset(200))
    for there, part in zip(vars(split_by_id(mapped)).values(), vars(here).values(), strict=True):
        assert torch.equal(there.ids, part.ids) and there.hash == part.hash
        rows = torch.tensor([5, 0, 5]) % len(part)
        for one, other in zip(there.to("cpu").batch(rows), part.batch(rows), strict=True):
            assert torch.equal(one, other)


def test_the_splits_of_a_mapped_data_set_are_views_of_the_file(mapped):
    for part in vars(split_by_id(mapped)).values():
        assert part.to("cpu").images.untyped_storage().data_ptr() == mapped.images.untyped_storage().data_ptr()


def test_a_file_larger_than_the_memory_is_not_read_whole(tmp_path):
    """A hundred gigabytes with holes, of which three pictures are written: a copy would fill the disk or the memory."""
    n, shape, grey = 2_000_000, (3, 128, 128), np.array([3, 5, 250], dtype=np.uint8)
    file = np.lib.format.open_memmap(tmp_path / "large.npy", mode="w+", dtype=np.uint8, shape=(n, *shape))
    rows = torch.tensor([0, 123, n // 2])
    for row, level in zip(rows.tolist(), grey, strict=True):
        file[row] = level
    ids = torch.cat(rows_by_split(torch.arange(n)))
    labels = torch.zeros(n, 0, dtype=torch.int64)
    before = psutil.Process().memory_info().rss
    splits = split_by_id(InMemoryDataset("large", torch.from_numpy(file), labels, UNCONDITIONAL, None, ids))
    batch = splits.train.to("cpu").batch(rows)
    assert torch.equal(((batch.x_0 + 1) * 127.5).round().to(torch.uint8)[:, 0, 0, 0], torch.from_numpy(grey))
    assert psutil.Process().memory_info().rss - before < 0.5e9  # ids and their order, but no pictures
    assert [len(part) for part in vars(splits).values()] == [17 * n // 20, 2 * n // 20, n // 20]


@pytest.mark.parametrize(("free", "where"), [(10**9, "cuda"), (50_000, "cpu")], ids=["fits", "too large"])
def test_a_data_set_that_would_fill_a_gpu_stays_on_the_host(monkeypatch, free, where):
    data, moved = dataset(500), []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**10))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: moved.append(torch.device(device).type) or self)
    there = data.to("cuda")
    assert there.device == torch.device("cuda") and moved == (["cuda", "cuda"] if where == "cuda" else [])


def test_batches_of_a_data_set_on_the_host_go_to_the_device():
    """The device "meta" stands for a GPU."""
    batch = replace(dataset(), device=torch.device("meta")).batch(torch.arange(3))
    assert {x.device.type for x in batch} == {"meta"} and batch.x_0.shape == (3, 3, 4, 5)
