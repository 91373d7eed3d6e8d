"""The order in which training reads rows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data.loader import BatchOrder

sizes, seeds = st.integers(1, 40), st.integers(0, 2**63)


def stream(order: BatchOrder, steps: int, first: int = 0) -> list[int]:
    return torch.cat([order.indices(step) for step in range(first, first + steps)]).tolist()


@given(n=sizes, batch_size=st.integers(1, 60), seed=seeds)
def test_every_row_comes_exactly_once_an_epoch(n, batch_size, seed):
    """Whatever the batch size: also where a batch spans two epochs or is larger than the data set."""
    epochs = 3
    rows = stream(BatchOrder(n, batch_size, seed), steps=-(-epochs * n // batch_size))
    for epoch in range(epochs):
        assert sorted(rows[epoch * n : (epoch + 1) * n]) == list(range(n))


@given(n=sizes, batch_size=st.integers(1, 60), seed=seeds, steps=st.lists(st.integers(0, 200), max_size=8))
def test_a_batch_is_a_function_of_seed_and_step(n, batch_size, seed, steps):
    """No matter which steps were asked for before, so that a resumed run reads on where the first one stopped."""
    used = BatchOrder(n, batch_size, seed)
    for step in steps:
        batch = used.indices(step)
        assert (batch.shape, batch.dtype) == ((batch_size,), torch.int64)
        assert torch.equal(batch, BatchOrder(n, batch_size, seed).indices(step))


@given(n=sizes, share=st.integers(1, 12), world_size=st.integers(1, 5), seed=seeds, step=st.integers(0, 100))
def test_processes_share_out_the_batch_that_one_would_read(n, share, world_size, seed, step):
    whole = BatchOrder(n, share * world_size, seed).indices(step)
    parts = [BatchOrder(n, share * world_size, seed, rank, world_size).indices(step) for rank in range(world_size)]
    assert all(len(part) == share for part in parts)
    assert torch.equal(torch.stack(parts, dim=1).flatten(), whole)


def test_the_batch_size_does_not_change_the_order():
    assert stream(BatchOrder(50, 7, seed=3), 20) == stream(BatchOrder(50, 14, seed=3), 10)


def test_epochs_and_seeds_differ():
    n = 50
    orders = [tuple(stream(BatchOrder(n, n, seed), 1, first=epoch)) for seed in range(4) for epoch in range(4)]
    assert len(set(orders)) == len(orders)
    assert tuple(range(n)) not in orders


def test_a_batch_may_span_two_epochs():
    order = BatchOrder(10, 4, seed=0)
    rows = stream(order, 5)
    spanning = order.indices(2).tolist()
    assert spanning == rows[8:12]
    assert set(rows[:8]) | set(spanning[:2]) == set(range(10))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"n": 0}, "n=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -4}, "batch_size=-4"),
        ({"batch_size": 6, "world_size": 4}, "multiple of"),
        ({"rank": 2, "world_size": 2}, "rank=2"),
        ({"rank": -1, "world_size": 2}, "rank=-1"),
        ({"world_size": 0}, "world_size=0"),
    ],
)
def test_bad_arguments_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        BatchOrder(**({"n": 10, "batch_size": 4, "seed": 0} | arguments))
