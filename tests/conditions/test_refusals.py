"""Requests that cannot be met, and what their refusals say."""

from itertools import combinations, product

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from conditions.fields import NONE, Field, normalise, slot
from conditions.schema import UNCONDITIONAL, UNKNOWN, ConditionSchema
from data import cryptopunks, mnist, pixelfaces
from tests.conditions.schemas import TOY, encoded, every_schema, value_names


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
@pytest.mark.parametrize(
    "empty", ["", "  ", ",", "-", "--", "\u2212", "a,,", "a,,b", ",a", [], ["", "x"], ["x", ""], " , "]
)
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


def test_only_a_single_thing_can_be_absent():
    with pytest.raises(ValueError, match="no single thing"):
        TOY.encode("-gentleman")


@every_schema
@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("-any", "'any' leaves everything open; write it alone"),
        ("\u2212any", "'any' leaves everything open; write it alone"),
        (["-any"], "'any' leaves everything open; write it alone"),
        ("any,any", "'any' leaves everything open; write it alone"),
        ("--hat", "'--hat' has more than one minus"),
        ("- -hat", "'- -hat' has more than one minus"),
        ("-\u2212hat", "has more than one minus"),
        ("--any", "'--any' has more than one minus"),
        ("-unknown", "unknown attribute 'unknown'; closest"),
        ("-none", "unknown attribute 'none'; closest"),
    ],
)
def test_a_minus_before_what_is_no_name_is_refused_in_one_line(schema, names, why):
    with pytest.raises(ValueError, match=r"^attrs=") as caught:
        schema.encode(names)
    assert why in str(caught.value) and "\n" not in str(caught.value)


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
        ([Field("a", ("x", "y"))], {"why": "how", "how": "why"}, "alias 'why' leads back to itself"),
    ],
)
def test_a_schema_with_ambiguous_names_is_refused(fields, aliases, match):
    with pytest.raises(ValueError, match=match):
        ConditionSchema(fields, aliases)
