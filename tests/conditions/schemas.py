"""Schemas to test with, and labels of them in words and by chance."""

import pytest
import torch
from hypothesis import strategies as st

from conditions.fields import NONE, Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from data import cryptopunks, mnist, pixelfaces

TOY = ConditionSchema(
    (
        Field("kind", ("Cat", "Dog")),
        *slot("head", ("Mohawk", "Top Hat", "Cap"), hair=("Mohawk",), hat=("Top Hat", "Cap")),
        *slot("tail", ("Long Tail", "Curl"), funny_tail=("Curl",)),
        *slot("ear", ("Ring",)),
    ),
    aliases={"kitty": "Cat", "bald": "-head", "gentleman": "Dog,Top Hat"},
)
SCHEMAS = {
    "toy": TOY,
    "cryptopunks": cryptopunks.SCHEMA,
    "pixelfaces": pixelfaces.SCHEMA,
    "mnist": mnist.SCHEMA,
}
every_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


def known(schema: ConditionSchema, label: torch.Tensor) -> dict[str, str]:
    """The known fields of a label, as words: {field: value}."""
    assert label.shape == (len(schema),)
    assert label.dtype == torch.int64
    return {field.name: field.values[v] for field, v in zip(schema.fields, label.tolist(), strict=True) if v != UNKNOWN}


def encoded(schema: ConditionSchema, names) -> dict[str, str]:
    return known(schema, schema.encode(names))


def value_names(schema: ConditionSchema) -> list[str]:
    return [value for field in schema.fields for value in field.values if value != NONE]


@st.composite
def complete_labels(draw, schema: ConditionSchema) -> torch.Tensor:
    slots = {field.name: draw(st.sampled_from(field.values)) for field in schema.fields if not field.slot}
    return torch.tensor(schema.complete(slots))


@st.composite
def partial_labels(draw, schema: ConditionSchema) -> torch.Tensor:
    """What is left of some complete label when some of its fields are forgotten."""
    label = draw(complete_labels(schema))
    forgotten = draw(st.lists(st.booleans(), min_size=len(schema), max_size=len(schema)))
    return label.masked_fill(torch.tensor(forgotten), UNKNOWN)
