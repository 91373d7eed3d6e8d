"""The words of a phrase in the English that schemas know: French translated, synonyms replaced, typos corrected."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from conditions.french import WORDS as FRENCH
from conditions.vocabulary import LONGEST, Vocabulary, likeness

SYNONYMS = {
    "skinned": "skin", "haired": "hair", "smoke": "smoking", "smoker": "smoking", "necklace": "chain",
    "facial hair": "beard", "vr glasses": "vr", "vr goggles": "vr", "redhead": "red hair", "redheaded": "red hair",
    "ginger hair": "red hair", "brunette": "dark hair", "anything but": "without", "everything but": "without",
    "nothing but": "with", "not only": "with", "not without": "with", "never without": "with", "free of": "without",
    "devoid of": "without", "instead of": "without", "in place of": "without", "rather than": "without",
    "other than": "without",
}  # fmt: skip


def _singular(words: str) -> str:
    return re.sub(r"(?<=\w{4})[sx]\b", "", words)


def _masculine(words: str) -> str:
    return re.sub(r"(?<=\w{4})e\b", "", words)


EXPRESSIONS = {_singular(words): english for words, english in (FRENCH | SYNONYMS).items()}
PARTS = {word for words in EXPRESSIONS for word in words.split()}


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


def translated(words: Sequence[str], known: Set[str] = frozenset()) -> tuple[list[str], list[tuple[str, str]]]:
    """French words in English, longest expressions first, plural and feminine too, and the typos that were corrected.

    Words of no expression stay as they are. A typo is corrected only within an expression, and given as (written,
    read): "rouseur" alone stays, as "rousseur" means nothing without "taches de".

    known : English words, as for `corrected`; without them nothing is corrected
    """
    read = corrected(words, known) if known else words
    out, typos, at = [], [], 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            expression = _singular(" ".join(read[at : at + length]))
            english = EXPRESSIONS.get(expression) or EXPRESSIONS.get(_masculine(expression))
            if english is not None:
                out += english.split()
                pairs = zip(words[at : at + length], read[at : at + length], strict=True)
                typos += [(word, right) for word, right in pairs if word != right]
                at += length
                break
        else:
            out.append(words[at])
            at += 1
    return out, typos
