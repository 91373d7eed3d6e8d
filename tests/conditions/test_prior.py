"""The label prior: the tree that counts say, and samples with the probabilities that it says."""

import collections
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import Field
from conditions.prior import LabelPrior, _worth
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import coarse_filled, slots
from data import CryptoPunks, PixelFaces
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


def chained(n: int = 4000) -> torch.Tensor:
    """Whatever the kind, a tail goes with a ring, and a head with a tail: more than one slot can say of all others."""
    generator = torch.Generator().manual_seed(2)
    u = torch.rand(4, n, generator=generator)
    kind = (u[0] < 0.5).long()
    head = (u[1] * 4).long()
    tail = torch.where(u[2] < 0.8, (head + kind) % 3, (u[2] * 3).long())
    ear = torch.where(u[3] < 0.9, (tail == 1).long(), (u[3] * 2).long())
    return labels_of(torch.stack([kind, head, tail, ear], dim=1))


PRIORS = {"star": LabelPrior.fit(TOY, examples()), "chain": LabelPrior.fit(TOY, chained())}


@pytest.fixture(params=PRIORS)
def prior(request) -> LabelPrior:
    return PRIORS[request.param]


def complete(prior: LabelPrior, label: torch.Tensor, seed: int = 0, schema=TOY) -> torch.Tensor:
    """One label (F,), completed by a seed."""
    return prior.complete(schema, label[None], [torch.Generator().manual_seed(seed)])[0]


def test_it_is_a_distribution(prior):
    assert prior.log_prob(EVERY).exp().sum().item() == pytest.approx(1.0)


def test_the_root_is_the_slot_that_says_most_of_the_others():
    """Kind says something of the head, and the head of the ring; the tail is as it is."""
    head, tail = 1, 2
    assert PRIORS["star"].root == head and set(PRIORS["star"].above) == {-1}
    found = PRIORS["chain"]
    assert found.root in (head, tail) and any(over >= 0 for over in found.above)


@pytest.mark.parametrize("seed", range(4))
def test_chance_makes_no_dependence(seed):
    """Of slots that have nothing to do with each other, a tree alone would find the best coincidence."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.stack([(torch.rand(500, generator=generator) * size).long() for size in SIZES], dim=1)
    assert set(LabelPrior.fit(TOY, labels_of(values)).above) == {-1}


@pytest.mark.parametrize("make", [examples, chained], ids=["star", "chain"])
def test_values_are_as_frequent_as_in_the_examples_and_every_value_is_possible(make):
    prior, values = LabelPrior.fit(TOY, make()), make()[:, COLUMNS]
    probability = prior.log_prob(EVERY).exp()
    for slot, size in enumerate(SIZES):
        for v in range(size):
            frequency = (values[:, slot] == v).double().mean().item()
            assert probability[EVERY[:, slot] == v].sum().item() == pytest.approx(frequency, abs=5e-3)
    assert prior.log_prob(EVERY).isfinite().all()


def test_unseen_labels_are_explained_better_than_by_independent_slots():
    """In nats per label, against counting each slot by itself; the two sets are made alike and share no label."""
    train, unseen = examples(seed=3)[:, COLUMNS], examples(seed=4)[:, COLUMNS]
    alone = sum(math.log((train[:, s] == v).double().mean()) for s in range(4) for v in unseen[:, s]) / len(unseen)
    assert LabelPrior.fit(TOY, examples(seed=3)).log_prob(unseen).mean().item() > alone + 0.3


@pytest.mark.parametrize("names", ["any", "dog", "hat", "-hat", "ring,-hair", "dog,curl", "funny tail"])
def test_what_is_open_is_sampled_with_its_probability_given_what_is_known(prior, names):
    """Exactly, by enumeration: information must also flow upwards, from a ring to the hat and on to the kind."""
    label, n = TOY.encode(names), 3000
    generator = torch.Generator().manual_seed(1)
    found = prior.complete(TOY, label.expand(n, -1), [generator] * n)
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
    found = complete(prior, label, data.draw(st.integers(0, 99)), schema)
    known = label != UNKNOWN
    assert torch.equal(found[known], label[known]) and (found != UNKNOWN).all()
    assert torch.equal(coarse_filled(schema, found[None])[0], found)


def test_a_label_is_completed_alike_whatever_others_are_completed_with_it(prior):
    labels = torch.stack([TOY.encode(names) for names in ("any", "dog", "cap", "any", "dog", "any")])
    away = torch.stack([TOY.encode(names) for names in ("any", "any", "any", "cap", "any", "ring")])
    found = prior.complete(TOY, labels, [torch.Generator().manual_seed(seed) for seed in range(6)], away)
    for i in range(6):
        generator = torch.Generator().manual_seed(i)
        assert torch.equal(found[i], prior.complete(TOY, labels[i : i + 1], [generator], away[i : i + 1])[0])


def test_a_value_that_was_never_seen_can_be_asked_for():
    prior = LabelPrior.fit(TOY, examples()[:50][examples()[:50, TOY.column["tail"]] != 2])
    found = complete(prior, TOY.encode("curl"))
    assert "Curl" in TOY.names(found)


def test_it_comes_back_from_json_and_completes_the_same_seeds_alike(prior):
    again = LabelPrior.from_json(prior.to_json())
    assert torch.allclose(again.log_prob(EVERY), prior.log_prob(EVERY), atol=2e-3)
    for seed in range(40):
        one, other = (complete(p, TOY.encode("any"), seed) for p in (prior, again))
        assert torch.equal(one, other)


def test_values_to_avoid_are_not_sampled_unless_nothing_else_is_left(prior):
    generator = torch.Generator().manual_seed(0)

    def sampled(asked: str, avoided: str) -> torch.Tensor:
        label, away = (TOY.encode(names).expand(60, -1) for names in (asked, avoided))
        return prior.complete(TOY, label, [generator] * 60, away)

    head, ear = TOY.column["head"], TOY.column["ear"]
    found = sampled("any", "cap,ring")
    assert not (found[:, head] == 3).any() and not (found[:, ear] == 1).any()  # neither of the two
    assert not (sampled("any", "hat")[:, head] >= 2).any()
    assert (sampled("cap", "cap")[:, head] == 3).all()


@pytest.mark.parametrize("make", [examples, chained], ids=["star", "chain"])
def test_the_dependences_are_those_of_the_formula(make):
    """I(A; B | R) by its definition, with loops; of half of the labels, two slots are known together."""
    labels = make()[:, COLUMNS]
    labels[::3, 2], labels[1::3, 1], labels[::5, 0] = UNKNOWN, UNKNOWN, UNKNOWN
    root, (a, b) = 0, (1, 2)
    known = [row for row in labels[:, [root, a, b]].tolist() if UNKNOWN not in row]
    count, n, cells = collections.Counter(map(tuple, known)), len(known), 0.0
    of = [collections.Counter(tuple(row[i] for i in some) for row in known) for some in ((0,), (0, 1), (0, 2))]
    for (r, i, j), c in count.items():
        cells += c * math.log(c * of[0][(r,)] / (of[1][r, i] * of[2][r, j]))
    free = sum(
        (len({i for s, i in of[1] if s == r}) - 1) * (len({j for s, j in of[2] if s == r}) - 1) for (r,) in of[0]
    )
    worth = _worth(labels, SIZES, root)
    assert worth[a, b].item() == pytest.approx((cells - free * math.log(n) / 2) / n)
    assert torch.equal(worth, worth.T)


def test_slots_of_many_values_make_no_huge_tables():
    """Three columns of 200 values that say all of each other would be 8 million numbers in the header of a file."""
    schema = ConditionSchema(tuple(Field(name, tuple(f"{name} {v}" for v in range(200))) for name in "abc"))
    values = torch.arange(4000) % 200
    prior = LabelPrior.fit(schema, torch.stack([values, (values + 1) % 200, (values + 2) % 200], dim=1))
    assert set(prior.above) == {-1} and len(prior.to_json()) < 2_000_000
    (found,) = prior.complete(schema, schema.encode("a 7")[None], [torch.Generator().manual_seed(0)])
    assert schema.names(found) == ["a 7", "b 8", "c 9"]


def test_what_is_not_known_of_an_example_does_not_count():
    labels = examples()
    labels[::2, TOY.column["ear"]] = UNKNOWN
    half = LabelPrior.fit(TOY, labels)
    ring = [prior.log_prob(EVERY).exp()[EVERY[:, 3] == 1].sum().item() for prior in (half, PRIORS["star"])]
    assert ring[0] == pytest.approx(ring[1], abs=0.03)


def test_a_label_that_contradicts_itself_is_refused():
    label = TOY.encode("cap")
    label[TOY.column["hair"]] = 1
    with pytest.raises(ValueError, match="contradicts itself"):
        complete(PRIORS["star"], label)


def test_rare_types_of_punks_get_nothing_that_their_type_never_has(punks_prior):
    """An alien with hair, or an ape with a human's skin, would be a picture that no training has shown."""
    schema, prior, real = punks_prior
    generator = torch.Generator().manual_seed(0)
    for name in ("alien", "ape", "zombie", "male", "female"):
        found = prior.complete(schema, schema.encode(name).expand(100, -1), [generator] * 100)
        assert sum(bool(schema.unseen_pairs(label)) for label in found) <= 100 * real + 8, name


@pytest.fixture(scope="module")
def punks_prior(real_data):
    splits = CryptoPunks().load(str(real_data))
    schema, unseen = splits.train.schema, splits.validation.labels
    share = sum(bool(schema.unseen_pairs(label)) for label in unseen) / len(unseen)
    return schema, LabelPrior.fit(schema, splits.train.labels), share


def test_faces_of_independent_slots_are_explained_about_as_well_as_by_independence():
    """A tree that fits noise would say less of unseen faces than counting each slot by itself."""
    schema, splits = SCHEMAS["pixelfaces"], PixelFaces(count=4000).load()
    columns, train = slots(schema), splits.train.labels
    unseen = splits.validation.labels[:, columns]
    tree = LabelPrior.fit(schema, train).log_prob(unseen).mean().item()
    alone = sum(
        math.log((train[:, f] == v).double().mean().item()) for f in columns for v in splits.validation.labels[:, f]
    ) / len(unseen)
    assert tree == pytest.approx(alone, abs=0.06)
