"""The contrary of an absence: "not bald"."""

import pytest

from conditions.fields import NONE, slot
from conditions.schema import ConditionSchema
from data import cryptopunks, pixelfaces
from tests.conditions.schemas import TOY, encoded


def test_not_bald_is_hair_where_the_schema_says_so():
    for schema in (cryptopunks.SCHEMA, pixelfaces.SCHEMA):
        assert schema.opposite("bald") == "hair"
        for written in ("-bald", "not bald", "Not-Bald", "\u2212BALD"):
            assert encoded(schema, written) == {"hair": "hair"}
        assert encoded(schema, "-bald,-hat") == {"hair": "hair", "hat": NONE}


def test_not_bald_adds_nothing_beside_something_on_the_head():
    """Hair and hats share a slot, so that who wears a hat cannot be asked to have hair, and is not "bald"."""
    for schema in (cryptopunks.SCHEMA, pixelfaces.SCHEMA, TOY):
        assert encoded(schema, "-bald,hat") == encoded(schema, "hat,-bald") == {"hat": "hat"}
        assert encoded(schema, "top hat,-bald") == {"head": "Top Hat"}
        assert encoded(schema, "mohawk,-bald") == {"head": "Mohawk"}
        with pytest.raises(ValueError, match=r"exclude each other|not empty"):
            schema.encode("bald,-bald")


def test_the_contrary_of_an_absence_that_leaves_one_thing_needs_no_alias():
    assert encoded(cryptopunks.SCHEMA, "-clean shaven") == {"beard": "beard"}
    schema = ConditionSchema(
        [*slot("ear", ("Ring",)), *slot("chin", ("Goatee", "Stubble"), beard=("Goatee", "Stubble"))],
        {"plain": "-ear", "shaved": "-chin"},
    )
    assert encoded(schema, "-plain") == {"ear": "Ring"}
    assert encoded(schema, "-shaved") == {"beard": "beard"}


def test_a_contrary_that_no_name_says_is_refused_with_names_that_do():
    with pytest.raises(ValueError, match=r"^attrs='cat,-bald': '-bald' only says that 'head' is not empty; ") as caught:
        TOY.encode("cat,-bald")
    assert str(caught.value).endswith("name what is to be there: hair, hat, a value such as Mohawk")


def test_opposites():
    assert [TOY.opposite(name) for name in ("hat", "-hat", "Top Hat", "kitty")] == ["-hat", "hat", "-Top Hat", "-kitty"]
    assert cryptopunks.SCHEMA.opposite("bald", beside=["Male", "hat"]) == "-bald"  # which adds nothing to the hat
    assert cryptopunks.SCHEMA.opposite("bald", beside=["Male", "glasses"]) == "hair"
    with pytest.raises(ValueError, match="not empty"):
        TOY.opposite("bald")
