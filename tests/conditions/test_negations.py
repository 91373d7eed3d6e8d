"""What a negation in a phrase holds for, and what "not bald" asks for."""

import pytest

from conditions.phrases import understand
from conditions.vocabulary import Vocabulary
from data import pixelfaces
from data.cryptopunks import SCHEMA as PUNKS
from tests.conditions.schemas import TOY

NEGATIONS = {
    "not wearing a hat": "-hat",
    "isn't wearing a hat": "-hat",
    "not having a beard": "-beard",
    "without wearing a hat": "-hat",
    "I don't want a hat": "-hat",
    "he does not have a hat": "man,-hat",
    "doesn’t smoke": "-smoking",
    "w/o hat": "-hat",
    "man, hat -glasses": "man,hat,-glasses",
    "-hat and glasses": "-hat,glasses",
    "wihtout hat": "-hat",
    "lacks a hat": "-hat",
    "excluding a hat": "-hat",
    "except a hat": "-hat",
    "anything but a hat": "-hat",
    "nothing but a hat": "hat",
    "not only a hat but also glasses": "hat,glasses",
    "a cap instead of glasses": "Cap,-glasses",
    "a cap in place of glasses": "Cap,-glasses",
    "a non smoking woman": "-smoking,woman",
    "a non-smoking and bearded man": "-smoking,bearded,man",
    "hatless": "-hat",
    "a beardless man": "-beard,man",
    "hat-free and smiling": "-hat,smiling",
    "not hatless": "hat",
    # lists
    "without beard, hat and glasses": "-beard,-hat,-glasses",
    "without a beard, a hat, or glasses": "-beard,-hat,-glasses",
    "not wearing a hat, glasses or a beard": "-hat,-glasses,-beard",
    "no hat, parrot or glasses": "-hat,-glasses",
    "sans lunettes, chapeau ni barbe": "-glasses,-hat,-beard",
    "a man without a hat, and glasses": "man,-hat,glasses",
    "no hat, glasses, with a beard": "-hat,glasses,beard",
    "no hat. Glasses and beard": "-hat,glasses,beard",
    "neither a hat nor glasses": "-hat,-glasses",
    "neither hat nor glasses but a beard": "-hat,-glasses,beard",
    # what ends a negation
    "without a hat and smoking a pipe": "-hat,smoking,Pipe",
    "not wearing a hat or smoking a pipe": "-hat,-smoking,-Pipe",
    "no hat and wearing glasses": "-hat,glasses",
    "no hat and a beard": "-hat,beard",
    "no hat and dark skin": "-hat,dark skin",
    "a no hat woman": "-hat,woman",
    # French
    "un homme qui ne fume pas": "man,-smoking",
    "un homme qui ne fume pas avec un chapeau": "man,-smoking,hat",
    "elle ne fume pas la pipe mais porte un chapeau": "woman,-smoking,-Pipe,hat",
    "qui ne porte pas de chapeau": "-hat",
    "sans porter de chapeau": "-hat",
    "ne porte que des lunettes": "glasses",
    "il n'est pas barbu": "man,-bearded",
    "un non-fumeur barbu": "-smoking,bearded",
    "dépourvu de barbe": "-beard",
    "dépourvue de barbe": "-beard",
    "avec aucun chapeau": "-hat",
    "aucune barbe": "-beard",
    "il n'a plus sa barbe": "man,-beard",
    "il n'a ni barbe ni chapeau, mais des lunettes": "man,-beard,-hat,glasses",
    "au lieu d'un chapeau": "-hat",
    "des lunettes au lieu d'un chapeau": "glasses,-hat",
    "au lieu de lunettes, un chapeau": "-glasses,hat",
    "un chapeau au lieu des lunettes": "hat,-glasses",
    "une casquette à la place du masque": "Cap,-Medical Mask",
    "des lunettes plutôt qu'un chapeau": "glasses,-hat",
}


@pytest.mark.parametrize("phrase", NEGATIONS)
def test_what_a_negation_holds_for(phrase):
    understood = understand(PUNKS, phrase)
    assert ",".join(understood.names) == NEGATIONS[phrase]
    assert set(understood.ignored) <= {"parrot"}


@pytest.mark.parametrize("schema", [PUNKS, pixelfaces.SCHEMA], ids=["punks", "faces"])
def test_every_name_can_be_negated_where_it_can_be_absent(schema):
    optional = Vocabulary(schema).optional
    assert {"hat", "Earring", "Top Hat"} <= optional and not optional & {"bald", "clean shaven", "Male", "Pale"}
    for name in optional:
        absent = schema.names(schema.encode(f"-{name}"))
        one = Vocabulary.plain(name)
        ways = [f"{words} {name}" for words in ("without", "not wearing", "I don't want a", "sans", "n'ayant pas de")]
        ways += [
            f"-{name}",
            f"{one}-free",
            *{f"{one}less"}.difference(schema.known_names),
        ]  # "hairless" is another thing
        understood = understand(schema, "; ".join(ways))
        assert understood.ignored == [] and all(found.startswith("-") for found in understood.names), name
        assert schema.names(schema.encode(understood.names)) == absent, name


@pytest.mark.parametrize(
    ("phrase", "names", "read_as"),
    [
        ("a man who is not clean shaven", ["man", "beard"], [("not clean shaven", "beard")]),
        ("not hatless", ["hat"], [("not hatless", "hat")]),
        ("not bald", ["hair"], [("not bald", "hair")]),
        ("pas chauve", ["hair"], [("not bald", "hair")]),
        ("un homme qui n'est pas chauve", ["man", "hair"], [("not bald", "hair")]),
        ("not a bald man", ["hair", "man"], [("not bald", "hair")]),
        ("neither bearded nor bald", ["-bearded", "hair"], [("not bald", "hair")]),
        ("they aren't bald or bearded", ["hair", "-bearded"], [("not bald", "hair")]),
        ("not bald, without a hat", ["hair", "-hat"], [("not bald", "hair")]),
        ("not bald, with a cap", ["-bald", "Cap"], []),  # which the cap makes true
    ],
)
@pytest.mark.parametrize("schema", [PUNKS, pixelfaces.SCHEMA], ids=["punks", "faces"])
def test_not_being_without_something_is_having_it(schema, phrase, names, read_as):
    understood = understand(schema, phrase)
    assert [name for name in understood.names if name != "man"] == [name for name in names if name != "man"]
    assert understood.read_as == read_as
    schema.encode(understood.names)


def test_not_bald_is_refused_with_a_remedy_where_no_name_says_it():
    assert understand(TOY, "a dog that is not bald").names == ["Dog", "-bald"]
    with pytest.raises(
        ValueError, match="'-bald' only says that 'head' is not empty; name what is to be there: hair, "
    ):
        TOY.encode(["Dog", "-bald"], "prompt")


def test_negation_ends_with_its_clause():
    assert understand(PUNKS, "no hat, glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "no hat or glasses").names == ["-hat", "-glasses"]
    assert understand(PUNKS, "no hat but glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "without a hat with glasses").names == ["-hat", "glasses"]
