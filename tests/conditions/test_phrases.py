"""Phrases become the requests that a person would have typed."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conditions.french import WORDS
from conditions.phrases import understand, words_of
from conditions.translation import translated
from conditions.vocabulary import KIND, Vocabulary, likeness
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
    # hair
    "a red-haired woman": "female,red hair",
    "a redhead": "red hair",
    "a brunette with glasses": "dark hair,glasses",
    "a purple haired man": "male,purple hair",
    "une femme rousse": "female,red hair",
    "des femmes rousses": "female,red hair",
    "une rousse à lunettes": "female,red hair,glasses",
    "un homme roux": "male,red hair",
    "une femme aux cheveux roux, avec des taches de rousseur": "female,red hair,spots",
    "une femme brune": "female,dark hair",
    # commas, dashes and minus signs
    "glasses,": "glasses",
    "a woman, glasses ,": "female,glasses",
    "a man \u2212hat": "male,-hat",
    "a man \u2013hat": "male,-hat",
    "a man \u2013 hat": "male,hat",
    "a cow\u2010boy hat": "cowboy hat",
    "shades": "glasses",
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
        ("un chat sur une chair", ["chat", "chair"]),
        ("bread, a board and a crown", ["bread", "board", "crown"]),
        ("a homeless, free man", ["homeless", "free"]),
        ("two hats", ["two"]),
        ("deux chapeaux", ["deux"]),
        ("une barbe blonde", ["blonde"]),
        ("a woman who is not blonde", ["blonde"]),
        ("a hat or glasses", ["or"]),
        ("a big nose", ["big", "nose"]),
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
        ("dark shades", "shades", ["dark"]),
        ("a dark hat", "hat", ["dark"]),
        ("light beard", "beard", ["light"]),
        ("light hat", "hat", ["light"]),
        ("light hair", "hair", ["light"]),
        ("dark long hair", "hair", ["dark", "long"]),
        ("lunettes noires", "glasses", ["noires"]),
        ("boucle d'oreille en or", "Earring", ["en or"]),
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
def test_typos_in_names_are_corrected_and_reported(misspelt, name):
    understood = understand(PUNKS, f"one with {misspelt}")
    assert understood.names == [name] and not understood.ignored
    assert understood.read_as == [(misspelt, name)] or misspelt in WORDS


@pytest.mark.parametrize("schema", [PUNKS, pixelfaces.SCHEMA, mnist.SCHEMA], ids=["punks", "faces", "digits"])
def test_every_name_is_understood_as_itself(schema):
    for name in schema.known_names:
        (found,) = understand(schema, f"with {name}").names
        assert schema.names(schema.encode(found)) == schema.names(schema.encode(name)), name


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
@example("SON")  # a French word of grammar alone
def test_every_phrase_is_understood_or_handed_back_or_refused(phrase):
    try:
        understood = understand(PUNKS, phrase)
    except ValueError:
        words = translated(words_of(phrase), Vocabulary(PUNKS).parts).words
        assert {KIND.get(word.replace("'", "")) for word in words} <= set("vwb&/.,;"), phrase
    else:
        assert understood.names or understood.ignored


def test_only_long_words_are_taken_for_typos():
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
def test_typos_in_french_are_corrected(phrase, names):
    understood = understand(PUNKS, phrase)
    assert (",".join(understood.names), understood.ignored) == (names, [])


@pytest.mark.parametrize(
    ("phrase", "names", "ignored"),
    [
        ("a man with dark trousers", ["man"], ["dark", "trousers"]),
        ("a man in a dark room", ["man"], ["dark", "room"]),
        ("a dark man in a light shirt", ["Dark", "man"], ["light", "shirt"]),
        ("a man with dark skin, parrot", ["man", "dark skin"], ["parrot"]),
    ],
)
def test_a_shade_of_what_is_not_known_is_no_skin(phrase, names, ignored):
    assert understand(PUNKS, phrase)[::2] == (names, ignored)


@pytest.mark.parametrize(
    ("phrase", "names", "ignored"),
    [
        ("une perruque rousse", [], ["perruque", "rousse"]),
        ("une barbe rousse", ["beard"], ["rousse"]),
        ("rouseur", [], ["rouseur"]),
        ("a man in a palace", ["man"], ["palace"]),
    ],
)
def test_a_typo_is_corrected_only_to_words_that_mean_something_there(phrase, names, ignored):
    """ "rousse" (red-haired) is no typo of "rousseur", which without "taches de" (freckles) means nothing."""
    understood = understand(PUNKS, phrase)
    assert (understood.names, understood.ignored, understood.read_as) == (names, ignored, [])


def test_what_a_schema_does_not_know_of_a_french_expression_is_handed_back():
    assert understand(pixelfaces.SCHEMA, "une femme rousse")[::2] == (["hair"], ["femme rousse"])


def test_swapped_letters_are_corrected():
    for phrase, name in (("a womna", "woman"), ("a woamn", "woman"), ("lunettse", "glasses")):
        assert PUNKS.names(PUNKS.encode(understand(PUNKS, phrase).names)) == PUNKS.names(PUNKS.encode(name))


def test_corrected_french_is_reported_and_english_is_not_taken_for_it():
    assert understand(PUNKS, "un chapau").read_as == [("chapau", "chapeau")]
    assert understand(PUNKS, "a musatche").read_as == [("musatche", "Mustache")]
    others = ["scarf", "table", "purse", "umbrella", "candle", "courage", "portable", "computer", "bateau", "tristesse"]
    assert understand(PUNKS, " ".join(others)).ignored == others


def test_digits_by_their_words():
    assert understand(mnist.SCHEMA, "a seven").names == ["7"]
    assert understand(mnist.SCHEMA, "le chiffre huit").names == ["8"]


def test_every_french_expression_means_something():
    """Each is grammar, becomes names of punks or of pixelfaces with nothing left over, or is a part of names: gold."""
    parts = {word for name in PUNKS.known_names for word in Vocabulary.plain(name).split()} | Vocabulary(PUNKS).places
    for french in WORDS:
        phrase = " ".join(translated(french.split()).words)
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
