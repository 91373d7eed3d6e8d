"""From words to labels: names, aliases, absence, contradictions and what the errors say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import DASHES, NONE, normalise
from conditions.schema import UNKNOWN
from data import cryptopunks, mnist
from tests.conditions.schemas import TOY, encoded, every_schema


@st.composite
def spellings(draw, name: str) -> str:
    """`name` in another case, with other separators between its characters."""
    separator = st.sampled_from(["", "", "", " ", "-", "_", " - "])
    letters = [draw(st.sampled_from([ch.lower(), ch.upper()])) for ch in name if ch not in " -_"]
    return letters[0] + "".join(draw(separator) + letter for letter in letters[1:])


# -- names ------------------------------------------------------------------------------------------------


@given(st.text())
def test_normalise_removes_case_and_separators_and_nothing_else(text):
    expected = "".join(ch for ch in text.casefold() if not ch.isspace() and ch not in f"_{DASHES}")
    assert normalise(text) == expected
    assert normalise(normalise(text)) == normalise(text)


@every_schema
def test_every_value_name_encodes_to_itself_alone(schema):
    for field in schema.fields:
        for value in field.values:
            if value != NONE:
                assert encoded(schema, value) == {field.name: value}


@given(st.data())
def test_any_spelling_of_a_published_name_is_understood(data):
    field, value = data.draw(
        st.sampled_from([(f, v) for f in cryptopunks.FIELDS for v in f.values if v != NONE]), label="value"
    )
    assert encoded(cryptopunks.SCHEMA, data.draw(spellings(value))) == {field.name: value}


@every_schema
def test_every_alias_means_what_it_stands_for(schema):
    assert schema.aliases
    for alias, names in schema.aliases.items():
        label = schema.encode(alias)
        assert (label != UNKNOWN).any()
        assert torch.equal(label, schema.encode(names))
        assert torch.equal(schema.encode(alias.upper().replace(" ", "_")), label)


def test_common_words_have_the_meaning_that_people_give_them():
    punks = cryptopunks.SCHEMA
    for word, expected in {
        "man": {"type": "Male"},
        "woman": {"type": "Female"},
        "bald": {"head": NONE},
        "sunglasses": {"glasses": "glasses"},
        "makeup": {"eye shadow": "eye shadow"},
        "clean shaven": {"beard": NONE},
        "durag": {"head": "Do-rag"},
    }.items():
        assert encoded(punks, word) == expected
    assert encoded(mnist.SCHEMA, "seven") == {"digit": "7"}


def test_the_three_states_of_a_field():
    assert encoded(TOY, "cat") == {"kind": "Cat"}
    assert encoded(TOY, "hat") == {"hat": "hat"}
    assert encoded(TOY, "-hat") == {"hat": NONE}
    assert encoded(TOY, "-head") == {"head": NONE}
    assert UNKNOWN not in range(max(TOY.cardinalities))


def test_names_combine_in_any_order():
    expected = {"kind": "Dog", "head": "Top Hat", "ear": NONE}
    for order in (["dog", "top hat", "-ear"], ["-ear", "top hat", "dog"]):
        assert encoded(TOY, order) == expected
        assert encoded(TOY, ",".join(order)) == expected
        assert encoded(TOY, tuple(order)) == expected
    assert encoded(TOY, "gentleman,-ear") == expected


def test_saying_a_thing_twice_or_once_more_coarsely_changes_nothing():
    assert encoded(TOY, "cap,Cap") == encoded(TOY, "cap")
    assert encoded(TOY, "cap,hat,-hair") == {"head": "Cap", "hat": "hat", "hair": NONE}


def test_the_absence_of_one_value_beside_another_says_nothing():
    assert encoded(TOY, "cap,-top hat") == encoded(TOY, "-Top Hat,cap") == {"head": "Cap"}
    punks = cryptopunks.SCHEMA
    assert encoded(punks, "smile,-frown") == {"mouth": "Smile"}
    assert encoded(punks, "gold chain,-choker") == {"neck": "Gold Chain"}
    for request in ("cap,-cap", "cap,-hat", "hat,-top hat"):
        with pytest.raises(ValueError, match="exclude each other"):
            TOY.encode(request)


def test_the_absence_of_a_value_may_cover_its_group():
    punks = cryptopunks.SCHEMA
    assert TOY.absence_covers("top hat") == "hat" and punks.absence_covers("Frown") == "expression"
    assert punks.absence_covers("moustache") == "beard"
    for name in ("mohawk", "hat", "head", "ring", "gentleman", "bald"):  # alone in its field, a field, of several, none
        assert TOY.absence_covers(name) is None
    assert punks.absence_covers("sunglasses") is None and punks.absence_covers("clean shaven") is None


def test_the_absence_of_one_value_is_the_absence_of_its_group():
    assert encoded(TOY, "-top hat") == encoded(TOY, "-hat") == {"hat": NONE}
    assert encoded(TOY, "-mohawk") == {"hair": NONE}
    assert encoded(TOY, "-ring") == encoded(TOY, "-ear") == {"ear": NONE}
    # A value in no group: all that can be absent is the whole slot.
    assert encoded(TOY, "-long tail") == encoded(TOY, "-tail") == {"tail": NONE}


def test_absence_is_understood_in_any_spelling():
    assert encoded(TOY, "- Top-Hat") == encoded(TOY, "-TOP_HAT") == {"hat": NONE}
    assert encoded(cryptopunks.SCHEMA, "-do-rag") == {"hat": NONE}


def test_any_minus_sign_asks_for_absence():
    """As word processors and web pages write it: hyphens, the en dash, the minus sign, and their wide forms."""
    for dash in "-\u2010\u2011\u2013\u2212\uff0d":
        assert encoded(TOY, f"cat, {dash}hat") == encoded(TOY, ["cat", f"{dash} hat"]) == {"kind": "Cat", "hat": NONE}
        assert encoded(TOY, f"Top{dash}Hat") == {"head": "Top Hat"}


def test_a_comma_at_the_end_adds_nothing():
    assert encoded(TOY, "cat, hat,") == encoded(TOY, "cat,hat , ") == {"kind": "Cat", "hat": "hat"}
    assert torch.equal(TOY.encode("any,"), TOY.unknown(1)[0])


@every_schema
@pytest.mark.parametrize("nothing", [None, "any", " Any ", ["any"], ("ANY",)])
def test_no_request_leaves_every_field_open(schema, nothing):
    assert torch.equal(schema.encode(nothing), torch.full((len(schema),), UNKNOWN))
    assert torch.equal(schema.unknown(3), torch.full((3, len(schema)), UNKNOWN))


def test_a_number_is_a_name_too():
    for digit in range(10):
        assert encoded(mnist.SCHEMA, digit) == encoded(mnist.SCHEMA, [digit]) == {"digit": str(digit)}
