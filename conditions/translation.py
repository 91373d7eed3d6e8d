"""The words of a phrase in the English that schemas know: French translated, synonyms replaced, typos corrected."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

from conditions.french import WORDS as FRENCH
from conditions.vocabulary import LONGEST, Vocabulary, likeness

SYNONYMS = {
    "skinned": "skin", "haired": "hair", "smoke": "smoking", "smoker": "smoking", "necklace": "chain",
    "facial hair": "beard", "vr glasses": "vr", "vr goggles": "vr", "virtual reality": "vr",
    "virtual reality headset": "vr", "virtual reality goggles": "vr", "virtual reality glasses": "vr",
    "redhead": "red hair", "redheaded": "red hair", "ginger hair": "red hair", "brunette": "dark hair",
    "black hair": "dark hair", "blond": "blonde", "dude": "man", "bloke": "man", "chap": "man", "lad": "man",
    "fella": "man", "gent": "man", "gentleman": "man", "gal": "woman", "chick": "woman", "lass": "woman",
    "undead": "zombie", "extraterrestrial": "alien", "martian": "alien", "chimp": "ape", "chimpanzee": "ape",
    "moustached": "mustache", "mustached": "mustache", "handlebar mustache": "handlebars",
    "handlebar moustache": "handlebars", "sideburn": "muttonchops", "clean shaved": "clean shaven",
    "vaping": "vape", "vaper": "vape", "cig": "cigarette", "ciggy": "cigarette", "face mask": "medical mask",
    "surgical mask": "medical mask", "grin": "smile", "grinning": "smiling", "happy": "smiling", "unhappy": "frowning",
    "blushing": "rosy cheeks", "freckled": "freckles", "turned forward": "forward", "facing forward": "forward",
    "worn forward": "forward", "anything but": "without", "everything but": "without",
    "nothing but": "with", "not only": "with", "not without": "with", "never without": "with", "free of": "without",
    "devoid of": "without", "instead of": "without", "in place of": "without", "rather than": "without",
    "other than": "without", "get rid of": "without", "take off": "without", "no more": "no",
}  # fmt: skip


def _singular(words: str) -> str:
    return re.sub(r"(?<=\w{4})[sx]\b", "", words)


def _masculine(words: str) -> str:
    return re.sub(r"(?<=\w{4})e\b", "", words)


def _glued(words: str) -> str:
    return re.sub("[ ']", "", words)


EXPRESSIONS = {_singular(words): english for words, english in (FRENCH | SYNONYMS).items()}
GLUED = {_glued(one): english for words, english in FRENCH.items() if " " in words for one in (words, _singular(words))}
PARTS = {word for words in EXPRESSIONS for word in words.split()}


class Translated(NamedTuple):
    """The English words of a phrase.

    words   : as the schemas know them
    sources : for each of them, the (first, last + 1) of the words that it was translated from
    typos   : (written, read) of those that were corrected
    """

    words: list[str]
    sources: list[tuple[int, int]]
    typos: list[tuple[str, str]]


def corrected(words: Sequence[str], known: Set[str]) -> list[str]:
    """The words, those that look like a typo of a word in an expression as that word.

    known : English words; one of them stays, and so does a word that is more like one of them
    """
    out = []
    for word in words:
        one, stem = _singular(word), re.sub("(?:less|free)$", "", word)
        if not {one, _masculine(one)} & PARTS and not {word, Vocabulary.plain(stem)} & known:
            closest = max(PARTS, key=lambda part: likeness(one, part))
            if likeness(one, closest) > max(likeness(word, other) for other in known):
                word = closest
        out.append(word)
    return out


def _english(words: Sequence[str]) -> str | None:
    """What one expression means; None for words that are none."""
    expression = _singular(" ".join(words))
    for form in (expression, _masculine(expression)):
        if form in EXPRESSIONS:
            return EXPRESSIONS[form]
    return GLUED.get(_glued(" ".join(words))) or GLUED.get(_glued(expression))


def translated(words: Sequence[str], known: Set[str] = frozenset()) -> Translated:
    """French words in English, longest expressions first, plural and feminine too, and the typos that were corrected.

    Words of no expression stay as they are. An expression may lack its spaces and apostrophes, "boucle doreille". A
    typo is corrected only within an expression: "rouseur" stays, as "rousseur" means nothing without "taches de".

    known : English words, as for `corrected`; without them nothing is corrected
    """
    read = corrected(words, known) if known else words
    out, at = Translated([], [], []), 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            itself = length == 1 and words[at] in FRENCH and words[at] in known  # "mauve", where a value has that name
            english = words[at] if itself else _english(read[at : at + length])
            if english is not None:
                pairs = zip(words[at : at + length], read[at : at + length], strict=True)
                out.typos.extend((word, right) for word, right in pairs if word != right)
                break
        else:
            length, english = 1, words[at]
        out.words.extend(english.split())
        out.sources.extend([(at, at + length)] * len(english.split()))
        at += length
    return out
