"""Phrases become the requests that a person would have typed."""

import pytest

from data import mnist, pixelfaces
from data.cryptopunks import SCHEMA as PUNKS
from data.french import WORDS
from data.phrases import Vocabulary, translated, understand

PHRASES = {
    "a woman with wild blonde hair, 3D glasses and a gold chain, without a hat": (
        "female,wild blonde,3D glasses,gold chain,-hat"
    ),
    "a bald man, no glasses or beard, smoking a pipe": "male,-head,-glasses,-beard,smoking,pipe",
    "Zombie with a red mohawk": "zombie,red mohawk",
    "female without earring and mole but with red lipstick": "female,-earring,-mole,hot lipstick",
    "girl with pigtails, blue eyeshadow, choker": "female,pigtails,blue eye shadow,choker",
    "Man with hats": "male,hat",
    "straight dark hair": "straight hair dark",
    "une femme aux cheveux blonds en bataille, avec des lunettes 3D et une chaîne en or, sans chapeau": (
        "female,wild blonde,3D glasses,gold chain,-hat"
    ),
    "Homme barbu, pas de lunettes, casquette": "male,beard,-glasses,cap",
    "un homme chauve qui fume une pipe, sans barbe ni lunettes": "male,-head,smoking,pipe,-beard,-glasses",
    "une femme sans boucles d'oreilles": "female,-earring",
    "un singe avec un chapeau de cow-boy": "ape,cowboy hat",
}


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_are_read_as_a_person_means_them(phrase):
    understood = understand(PUNKS, phrase)
    assert PUNKS.names(PUNKS.encode(understood.names)) == PUNKS.names(PUNKS.encode(PHRASES[phrase]))
    assert understood.ignored == []


@pytest.mark.parametrize(
    ("phrase", "ignored"),
    [
        ("an ape in a purple unicorn costume", ["purple", "unicorn", "costume"]),
        ("a man with long hair", ["long"]),
        ("un homme avec un perroquet", ["perroquet"]),
        ("qwerty", ["qwerty"]),
    ],
)
def test_what_has_no_meaning_here_is_handed_back(phrase, ignored):
    assert understand(PUNKS, phrase).ignored == ignored


@pytest.mark.parametrize(
    ("misspelt", "name"),
    [("nerd glases", "Nerd Glasses"), ("zombi", "Zombie"), ("ciggarette", "Cigarette"), ("eyepatch", "Eye Patch")],
)
def test_misspelt_names_are_found_and_told(misspelt, name):
    understood = understand(PUNKS, f"one with {misspelt}")
    assert understood.names == [name] and not understood.ignored
    assert understood.read_as == [(misspelt, name)] or misspelt in WORDS


@pytest.mark.parametrize("schema", [PUNKS, pixelfaces.SCHEMA, mnist.SCHEMA], ids=["punks", "faces", "digits"])
def test_every_name_is_understood_as_itself(schema):
    for name in schema.known_names:
        (found,) = understand(schema, f"with {name}").names
        assert schema.names(schema.encode(found)) == schema.names(schema.encode(name)), name


def test_negation_ends_with_its_clause():
    assert understand(PUNKS, "no hat, glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "no hat or glasses").names == ["-hat", "-glasses"]
    assert understand(PUNKS, "no hat but glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "without a hat with glasses").names == ["-hat", "glasses"]


def test_digits_by_their_words():
    assert understand(mnist.SCHEMA, "a seven").names == ["7"]
    assert understand(mnist.SCHEMA, "le chiffre huit").names == ["8"]


def test_every_french_expression_means_something():
    """Each is grammar, or becomes names of punks or of pixelfaces, with nothing left over."""
    for french in WORDS:
        phrase = " ".join(translated(french.split()))
        try:
            left = min(
                (understand(schema, phrase).ignored for schema in (PUNKS, pixelfaces.SCHEMA, mnist.SCHEMA)), key=len
            )
        except ValueError:  # grammar alone
            left = []
        assert left == [], (french, phrase)


def test_a_phrase_without_a_meaning_is_refused():
    for phrase in ("", "a punk with the", "..."):
        with pytest.raises(ValueError, match="no word that says anything"):
            understand(PUNKS, phrase)


def test_plural_forms_do_not_hide_words_in_s():
    assert Vocabulary.plain("Mohawks glasses EYES top-hats") == "mohawk glasses eyes top hat"
