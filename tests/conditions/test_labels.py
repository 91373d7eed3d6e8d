"""From labels back to words and to JSON, and which values occur together."""

import json
from itertools import combinations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import NONE, Field, normalise, slot
from conditions.schema import UNCONDITIONAL, UNKNOWN, ConditionSchema
from data import cryptopunks, pixelfaces
from tests.conditions.schemas import TOY, complete_labels, every_schema, known, partial_labels


@every_schema
@given(data=st.data())
def test_encoding_the_names_of_a_label_gives_the_label(schema, data):
    label = data.draw(partial_labels(schema))
    names = schema.names(label)
    assert len(names) == (label != UNKNOWN).sum()
    if names:  # naming nothing is an error, and "any" is the word for it
        assert torch.equal(schema.encode(names), label)
        assert torch.equal(schema.encode(",".join(names)), label)


@given(partial_labels(TOY))
def test_names_say_what_is_known(label):
    expected = [value if value != NONE else f"-{field}" for field, value in known(TOY, label).items()]
    assert TOY.names(label) == expected


def test_a_complete_label_sets_the_coarse_fields_from_the_slots():
    assert known(TOY, torch.tensor(TOY.complete({"kind": "Dog", "head": "Cap", "tail": "Long Tail"}))) == {
        "kind": "Dog", "head": "Cap", "hair": NONE, "hat": "hat", "tail": "Long Tail", "funny tail": NONE, "ear": NONE,
    }  # fmt: skip


identifiers = st.text(alphabet="abcdefgXYZ 0123é雪-_'\"\\", min_size=1).filter(lambda t: normalise(t) not in ("", NONE))


@st.composite
def schemas(draw) -> ConditionSchema:
    names = draw(st.lists(identifiers, unique_by=normalise, min_size=2, max_size=14))
    fields, rest = [], names
    while len(rest) >= 2:
        size = draw(st.integers(1, len(rest) - 1))
        (name, *values), rest = rest[: size + 1], rest[size + 1 :]
        fields += slot(name, values) if draw(st.booleans()) else [Field(name, tuple(values))]
    total = sum(len(field.values) for field in fields)
    bits = draw(st.none() | st.lists(st.booleans(), min_size=total * total, max_size=total * total))
    return ConditionSchema(fields, {}, None if bits is None else np.array(bits).reshape(total, total))


def assert_same_schema(a: ConditionSchema, b: ConditionSchema) -> None:
    assert a == b
    assert (a.fields, a.aliases, a.cardinalities) == (b.fields, b.aliases, b.cardinalities)
    assert (a.seen is None) == (b.seen is None)
    if a.seen is not None:
        assert a.seen.dtype == b.seen.dtype == bool
        assert np.array_equal(a.seen, b.seen)


@given(schemas())
def test_a_schema_comes_back_from_json_as_it_was(schema):
    text = schema.to_json()
    assert isinstance(json.loads(text), dict)
    assert_same_schema(ConditionSchema.from_json(text), schema)


@every_schema
def test_a_schema_of_a_data_set_comes_back_from_json_as_it_was(schema):
    assert_same_schema(ConditionSchema.from_json(schema.to_json()), schema)


def test_the_empty_schema_comes_back_from_json():
    assert ConditionSchema.from_json(UNCONDITIONAL.to_json()) == UNCONDITIONAL


def test_schemas_with_other_fields_are_unequal():
    assert TOY != pixelfaces.SCHEMA
    assert ConditionSchema([Field("a", ("x", "y"))]) != ConditionSchema([Field("a", ("y", "x"))])


# -- pairs that no example has ----------------------------------------------------------------------------


@given(st.lists(complete_labels(TOY), min_size=1, max_size=6), partial_labels(TOY))
def test_pairs_are_unseen_exactly_where_no_example_has_both(examples, label):
    schema = TOY.with_seen(torch.stack(examples))
    worn = [set(TOY.names(example)) for example in examples]
    expected = [pair for pair in combinations(TOY.names(label), 2) if not any(set(pair) <= names for names in worn)]
    assert schema.unseen_pairs(label) == expected
    again = ConditionSchema.from_json(schema.to_json())
    assert again.unseen_pairs(label) == expected
    assert TOY.unseen_pairs(label) == []  # nothing is known about the data, so nothing is said


def test_a_bearded_woman_is_worth_a_warning(real_data):
    punks = cryptopunks.CryptoPunks().load(str(real_data)).train
    schema = punks.schema
    assert schema.unseen_pairs(schema.encode("woman,beard")) == [("Female", "beard")]
    assert schema.unseen_pairs(schema.encode("Female,Big Beard,-hat")) == [("Female", "Big Beard")]
    assert schema.unseen_pairs(schema.encode("zombie,dark")) == [("Zombie", "Dark")]
    assert schema.unseen_pairs(schema.encode("man,beard,glasses")) == []
    for label in punks.labels[::500]:
        assert schema.unseen_pairs(label) == []
