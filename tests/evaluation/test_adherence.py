"""Requests that can be met, and counts of what was met, on labels whose truth is known."""

import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import absences, coarse_filled, one_hot, value_names
from data import PixelFaces
from evaluation.adherence import Adherence, AdherenceSettings, count, figures_of, macro, make_requests, request_sizes
from evaluation.hidden import described, hidden_pairs
from tests.evaluation.stubs import bench_of

SCHEMA = ConditionSchema(
    (Field("type", ("cat", "dog")), *slot("head", ("cap", "bow"), hat=("cap",)), *slot("ear", ("ring",)))
)
NOTHING_HIDDEN = torch.zeros(10, 10, dtype=torch.bool)


@pytest.fixture(scope="module")
def data():
    return PixelFaces(count=400).load().train


@pytest.fixture(scope="module")
def requests(data):
    return make_requests(data, 500, seed=0)


def row(*names: str) -> torch.Tensor:
    return SCHEMA.encode(list(names))


def full(**slots: str) -> torch.Tensor:
    return torch.tensor(SCHEMA.complete(slots))


def test_value_names_are_what_a_person_types():
    assert value_names(SCHEMA) == ["cat", "dog", "-head", "cap", "bow", "-hat", "hat", "-ear", "ring"]
    assert absences(SCHEMA).tolist() == [False, False, True, False, False, True, False, True, False]


def test_requests_name_as_many_things_as_they_say(data, requests):
    assert len(requests.labels) >= 500
    assert torch.equal((requests.labels != UNKNOWN).sum(1), requests.size)
    assert sorted(requests.size.unique().tolist()) == [1, 2, 3, 4, 5]
    counts = requests.size.bincount()[1:]
    assert counts.max() <= 1.1 * counts.min()


def test_every_request_describes_some_real_picture(data, requests):
    for label in requests.labels:
        known = label != UNKNOWN
        assert (data.labels[:, known] == label[known]).all(dim=1).any()


def test_few_requests_ask_for_every_value_once_at_least(data):
    requests = make_requests(data, 1, seed=0)
    there = one_hot(data.labels, data.schema).sum(0) > 0
    assert torch.equal(one_hot(requests.labels, data.schema).sum(0) > 0, there)
    assert len(requests.labels) == there.sum()


def test_every_value_is_asked_for_in_every_size(data, requests):
    there = one_hot(data.labels, data.schema).sum(0) > 0
    for size in request_sizes(data.schema):
        asked = one_hot(requests.labels[requests.size == size], data.schema).sum(0) > 0
        assert torch.equal(asked, there)


def test_a_request_names_a_slot_once(data, requests):
    owners = torch.tensor([data.schema.column[field.slot or field.name] for field in data.schema.fields])
    for label in requests.labels:
        named = owners[label != UNKNOWN].tolist()
        assert len(named) == len(set(named))


def test_requests_prefer_presence(data):
    """Two things out of a face that has several are hardly ever absences, unless an absence is what is asked for."""
    requests = make_requests(data, 500, seed=1)
    two = one_hot(requests.labels[requests.size == 2], data.schema)
    assert (two[:, absences(data.schema)].sum(1) == 2).double().mean() < 0.05


def test_requests_depend_on_the_seed_alone(data, requests):
    assert torch.equal(make_requests(data, 500, seed=0).labels, requests.labels)
    assert not torch.equal(make_requests(data, 500, seed=1).labels, requests.labels)


def test_a_schema_of_one_slot_has_requests_of_one_thing():
    assert request_sizes(ConditionSchema((Field("digit", tuple("0123456789")),))) == [1]


def test_pictures_that_show_the_rest_of_the_label_meet_every_request(data, requests):
    """Completed from a real picture each request describes, all are found; with another value, none is."""
    shown = torch.stack(
        [data.labels[(data.labels[:, r != UNKNOWN] == r[r != UNKNOWN]).all(dim=1)][0] for r in requests.labels]
    )
    hides = torch.zeros(sum(data.schema.cardinalities), sum(data.schema.cardinalities), dtype=torch.bool)
    real = one_hot(data.labels, data.schema).sum(0)
    figures = figures_of(requests, shown, data.schema, hides, real)
    assert figures["present"] == figures["absent"] == 1.0
    assert set(figures["present_by_size"].values()) == {1.0}
    cardinalities = torch.tensor(data.schema.cardinalities)
    wrong = figures_of(requests, (shown + 1) % cardinalities, data.schema, hides, real)
    assert wrong["present"] == wrong["absent"] == 0.0


def test_shares_are_those_counted_by_hand():
    requests = torch.stack([row("cat"), row("cat", "cap"), row("bow"), row("-hat"), row("dog", "ring")])
    read = torch.stack(
        [
            full(type="cat"),  # cat: yes
            full(type="dog", head="cap"),  # cat: no, cap: yes
            full(type="cat", head="cap"),  # bow: no
            full(type="cat", head="bow"),  # no hat: yes
            full(type="dog", ear="ring"),  # both
        ]
    )
    counts = count(requests, read, SCHEMA, NOTHING_HIDDEN[:9, :9])
    assert dict(zip(value_names(SCHEMA), counts.asked.tolist(), strict=True)) == {
        "cat": 2, "dog": 1, "-head": 0, "cap": 1, "bow": 1, "-hat": 1, "hat": 0, "-ear": 0, "ring": 1,
    }  # fmt: skip
    assert counts.met.tolist() == [1, 1, 0, 1, 0, 1, 0, 0, 1]
    assert macro(counts, ~absences(SCHEMA)) == pytest.approx((0.5 + 1 + 1 + 0 + 1) / 5)
    assert macro(counts, absences(SCHEMA)) == 1.0
    assert macro(counts, torch.zeros(9, dtype=torch.bool)) is None


def test_what_is_never_seen_beside_a_value_counts_as_hidden_there_and_only_there():
    """An earring under a cap is not seen: a request for one is left out where the picture wears a cap, only there."""
    under, beside = full(type="cat", head="cap", ear="ring"), full(type="cat", head="bow", ear="ring")
    truth = torch.cat([under.repeat(6, 1), beside.repeat(6, 1)])
    read = truth.clone()
    read[:6, SCHEMA.column["ear"]] = 0
    hides = hidden_pairs(truth, read, SCHEMA)
    assert set(described(hides, SCHEMA)) == {"ring beside cap", "ring beside hat"}
    requests = row("ring").repeat(3, 1)
    shown = torch.stack([full(type="cat", head="cap"), full(type="cat"), full(type="cat", head="bow", ear="ring")])
    counts = count(requests, shown, SCHEMA, hides)
    ring = value_names(SCHEMA).index("ring")
    assert (counts.asked[ring], counts.met[ring], counts.hidden[ring]) == (2, 1, 1)
    assert hidden_pairs(truth[:4], read[:4], SCHEMA).sum() == 0  # too few to say


def test_coarse_fields_follow_from_their_slot(data):
    blurred = data.labels.clone()
    for f, field in enumerate(data.schema.fields):
        if field.slot:
            blurred[:, f] = UNKNOWN
    assert torch.equal(coarse_filled(data.schema, blurred), data.labels)


def test_the_measure_reads_the_samples_of_each_w_and_compares_them_with_training_pictures(tmp_path):
    """At w = 1 all requests are met, by real faces; at w = 0 few are, by black pictures that resemble no face."""
    splits = PixelFaces(count=400).load()
    bench = bench_of(splits, w=1.0, steps=10, quantise="none")
    measure = Adherence(bench, AdherenceSettings(n=20, w=[0.0]))
    train, requests = splits.train, measure.requests.labels
    assert [samples.w for samples in measure.sets] == [0.0, 1.0]  # the common one is measured as well
    assert all(torch.equal(samples.labels, requests) for samples in measure.sets)
    assert measure.sets[0].seeds == measure.sets[1].seeds
    fitting = torch.stack([
        (train.labels[:, r != UNKNOWN] == r[r != UNKNOWN]).all(dim=1).nonzero()[0, 0] for r in requests
    ])  # fmt: skip
    figures = measure.measure(
        lambda samples: train.images[fitting] if samples.w == 1 else torch.zeros(len(requests), 3, 24, 24).byte()
    )
    met, black = figures["by_w"]["1"], figures["by_w"]["0"]
    assert met["present"] == met["absent"] == 1.0 and met["palette_error"] == 0.0
    assert black["present"] < 0.5
    assert met["precision"] > 0.5 and black["precision"] == 0.0
    assert met["nfe"] == 10
    report = measure.report(figures, tmp_path)
    assert "| 1 | 10 | 100.0 % |" in report and (tmp_path / "adherence.png").exists()


def test_precision_is_that_and_not_recall():
    """Copies of one training picture are all among the real ones, and show nearly none of them."""
    splits = PixelFaces(count=400).load()
    measure = Adherence(bench_of(splits), AdherenceSettings(n=40, w=[1.0]))
    n = len(measure.requests.labels)
    seen = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(0))[0]
    copies = splits.train.images[seen].repeat(n, 1, 1, 1)
    assert measure.measure(lambda samples: copies)["by_w"]["1"]["precision"] == 1.0
