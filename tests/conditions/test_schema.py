"""From words to labels: names, aliases, absence, contradictions and what the errors say."""

from itertools import combinations, product

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from conditions.fields import NONE, Field, normalise, slot
from conditions.schema import UNCONDITIONAL, UNKNOWN, ConditionSchema
from data import cryptopunks, mnist, pixelfaces
from tests.conditions.schemas import TOY, encoded, every_schema, value_names


@st.composite
def spellings(draw, name: str) -> str:
    """`name` in another case, with other separators between its characters."""
    separator = st.sampled_from(["", "", "", " ", "-", "_", " - "])
    letters = [draw(st.sampled_from([ch.lower(), ch.upper()])) for ch in name if ch not in " -_"]
    return letters[0] + "".join(draw(separator) + letter for letter in letters[1:])


# -- names ------------------------------------------------------------------------------------------------


@given(st.text())
def test_normalise_removes_case_and_separators_and_nothing_else(text):
    expected = "".join(ch for ch in text.casefold() if not ch.isspace() and ch not in "-_")
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


def test_an_absence_tells_when_it_is_that_of_more():
    assert TOY.more_than("top hat") == "hat" and cryptopunks.SCHEMA.more_than("Frown") == "expression"
    assert cryptopunks.SCHEMA.more_than("moustache") == "beard"
    for name in ("mohawk", "hat", "head", "ring", "gentleman"):  # alone in its field, a field, of several fields
        assert TOY.more_than(name) is None
    assert cryptopunks.SCHEMA.more_than("sunglasses") is None


def test_the_absence_of_one_value_is_the_absence_of_its_group():
    assert encoded(TOY, "-top hat") == encoded(TOY, "-hat") == {"hat": NONE}
    assert encoded(TOY, "-mohawk") == {"hair": NONE}
    assert encoded(TOY, "-ring") == encoded(TOY, "-ear") == {"ear": NONE}
    # A value in no group: all that can be absent is the whole slot.
    assert encoded(TOY, "-long tail") == encoded(TOY, "-tail") == {"tail": NONE}


def test_absence_is_understood_in_any_spelling():
    assert encoded(TOY, "- Top-Hat") == encoded(TOY, "-TOP_HAT") == {"hat": NONE}
    assert encoded(cryptopunks.SCHEMA, "-do-rag") == {"hat": NONE}


@every_schema
@pytest.mark.parametrize("nothing", [None, "any", " Any ", ["any"], ("ANY",)])
def test_no_request_leaves_every_field_open(schema, nothing):
    assert torch.equal(schema.encode(nothing), torch.full((len(schema),), UNKNOWN))
    assert torch.equal(schema.unknown(3), torch.full((3, len(schema)), UNKNOWN))


def test_a_number_is_a_name_too():
    for digit in range(10):
        assert encoded(mnist.SCHEMA, digit) == encoded(mnist.SCHEMA, [digit]) == {"digit": str(digit)}


# -- errors -----------------------------------------------------------------------------------------------


@given(st.data())
def test_an_unknown_name_brings_up_the_name_that_was_meant(data):
    punks = cryptopunks.SCHEMA
    meant = data.draw(st.sampled_from([value for value in value_names(punks) if len(value) >= 6]))
    lost = data.draw(st.integers(1, len(meant) - 1))
    typo = meant[:lost] + meant[lost + 1 :]
    understood = {normalise(name) for name in [*value_names(punks), *punks.aliases]}
    assume(normalise(typo) not in understood)
    with pytest.raises(ValueError) as caught:
        punks.encode(["male", typo])
    assert repr(typo) in str(caught.value)
    assert meant in str(caught.value)


@every_schema
def test_a_name_is_the_closest_to_itself(schema):
    for value in value_names(schema):
        assert schema.closest(value.upper())[0] == value
    assert len(schema.closest("glas", n=2)) == 2


def test_two_values_of_one_slot_are_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"'cat' and 'dog' exclude each other.*'kind'"):
        TOY.encode("cat,dog")
    with pytest.raises(ValueError, match=r"'Big Shades' and 'Eye Patch' exclude each other.*'eyes'"):
        cryptopunks.SCHEMA.encode("Big Shades,Eye Patch")
    with pytest.raises(ValueError, match=r"'seven' and '3' exclude each other"):
        mnist.SCHEMA.encode(["seven", 3])
    with pytest.raises(ValueError, match=r"'gentleman' and 'cat' exclude each other"):
        TOY.encode("gentleman,cat")


@pytest.mark.parametrize(
    "request_",
    ["big shades,-glasses", "hair,hat", "-head,mohawk", "bald,hat", "glasses,eyewear", "VR,glasses", "beard,-beard"],
)
def test_a_coarse_field_may_not_contradict_its_slot(request_):
    first, second = request_.split(",")
    with pytest.raises(ValueError, match="exclude each other") as caught:
        cryptopunks.SCHEMA.encode(request_)
    assert repr(first) in str(caught.value)
    assert repr(second) in str(caught.value)


FACE_SLOTS = ("head", "eyes")
FACE_FIELDS = [field for field in pixelfaces.SCHEMA.fields if field.name in FACE_SLOTS or field.slot in FACE_SLOTS]
FACE_TOKENS = sorted(
    {v for field in FACE_FIELDS for v in field.values if v != NONE} | {f"-{f.name}" for f in FACE_FIELDS}
)


def satisfiable(tokens) -> bool:
    """Whether some complete face agrees with every token, by trying them all."""
    schema = pixelfaces.SCHEMA
    first = {field.name: field.values[0] for field in schema.fields if not field.slot}
    choices = [schema.fields[schema.column[name]].values for name in FACE_SLOTS]
    faces = torch.tensor([schema.complete(first | dict(zip(FACE_SLOTS, v, strict=True))) for v in product(*choices)])
    wanted = torch.stack([schema.encode(token) for token in tokens])[:, None]
    return bool(((faces == wanted) | (wanted == UNKNOWN)).all(dim=(0, 2)).any())


@given(st.lists(st.sampled_from(FACE_TOKENS), min_size=1, max_size=4, unique=True))
def test_a_request_is_refused_exactly_when_no_face_could_fulfil_it(tokens):
    schema = pixelfaces.SCHEMA
    if satisfiable(tokens):
        expected = {}
        for token in tokens:
            expected |= encoded(schema, token)
        assert encoded(schema, tokens) == expected
        return
    with pytest.raises(ValueError, match="exclude each other") as caught:
        schema.encode(tokens)
    reason = str(caught.value).split("]: ")[1]  # after the request itself
    assert not satisfiable([token for token in tokens if repr(token) in reason])


def test_the_names_to_blame_are_those_that_contradict_each_other():
    with pytest.raises(ValueError, match=r"'eyewear' and 'eye shadow' exclude each other"):
        cryptopunks.SCHEMA.encode("-glasses,-hat,eyewear,eye shadow")


def test_three_names_may_contradict_each_other_only_together():
    pets = ConditionSchema(slot("pet", ("Cat", "Dog", "Fish"), furry=("Cat", "Dog"), feline=("Cat",), canine=("Dog",)))
    for two in combinations(["furry", "-feline", "-canine"], 2):
        assert len(encoded(pets, two)) == 2
    with pytest.raises(ValueError, match="'furry' and '-feline' and '-canine' exclude each other"):
        pets.encode("furry,-feline,-canine")


@every_schema
@pytest.mark.parametrize("empty", ["", "  ", ",", "-", "a,", [], ["", "x"], " , "])
def test_an_empty_name_is_an_error_that_shows_how_to_write_one(schema, empty):
    with pytest.raises(ValueError, match="or any for none"):
        schema.encode(empty)


@pytest.mark.parametrize(
    ("schema", "name", "offered"),
    [(TOY, "head", "Mohawk"), (TOY, "kind", "Dog"), (mnist.SCHEMA, "digit", "7"), (pixelfaces.SCHEMA, "eyes", "Visor")],
)
def test_the_name_of_a_slot_is_no_value(schema, name, offered):
    with pytest.raises(ValueError, match="is a slot, not a value") as caught:
        schema.encode(name)
    assert offered in str(caught.value)
    assert f"{NONE}, " not in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "name"),
    [(TOY, "-cat"), (TOY, "-kitty"), (TOY, "-kind"), (mnist.SCHEMA, "-3"), (cryptopunks.SCHEMA, "-male")],
)
def test_what_is_always_there_cannot_be_absent(schema, name):
    with pytest.raises(ValueError, match="never absent"):
        schema.encode(name)


@pytest.mark.parametrize("name", ["-bald", "-gentleman"])
def test_only_a_single_thing_can_be_absent(name):
    with pytest.raises(ValueError, match="no single thing"):
        TOY.encode(name)


@pytest.mark.parametrize("names", ["cat,dog", "bird", "head", "", "-cat", "bald,hat", ["cat", "-cat"]])
def test_errors_start_with_the_argument_and_what_it_was(names):
    with pytest.raises(ValueError) as caught:
        TOY.encode(names)
    assert str(caught.value).startswith(f"attrs={names!r}: ")
    with pytest.raises(ValueError) as caught:
        TOY.encode(names, argument="negative")
    assert str(caught.value).startswith(f"negative={names!r}: ")


def test_an_unconditional_schema_takes_no_names():
    assert UNCONDITIONAL.encode("any").shape == UNCONDITIONAL.encode(None).shape == (0,)
    assert UNCONDITIONAL.unknown(4).shape == (4, 0)
    with pytest.raises(ValueError, match=r"^attrs='male': .*unconditional.*use any"):
        UNCONDITIONAL.encode("male")


@pytest.mark.parametrize(
    ("fields", "aliases", "match"),
    [
        ([Field("a", ("x", "y")), Field("b", ("X ", "z"))], {}, "share the name"),
        ([*slot("a", ("x", "y")), Field("b", ("A", "z"))], {}, "name of another field's value"),
        ([Field("a", ("x", "y"))], {"Y": "x"}, "already the name of a value"),
        ([Field("a", ("x", "y"))], {"why": "z"}, "unknown attribute 'z'"),
    ],
)
def test_a_schema_with_ambiguous_names_is_refused(fields, aliases, match):
    with pytest.raises(ValueError, match=match):
        ConditionSchema(fields, aliases)
