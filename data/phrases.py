"""From a phrase to a request: "a woman with wild blonde hair, without a hat" -> Female, Wild Blonde, -hat.

Names and aliases of the schema are looked for in the words, longest first, with small misspellings allowed. French is
translated word for word first. Whatever is neither a name nor a word of grammar is handed back as not understood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from rapidfuzz import fuzz

from data.conditions import ConditionSchema
from data.french import WORDS as FRENCH

LONGEST = 5  # words that a name spans at most, with those of its kind: "cap worn forward hat"
CLOSE = 80  # similarity, of 100, from which on a misspelt word counts as the right one
NEGATIONS = {"without", "no", "not", "never", "neither", "nor", "lacking", "minus", "isn't", "hasn't", "doesn't"}
AFFIRMATIONS = {"with", "but", "has", "having", "wearing", "wears", "smoking", "is", "plus"}  # end a negation
GRAMMAR = {
    *NEGATIONS, *AFFIRMATIONS, "a", "an", "the", "of", "and", "or", "in", "on", "his", "her", "their", "its", "one",
    "some", "any", "very", "who", "whom", "that", "which", "have", "wear", "worn", "as", "punk", "portrait", "picture",
    "pixel", "person", "someone", "face", "character", "draw", "me", "please", "show", "give", "i", "want", "would",
    "like", "to", "there", "this", "at", "also", "digit", "number",
}  # fmt: skip
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Understood(NamedTuple):
    """What was read from a phrase.

    names   : as `ConditionSchema.encode` takes them, "-name" for absence, in the order of the phrase
    read_as : (words, name) where a name was not written as such
    ignored : words that have no meaning here
    """

    names: list[str]
    read_as: list[tuple[str, str]]
    ignored: list[str]


def understand(schema: ConditionSchema, phrase: str) -> Understood:
    """Read a phrase in English or French. Raises ValueError for one without a word."""
    found, read_as, ignored = [], [], []
    vocabulary = Vocabulary(schema)
    for clause in clauses(phrase):
        absent, at = False, 0
        while at < len(clause):
            word = clause[at]
            match = vocabulary.longest(clause[at : at + LONGEST])
            if match is not None:
                length, name = match
                written = " ".join(clause[at : at + length])
                if vocabulary.plain(written) != vocabulary.plain(name):
                    read_as.append((written, name))
                name = f"-{name}" if absent else name
                found += [] if name in found else [name]
                at += length
                continue
            absent = (absent or word in NEGATIONS) and word not in AFFIRMATIONS
            ignored += [] if word in GRAMMAR else [word]
            at += 1
    if not found and not ignored:
        raise ValueError(
            f"prompt={phrase!r}: no word that says anything; describe a picture, such as {example(schema)}"
        )
    return Understood(found, read_as, ignored)


def clauses(phrase: str) -> Iterator[list[str]]:
    """The words of each part between commas, without case and accents, French translated."""
    plain = unicodedata.normalize("NFKD", phrase.casefold().replace("\u2019", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for part in re.split(r"[,;.:!?()]+", plain):
        words = re.findall(r"[a-z0-9][a-z0-9'\-]*", part)
        if words:
            yield translated(words)


def translated(words: list[str]) -> list[str]:
    """French words in English, longest expressions first; all others as they are."""
    out, at = [], 0
    words = [piece for word in words for piece in re.sub(r"^(l|d|qu|n|s)'", r"\1' ", word).split()]
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            english = FRENCH.get(" ".join(words[at : at + length]))
            if english is not None:
                out += english.split()
                at += length
                break
        else:
            out.append(words[at])
            at += 1
    return out


def example(schema: ConditionSchema) -> str:
    return f'"{schema.example()}"'


class Vocabulary:
    """The names of a schema, prepared for comparison with words."""

    def __init__(self, schema: ConditionSchema):
        known = schema.known_names
        self.names = {word: str(digit) for digit, word in enumerate(NUMBERS) if str(digit) in known}
        for name in known:  # a value comes before an alias that differs by its plural
            self.names.setdefault(self.plain(name), name)
        self.kinds = {word for field in schema.fields if field.slot for word in self.plain(field.name).split()}

    @staticmethod
    def plain(text: str) -> str:
        """No case, hyphens as spaces, and no plural: "Mohawks" is "mohawk", "glasses" stays."""
        words = re.sub(r"[\s\-_]+", " ", text.casefold()).split()
        return " ".join(w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith(("ss", "es")) else w for w in words)

    def longest(self, words: list[str]) -> tuple[int, str] | None:
        """(number of words, name) of the longest name at the beginning of `words`."""
        for length in range(len(words), 0, -1):
            span = self.plain(" ".join(words[:length]))
            name = self.names.get(span)
            if name is None and GRAMMAR.isdisjoint(words[:length]):
                name = self._without_kind(span) or self._misspelt(span)
            if name is not None:
                return length, name
        return None

    def _without_kind(self, span: str) -> str | None:
        """The name whose words are those of the span, in any order, but for a word that says its kind: hair, hat."""
        words = span.split()
        for dropped in [None, *(kind for kind in self.kinds if kind in words)]:
            kept = sorted(word for word in words if word != dropped)
            for plain, name in self.names.items():
                if len(words) > 1 and kept and sorted(plain.split()) == kept:
                    return name
        return None

    def _misspelt(self, span: str) -> str | None:
        """The name each of whose words is close to one of the span, or that is the span but for spaces."""
        words, best, score = sorted(span.split()), None, CLOSE
        for plain, name in self.names.items():
            if plain.replace(" ", "") == span.replace(" ", ""):
                return name
            others = sorted(plain.split())
            if len(others) == len(words):
                alike = min(fuzz.ratio(a, b) for a, b in zip(words, others, strict=True))
                if alike >= score:
                    best, score = name, alike
        return best
