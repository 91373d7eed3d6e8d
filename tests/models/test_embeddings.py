"""The other inputs of the network: the time, and labels with unknown fields."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from models.embeddings import AttributeEmbedding, SpatialEmbedding, TimeEmbedding, ValueRows, sinusoidal_embedding

CARDINALITIES = (3, 2, 4)
UNKNOWN = torch.full((1, 3), -1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def every_label() -> torch.Tensor:
    """All labels with and without unknown fields, (4 * 3 * 5, 3)."""
    return torch.tensor(list(itertools.product(*(range(-1, n) for n in CARDINALITIES))))


@pytest.mark.parametrize("dim", [2, 8, 64])
def test_sinusoidal_embedding_is_that_of_vaswani(dim):
    """sin and cos of t / 10000^(2i / dim) for i = 0 ... dim / 2 - 1 (section 3.5)."""
    t = np.array([0, 1, 2, 37, 500, 1000])
    angles = np.stack([t / 10_000 ** (2 * i / dim) for i in range(dim // 2)], axis=1)
    found = sinusoidal_embedding(torch.from_numpy(t), dim)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), np.concatenate([np.sin(angles), np.cos(angles)], axis=1), atol=3e-4)


def test_every_time_has_its_own_embedding():
    embedded = sinusoidal_embedding(torch.arange(1001), 32)
    distance = torch.cdist(embedded, embedded) + 10 * torch.eye(1001)
    assert distance.min() > 0.05
    assert TimeEmbedding(32, 48)(torch.tensor([3, 900])).shape == (2, 48)


def test_rows_are_one_for_each_value_of_each_field_and_zero_for_unknown():
    rows = ValueRows(CARDINALITIES)
    of_values = [
        rows(torch.where(torch.arange(3) == f, v, UNKNOWN))[0, f].item()
        for f, n in enumerate(CARDINALITIES)
        for v in range(n)
    ]
    assert rows.total == 1 + sum(CARDINALITIES)
    assert sorted(of_values) == list(range(1, rows.total))
    labels = every_label()
    assert torch.equal(rows(labels) == 0, labels < 0)


@pytest.mark.parametrize(
    "build", [lambda: AttributeEmbedding(CARDINALITIES, 8), lambda: SpatialEmbedding(CARDINALITIES, 2, 2, 2)]
)
def test_a_label_is_the_sum_of_its_known_values(build):
    """The table's part is additive over fields, and unknown fields contribute exactly nothing."""
    table_of = build()
    nn.init.normal_(table_of.table.weight)  # row 0 as well: it must be ignored, not merely be zero
    labels = every_label()
    summed = table_of.table(table_of.rows(labels))
    for label, found in zip(labels, summed, strict=True):
        single = [torch.where(torch.arange(3) == f, label, UNKNOWN) for f in range(3) if label[f] >= 0]
        expected = sum((table_of.table(table_of.rows(one))[0] for one in single), torch.zeros_like(found))
        assert_close(found, expected, rtol=0, atol=1e-6)
    assert not table_of.table(table_of.rows(UNKNOWN)).any()


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_unknown_adds_nothing_before_and_after_training(decay):
    embedding = AttributeEmbedding(CARDINALITIES, 8)
    before = embedding.table.weight.detach().clone()
    optimiser = torch.optim.AdamW(embedding.parameters(), lr=0.1, weight_decay=decay)
    for _ in range(5):
        optimiser.zero_grad()
        embedding(every_label()).square().sum().backward()
        optimiser.step()
    after = embedding.table.weight.detach()
    assert not before[0].any() and not after[0].any()
    assert ((after - before)[1:].abs().amax(dim=1) > 0.01).all()
    assert_close(embedding(UNKNOWN), embedding.mlp(torch.zeros(1, 8)), rtol=0, atol=0)


def test_embedding_tells_all_labels_apart():
    embedded = AttributeEmbedding(CARDINALITIES, 16)(every_label())
    distance = torch.cdist(embedded, embedded) + torch.eye(len(embedded))
    assert embedded.shape == (60, 16) and distance.min() > 1e-3


def test_spatial_embedding_starts_at_zero():
    embedded = SpatialEmbedding(CARDINALITIES, 2, 4, 6)(every_label())
    assert embedded.shape == (60, 2, 4, 6) and not embedded.any()


def test_spatial_embedding_gives_each_value_its_own_pixels():
    """Row, channel, height and width of the table are those of the shape."""
    layer = SpatialEmbedding(CARDINALITIES, 2, 4, 6)
    label = torch.tensor([[2, -1, -1]])
    row = layer.rows(label)[0, 0]
    with torch.no_grad():
        layer.table.weight.view(-1, 2, 4, 6)[row, 1, 3, 5] = 7.0
    expected = torch.zeros(1, 2, 4, 6)
    expected[0, 1, 3, 5] = 7.0
    assert torch.equal(layer(label), expected)
    assert not layer(torch.tensor([[1, 1, 3]])).any()
