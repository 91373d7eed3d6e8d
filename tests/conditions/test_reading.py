"""Names as people type them: read by the rules of phrases, with no word left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.edits import implied
from conditions.fields import Field
from conditions.phrases import understand
from conditions.reading import named
from conditions.requests import parse_requests
from conditions.schema import UNCONDITIONAL, ConditionSchema
from conditions.vocabulary import likeness
from data import mnist, pixelfaces
from data.cryptopunks import SCHEMA as PUNKS

ABSENT = [f"-{field.name}" for field in PUNKS.fields if field.optional]


@given(st.lists(st.sampled_from([*PUNKS.known_names, *ABSENT]), min_size=1, max_size=4))
def test_names_mean_the_same_in_a_list_and_in_a_phrase(names):
    """Or are refused in both: two of one slot."""
    try:
        expected = PUNKS.names(implied(PUNKS, PUNKS.encode(names)))
    except ValueError:
        expected = None
    try:
        found = PUNKS.names(implied(PUNKS, PUNKS.encode(understand(PUNKS, ", ".join(names)).names)))
    except ValueError:
        found = None
    assert found == expected


@given(st.lists(st.sampled_from(PUNKS.known_names), min_size=1, max_size=4))
def test_known_names_are_taken_as_they_are(names):
    assert named(PUNKS, names) == (",".join(names), [])


@pytest.mark.parametrize(
    ("typed", "text", "read_as"),
    [
        ("male,glases", "male,glasses", [("glases", "glasses")]),
        ("male, hat,,", "male,hat", []),
        ("homme,lunetes:5", "man,glasses:5", [("lunetes", "lunette")]),
        ("zombie | femme, chapeau * 2", "zombie |woman,hat* 2", []),
        ("no hat:3", "-hat:3", []),
        ("bonnet:2,homme", "Beanie:2,man", []),
        ("mal", "Male", [("mal", "Male")]),
        ("goldchain, a smiling woman", "Gold Chain,smiling,woman", [("goldchain", "Gold Chain")]),
    ],
)
def test_what_is_more_than_names_is_read_as_a_phrase(typed, text, read_as):
    read = named(PUNKS, typed)
    assert meaning(read.text) == meaning(text) and read.read_as == read_as


def meaning(text):
    return [(PUNKS.names(label), w, fields) for label, w, fields in parse_requests(PUNKS, text)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("male,glases,flurb", "unknown attribute 'flurb'; closest: "),
        ("male,head,glases", "'head' is a slot, not a value; "),
        ("a hat or glasses", "unknown attribute 'or'"),
        ("dark glasses", "'dark' has no meaning there"),
        ("un homme avec un perroquet", "unknown attribute 'perroquet'"),
        ("male,glases:2,the:3", "'the' takes no weight"),
        ("p", "unknown attribute 'p'"),
        ("straight", "unknown attribute 'straight'"),  # the beginning of several
        (["male", "flurb"], "unknown attribute 'flurb'"),
    ],
)
def test_no_word_is_left_out(typed, said):
    with pytest.raises(ValueError, match=r"^negative=") as refused:
        named(PUNKS, typed, "negative")
    assert str(refused.value).startswith(f"negative={typed!r}: ") and "\n" not in str(refused.value)
    assert said in str(refused.value)


def test_nothing_is_left_to_be_refused_as_nothing():
    for typed in ("", ",", "male |", "the"):
        with pytest.raises(ValueError, match=r"a name is missing|unknown attribute 'the'"):
            parse_requests(PUNKS, named(PUNKS, typed).text)


def test_names_of_other_data_sets():
    assert named(mnist.SCHEMA, "le chiffre sept").text == "7"
    assert named(mnist.SCHEMA, 7).text == "7"
    assert named(pixelfaces.SCHEMA, "haut de forme, mauve").text == "Top Hat,Mauve"  # no French for another colour
    with pytest.raises(ValueError, match="unconditional"):
        named(UNCONDITIONAL, "male")


def test_names_that_differ_in_a_digit_are_not_typos_of_each_other():
    assert not likeness("sprite1", "sprite3") and likeness("sprit3", "sprite3")
    sprites = ConditionSchema([Field("who", ("sprite1", "sprite2"))])
    with pytest.raises(ValueError, match="closest: sprite"):
        named(sprites, "sprite3")


def test_a_colour_of_hair_is_a_value_that_has_it():
    for phrase, name in {
        "blonde hair": "Blonde Bob", "white hair": "Wild White Hair", "orange hair": "Orange Side",
        "black beard": "Normal Beard Black", "wild blonde hair": "Wild Blonde", "cheveux blancs": "Wild White Hair",
    }.items():  # fmt: skip
        assert understand(PUNKS, phrase).names == [name]


def test_a_pronoun_says_who_it_is_unless_something_else_does():
    assert understand(PUNKS, "she has a hat").names == ["woman", "hat"]
    assert understand(PUNKS, "a zombie, he has a hat").names == ["Zombie", "hat"]
    assert understand(pixelfaces.SCHEMA, "she has a hat")[::2] == (["hat"], [])


def test_where_a_thing_is_says_nothing_more_but_nothing_there_is_an_absence():
    assert understand(PUNKS, "a hat on his head")[::2] == (["hat"], [])
    assert understand(PUNKS, "nothing on her head").names == ["-head"]
    assert understand(PUNKS, "rien autour du cou").names == ["-neck"]
