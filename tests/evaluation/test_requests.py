"""Requests that people could make, and that real pictures can meet."""

import numpy as np
import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import absences, one_hot, value_names
from data import PixelFaces
from data.base import InMemoryDataset
from evaluation.requests import Requests, make_requests, part_of, request_sizes


@pytest.fixture(scope="module")
def data() -> InMemoryDataset:
    """Faces of which none wears a crown."""
    train = PixelFaces(count=400).load().train
    crown = value_names(train.schema).index("Crown")
    return train.select((one_hot(train.labels, train.schema)[:, crown] == 0).nonzero()[:, 0])


@pytest.fixture(scope="module")
def requests(data) -> Requests:
    return make_requests(data, 12, seed=0)


def owners(schema: ConditionSchema) -> list[str]:
    """The slot of each field."""
    return [field.slot or field.name for field in schema.fields]


def bare(labels: list[list[int]], *fields: Field) -> InMemoryDataset:
    """Labels with blank pictures."""
    images = torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8)
    return InMemoryDataset(
        "bare", images, torch.tensor(labels), ConditionSchema(fields), None, torch.arange(len(labels))
    )


def test_every_value_is_asked_for_equally_often_in_every_size(data, requests):
    """Twelve in five sizes are three in each, rounded up. Catches rare values, absences or sizes that get fewer."""
    counts = torch.zeros(sum(data.schema.cardinalities), 6, dtype=torch.int64)
    for value, size in zip(requests.value.tolist(), requests.size.tolist(), strict=True):
        counts[value, size] += 1
    there = one_hot(data.labels, data.schema).sum(0) > 0
    assert torch.equal(counts, 3 * there[:, None] * torch.tensor([0, 1, 1, 1, 1, 1]))


def test_what_no_picture_has_is_not_asked_for(data, requests):
    """Nothing real could meet it, and the ceiling would be 0."""
    crown = value_names(data.schema).index("Crown")
    assert crown not in requests.value and not one_hot(requests.labels, data.schema)[:, crown].any()


def test_requests_name_as_many_things_as_they_say(requests):
    """Catches a size that is cut short where a picture has few things."""
    assert torch.equal((requests.labels != UNKNOWN).sum(1), requests.size)


def test_a_request_is_part_of_the_label_of_its_picture(data, requests):
    """Of that in `row`, whose reading is the ceiling: catches rows of another order, and mixed pictures."""
    named = requests.labels != UNKNOWN
    assert torch.equal(requests.labels[named], data.labels[requests.row][named])


def test_a_request_names_the_value_that_it_is_for(data, requests):
    """Catches values counted in another order than that of `value_names`."""
    assert one_hot(requests.labels, data.schema)[torch.arange(len(requests.value)), requests.value].all()


def test_a_request_names_a_slot_once(data, requests):
    """ "cap, hat" is one thing: catches a slot named together with its coarse field."""
    names = owners(data.schema)
    for label in requests.labels:
        slots = [names[f] for f in (label != UNKNOWN).nonzero()[:, 0].tolist()]
        assert len(slots) == len(set(slots))


def test_absences_are_named_only_where_nothing_else_is_left(data, requests):
    """Beside the value itself, as few as the picture allows: nobody asks for "no earring, no pipe" of a king."""
    none, names = absences(data.schema), owners(data.schema)
    empty = (data.labels == 0) & data.schema.optional()
    owner = np.repeat(names, data.schema.cardinalities)
    for label, size, value, row in zip(*requests, strict=True):
        present = {names[f] for f in (~empty[row]).nonzero()[:, 0].tolist()} - {owner[value]}
        absent = one_hot(label[None], data.schema)[0, none].sum() - float(none[value])
        assert absent == max(0, size - 1 - len(present))


def test_all_slots_and_many_pictures_have_their_turn(data, requests):
    """Catches the first fields, or the first picture with a value, taken every time."""
    names = np.array(owners(data.schema))
    pairs = requests.labels[requests.size == 2] != UNKNOWN
    for name in set(names):
        assert pairs[:, torch.from_numpy(names == name)].any(dim=1).double().mean() > 0.5 / len(set(names))
    assert len(requests.row.unique()) > 0.5 * len(data)


def test_coarse_fields_are_asked_for_as_well(data, requests):
    """ "hat" leaves open which: catches requests that name slots alone."""
    coarse = torch.tensor([bool(field.slot) for field in data.schema.fields])
    assert (requests.labels[:, coarse] != UNKNOWN).any(dim=0).all()


def test_requests_depend_on_the_seed_alone(data, requests):
    """The same ones for all weights that are compared."""
    torch.manual_seed(5)
    np.random.seed(5)
    again, other = make_requests(data, 12, seed=0), make_requests(data, 12, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(again, requests, strict=True))
    assert not torch.equal(other.labels, requests.labels)
    assert torch.equal(other.value, requests.value) and torch.equal(other.size, requests.size)


def test_one_for_each_value_is_one_in_every_size(data):
    """Catches a number below that of the sizes which rounds to none."""
    once = make_requests(data, 1, seed=0)
    assert torch.equal(once.value.bincount()[once.value], torch.full_like(once.value, 5))
    assert torch.equal(once.size, torch.arange(1, 6).repeat(len(once.size) // 5))


def test_a_schema_of_one_slot_has_requests_of_one_thing():
    """Each digit that is there is asked for as often as `each` says, by pictures of it."""
    data = bare([[3], [3], [1], [3]], Field("digit", tuple("0123")))
    assert request_sizes(data.schema) == [1]
    made = make_requests(data, 4, seed=0)
    assert made.labels[:, 0].tolist() == made.value.tolist() == 4 * [1] + 4 * [3]
    assert made.size.tolist() == 8 * [1] and set(made.row[:4].tolist()) == {2}


def test_no_request_is_larger_than_there_are_slots():
    """A coarse field is no further thing to name."""
    data = bare([[0, 1, 1], [1, 0, 0]], Field("type", ("cat", "dog")), *slot("head", ("cap",), hat=("cap",)))
    assert request_sizes(data.schema) == [1, 2]
    made = make_requests(data, 5, seed=0)
    assert made.size.bincount().tolist() == [0, 18, 18]  # six values, three in each size
    assert torch.equal((made.labels != UNKNOWN).sum(1), made.size)


def test_without_a_first_field_any_part_can_be_asked_for(data):
    """Also nothing and everything; of a cap or "hat", which are one slot, each has its turn."""
    rng, names, label = np.random.default_rng(0), owners(data.schema), data.labels[0]
    assert (part_of(data.schema, label, 0, rng) == UNKNOWN).all()
    whole = torch.stack([part_of(data.schema, label, len(set(names)), rng) for _ in range(100)])
    named = whole != UNKNOWN
    assert named.any(dim=0).sum() > len(set(names)) == named.sum(1).unique().item()
    assert torch.equal(whole[named], label.expand_as(whole)[named])
