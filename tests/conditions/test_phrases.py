"""Phrases become the requests that a person would have typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.french import WORDS
from conditions.phrases import KIND, Vocabulary, likeness, translated, understand, words_of
from data import mnist, pixelfaces
from data.cryptopunks import SCHEMA as PUNKS

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
    # two things in one
    "hat & earring": "hat,earring",
    "hat/glasses+beard": "hat,glasses,beard",
    "no hat/glasses": "-hat,-glasses",
    "a man's hat, w/ a pipe": "male,hat,pipe",
    '(man); "top hat" - glasses': "male,top hat,glasses",
    # a word for the kind of a thing
    "wild blonde hair": "wild blonde",
    "mustache beard": "mustache",
    "a bald head": "-head",
    "a pink hat": "pink with hat",
    "facial hair": "beard",
    "dark hair": "dark hair",
    "VR glasses": "vr",
    # skins belong to people
    "a dark-skinned man": "male,dark",
    "a light-skinned woman": "female,light",
    "a dark man with a hat": "male,dark,hat",
    "a pale smoking woman": "female,albino,smoking",
    # chains, smokers and more
    "silver necklace": "silver chain",
    "a gold necklace": "gold chain",
    "collier d'or": "gold chain",
    "un collier en or": "gold chain",
    "un collier d'argent": "silver chain",
    "une chaîne en or": "gold chain",
    "boucles d'oreille": "earring",
    "une fumeuse": "smoking",
    "un fumeur": "smoking",
    "un homme fumant": "male,smoking",
    "femmes barbues aux cheveux foncés": "female,beard,dark hair",
    "un cache-œil": "eye patch",
    "un homme à l'air triste": "male,frown",
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
        ("un chat sur une chair", ["chat", "sur", "chair"]),
        ("bread, a board and a crown", ["bread", "board", "crown"]),
        ("a homeless, free man", ["homeless", "free"]),
        ("une blonde", ["blonde"]),
        ("two blondes", ["two", "blondes"]),
        ("\N{WOMANS HAT} шляпа", ["\N{WOMANS HAT}", "шляпа"]),
        ("a hat, no", ["no"]),
        ("glasses: none", ["none"]),
    ],
)
def test_what_has_no_meaning_here_is_handed_back(phrase, ignored):
    assert understand(PUNKS, phrase).ignored == ignored


@pytest.mark.parametrize(
    ("phrase", "name", "ignored"),
    [
        ("dark glasses", "glasses", ["dark"]),
        ("a dark hat", "hat", ["dark"]),
        ("light beard", "beard", ["light"]),
        ("light hat", "hat", ["light"]),
        ("light hair", "hair", ["light"]),
        ("dark long hair", "hair", ["dark", "long"]),
        ("blond hair", "hair", ["blond"]),
        ("cheveux blonds", "hair", ["blonds"]),
        ("lunettes noires", "glasses", ["noires"]),
        ("boucle d'oreille en or", "Earring", ["gold"]),
        ("without dark glasses", "-glasses", ["dark"]),
        ("sans chapeau rouge", "-hat", ["rouge"]),
        ("not really wearing a hat", "-hat", ["really"]),
        ("no parrot with a hat", "hat", ["parrot"]),
    ],
)
def test_words_beside_a_thing_leave_it_what_it_is(phrase, name, ignored):
    understood = understand(PUNKS, phrase)
    assert (understood.names, understood.ignored) == ([name], ignored)


def test_a_shade_of_a_thing_is_no_colour_of_the_skin():
    assert understand(pixelfaces.SCHEMA, "a green hat")[0::2] == (["hat"], ["green"])
    assert understand(pixelfaces.SCHEMA, "a green one in a hat").names == ["Green", "hat"]


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


NEGATIONS = {
    "not wearing a hat": "-hat",
    "isn't wearing a hat": "-hat",
    "not having a beard": "-beard",
    "without wearing a hat": "-hat",
    "I don't want a hat": "-hat",
    "he does not have a hat": "-hat",
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
    "elle ne fume pas la pipe mais porte un chapeau": "-smoking,-Pipe,hat",
    "qui ne porte pas de chapeau": "-hat",
    "sans porter de chapeau": "-hat",
    "ne porte que des lunettes": "glasses",
    "il n'est pas barbu": "-bearded",
    "un non-fumeur barbu": "-smoking,bearded",
    "dépourvu de barbe": "-beard",
    "dépourvue de barbe": "-beard",
    "avec aucun chapeau": "-hat",
    "aucune barbe": "-beard",
    "il n'a plus sa barbe": "-beard",
    "il n'a ni barbe ni chapeau, mais des lunettes": "-beard,-hat,glasses",
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


UNKNOWN = ["parrot", "xylophone", "шляпа", "\N{WOMANS HAT}", "long", "perroquet"]


@given(st.lists(st.sampled_from([*UNKNOWN, "hat", "Dark", "3D glasses", ",", ";", *KIND, "avec", "pas de"])))
def test_no_unknown_word_is_lost_and_none_takes_another_with_it(words):
    phrase = " ".join(words)
    if {"hat", "Dark", "3D glasses", *UNKNOWN}.isdisjoint(words):
        return
    understood = understand(PUNKS, phrase)
    assert [word for word in understood.ignored if word in UNKNOWN] == [word for word in words if word in UNKNOWN]
    if "hat" in words:
        assert {"hat", "-hat"} & set(understood.names)


@given(st.text())
def test_every_phrase_is_understood_or_handed_back_or_refused(phrase):
    try:
        understood = understand(PUNKS, phrase)
    except ValueError:
        assert {KIND.get(word.replace("'", "")) for word in words_of(phrase)} <= set("vwb&/.,;"), phrase
    else:
        assert understood.names or understood.ignored


def test_only_long_words_are_taken_for_misspelt_ones():
    assert likeness("wihtout", "without") and likeness("glases", "glasses") and likeness("pipes", "pipe")
    for word, other in [("chat", "hat"), ("chair", "hair"), ("air", "hair"), ("bread", "beard"), ("crown", "clown")]:
        assert not likeness(word, other)


@pytest.mark.parametrize(
    ("phrase", "names"),
    [
        ("une femme avec un chapau", "woman,hat"),
        ("un homme avec des lunetes et une barbbe", "man,glasses,beard"),
        ("un singge avec une casquete", "Ape,Cap"),
        ("extraterestre avec un bandaeu sur l'oeil", "Alien,Eye Patch"),
        ("sans lunete ni moustahce", "-glasses,-moustache"),
        ("un homme barbu, une femme barbue", "man,bearded,woman"),
    ],
)
def test_misspelt_french_is_understood(phrase, names):
    understood = understand(PUNKS, phrase)
    assert (",".join(understood.names), understood.ignored) == (names, [])


@pytest.mark.parametrize(
    ("phrase", "names", "ignored"),
    [
        ("a man with dark shades", ["man"], ["dark", "shades"]),
        ("a man in a dark room", ["man"], ["dark", "room"]),
        ("a dark man in a light shirt", ["Dark", "man"], ["light", "shirt"]),
        ("a man with dark skin, parrot", ["man", "dark skin"], ["parrot"]),
    ],
)
def test_a_shade_of_what_is_not_known_is_no_skin(phrase, names, ignored):
    assert understand(PUNKS, phrase)[::2] == (names, ignored)


def test_not_being_without_something_is_having_it():
    assert understand(PUNKS, "a man who is not clean shaven").names == ["man", "beard"]
    assert understand(PUNKS, "not hatless").names == ["hat"]


def test_neighbours_that_were_swapped_are_mended():
    for phrase, name in (("a womna", "woman"), ("a woamn", "woman"), ("lunettse", "glasses")):
        assert PUNKS.names(PUNKS.encode(understand(PUNKS, phrase).names)) == PUNKS.names(PUNKS.encode(name))


def test_misspelt_french_is_told_as_it_was_read_and_english_is_not_taken_for_it():
    assert understand(PUNKS, "un chapau").read_as == [("chapau", "chapeau")]
    assert understand(PUNKS, "a musatche").read_as == [("musatche", "Mustache")]
    others = ["scarf", "table", "purse", "umbrella", "candle", "courage", "portable", "computer", "bateau", "tristesse"]
    assert understand(PUNKS, " ".join(others)).ignored == others


def test_negation_ends_with_its_clause():
    assert understand(PUNKS, "no hat, glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "no hat or glasses").names == ["-hat", "-glasses"]
    assert understand(PUNKS, "no hat but glasses").names == ["-hat", "glasses"]
    assert understand(PUNKS, "without a hat with glasses").names == ["-hat", "glasses"]


def test_digits_by_their_words():
    assert understand(mnist.SCHEMA, "a seven").names == ["7"]
    assert understand(mnist.SCHEMA, "le chiffre huit").names == ["8"]


def test_every_french_expression_means_something():
    """Each is grammar, becomes names of punks or of pixelfaces with nothing left over, or is a part of names: gold."""
    parts = {word for name in PUNKS.known_names for word in Vocabulary.plain(name).split()}
    for french in WORDS:
        phrase = " ".join(translated(french.split()))
        try:
            left = min(
                (understand(schema, phrase).ignored for schema in (PUNKS, pixelfaces.SCHEMA, mnist.SCHEMA)), key=len
            )
        except ValueError:  # grammar alone
            left = []
        assert set(left) <= KIND.keys() | parts, (french, phrase)


def test_a_phrase_without_a_meaning_is_refused():
    for phrase in ("", "a punk with the", "..."):
        with pytest.raises(ValueError, match="no word that says anything"):
            understand(PUNKS, phrase)


def test_plural_forms_do_not_hide_words_in_s():
    assert Vocabulary.plain("Mohawks glasses EYES top-hats") == "mohawk glasses eyes top hat"
