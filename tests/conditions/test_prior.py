"""The label prior: the tree that counts say, and samples with the probabilities that it says."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.prior import LabelPrior
from conditions.schema import UNKNOWN
from conditions.values import coarse_filled, slots
from data import PixelFaces
from tests.conditions.schemas import SCHEMAS, TOY, every_schema, partial_labels

COLUMNS = slots(TOY)
SIZES = [TOY.cardinalities[f] for f in COLUMNS]
EVERY = torch.tensor(list(itertools.product(*map(range, SIZES))))  # all complete values of the slots


def labels_of(values: torch.Tensor, schema=TOY) -> torch.Tensor:
    labels = schema.unknown(len(values))
    labels[:, slots(schema)] = values
    return coarse_filled(schema, labels)


def examples(n: int = 4000, seed: int = 0) -> torch.Tensor:
    """Dogs mostly wear caps; a ring goes with a hat of any kind; tails are as they are."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(4, n, generator=generator)
    kind = (u[0] < 0.3).long()
    head = torch.where(kind == 1, torch.where(u[1] < 0.9, 3, 1), (u[1] * 4).long())
    tail = (u[2] * 3).long()
    ear = (u[3] < torch.where(head >= 2, 0.8, 0.1)).long()
    return labels_of(torch.stack([kind, head, tail, ear], dim=1))


@pytest.fixture(scope="module")
def prior() -> LabelPrior:
    return LabelPrior.fit(TOY, examples())


def test_it_is_a_distribution(prior):
    assert prior.log_prob(EVERY).exp().sum().item() == pytest.approx(1.0)


def test_each_slot_hangs_on_the_one_that_says_most_of_it(prior):
    kind, head, tail, ear = range(4)
    assert prior.above[kind] == -1 and prior.above[head] == kind and prior.above[ear] == head
    assert prior.order[0] == kind and set(prior.order) == {kind, head, tail, ear}


def test_no_other_tree_explains_the_examples_better(prior):
    """All 16 trees of four slots, by brute force: the likelihood of a tree is the sum of its mutual informations."""
    values = examples()[:, COLUMNS]

    def information(a: int, b: int) -> float:
        joint = torch.zeros(SIZES[a], SIZES[b]).index_put_((values[:, a], values[:, b]), torch.tensor(1.0), True)
        p = joint / len(values)
        entropy = lambda q: -(q[q > 0] * q[q > 0].log()).sum().item()  # noqa: E731
        return entropy(p.sum(1)) + entropy(p.sum(0)) - entropy(p.flatten())

    def is_tree(edges) -> bool:
        reached = {0}
        for _ in edges:
            reached |= {x for edge in edges if reached & set(edge) for x in edge}
        return len(reached) == 4

    pairs = list(itertools.combinations(range(4), 2))
    trees = [edges for edges in itertools.combinations(pairs, 3) if is_tree(edges)]
    assert len(trees) == 16
    best = max(trees, key=lambda edges: sum(information(*edge) for edge in edges))
    assert {frozenset(edge) for edge in best} == {
        frozenset((slot, above)) for slot, above in enumerate(prior.above) if above >= 0
    }


def test_values_are_as_frequent_as_in_the_examples_and_every_value_is_possible(prior):
    values = examples()[:, COLUMNS]
    probability = prior.log_prob(EVERY).exp()
    for slot, size in enumerate(SIZES):
        for v in range(size):
            frequency = (values[:, slot] == v).double().mean().item()
            assert probability[EVERY[:, slot] == v].sum().item() == pytest.approx(frequency, abs=1e-3)
    assert prior.log_prob(EVERY).isfinite().all()


@pytest.mark.parametrize("names", ["any", "dog", "hat", "-hat", "ring,-hair", "dog,curl", "funny tail"])
def test_what_is_open_is_sampled_with_its_probability_given_what_is_known(prior, names):
    """Exactly, by enumeration: information must also flow upwards, from a ring to the hat and on to the kind."""
    label, n = TOY.encode(names), 3000
    generator = torch.Generator().manual_seed(1)
    found = torch.stack([prior.complete(TOY, label, generator) for _ in range(n)])
    known = label != UNKNOWN
    assert (found[:, known] == label[known]).all()
    everything = labels_of(EVERY)
    agrees = (everything[:, known] == label[known]).all(dim=1)
    expected = prior.log_prob(EVERY).exp() * agrees
    expected /= expected.sum()
    counts = (found[:, None, COLUMNS] == EVERY[None]).all(dim=2).double().mean(dim=0)
    spread = (expected * (1 - expected) / n).sqrt()
    assert ((counts - expected).abs() <= 5 * spread + 1e-9).all()


@every_schema
@given(data=st.data())
def test_a_completed_label_keeps_what_was_known_and_agrees_with_itself(schema, data):
    prior = LabelPrior.fit(schema, labels_of(torch.zeros(3, len(slots(schema)), dtype=torch.int64), schema))
    label = data.draw(partial_labels(schema))
    found = prior.complete(schema, label, torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    known = label != UNKNOWN
    assert torch.equal(found[known], label[known]) and (found != UNKNOWN).all()
    assert torch.equal(coarse_filled(schema, found[None])[0], found)


def test_a_value_that_was_never_seen_can_be_asked_for():
    prior = LabelPrior.fit(TOY, examples()[:50][examples()[:50, TOY.column["tail"]] != 2])
    found = prior.complete(TOY, TOY.encode("curl"), torch.Generator().manual_seed(0))
    assert "Curl" in TOY.names(found)


def test_it_comes_back_from_json(prior):
    again = LabelPrior.from_json(prior.to_json())
    assert (again.above, set(again.order)) == (prior.above, set(prior.order))
    assert torch.allclose(again.log_prob(EVERY), prior.log_prob(EVERY), atol=1e-3)


def test_faces_of_independent_slots_are_explained_about_as_well_as_by_independence():
    """A tree that fits noise would say less of unseen faces than counting each slot by itself."""
    schema, splits = SCHEMAS["pixelfaces"], PixelFaces(count=4000).load()
    columns, train = slots(schema), splits.train.labels
    unseen = splits.validation.labels[:, columns]
    tree = LabelPrior.fit(schema, train).log_prob(unseen).mean().item()
    alone = sum(
        math.log((train[:, f] == v).double().mean().item()) for f in columns for v in splits.validation.labels[:, f]
    ) / len(unseen)
    assert tree == pytest.approx(alone, abs=0.05)
