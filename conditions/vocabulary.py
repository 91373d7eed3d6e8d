"""The words of phrases: those of grammar, by what they do, and the names of a schema, typos allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from conditions.schema import ConditionSchema

LONGEST = 5  # words that a name spans at most, with those of its kind: "chapeau haut de forme"
CLOSE = 83  # similarity, of 100, from which on a word counts as a typo of another: one letter of six is wrong
SHORT = 5  # letters below which no word is a typo: "chat" is no hat
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Kind: its words. Further kinds: n name, s name in DOING, p name of what is never absent, d one in SHADES, ? unknown.
GRAMMAR = {
    "-": "without not never neither nothing none lacking lacks lack minus excluding except avoid avoiding remove dont "
    "doesnt didnt isnt arent hasnt havent wont cant",
    "o": "no",
    "1": "non",  # negates one name only, as does the minus sign
    "x": "nor",
    "/": "or",
    "&": "and",
    "w": "with including",
    "b": "but",
    "v": "has have had having wear wears wearing worn is are be being got want like",
    ".": "a an the of in on his her their its one some any very who whom that which as punk portrait picture pixel "
    "person someone face character draw me please show give i im id would to there this at all also plus digit number "
    "do does did he she it they him them either both only",
    ",": ",",
    ";": ";",
}
KIND = {word: kind for kind, words in GRAMMAR.items() for word in words.split()}
DOING = {"smoking", "smiling", "frowning", "bearded"}  # names that, like verbs, begin something new after "and"
SHADES = {"light", "medium", "dark", "pale", "tan", "brown", "green", "mauve", "slate", "sand", "moss", "steel"}


def likeness(a: str, b: str) -> float:
    """How alike two words are, of 100; 0 where one cannot be a typo of the other."""
    if a == b or f"{a}s" == b or a == f"{b}s":
        return 100.0
    if a[0] != b[0] or min(len(a), len(b)) < SHORT:
        return 0.0
    swapped = sorted(a) == sorted(b) and OSA.distance(a, b) == 1  # two neighbours, as in "womna"
    return max(fuzz.ratio(a, b, score_cutoff=CLOSE), CLOSE * swapped)


class Vocabulary:
    """The names of a schema, prepared for comparison with words."""

    def __init__(self, schema: ConditionSchema):
        # "not bald" is left to the grammar of phrases, which also reads "not bald or bearded".
        known = [name for name in schema.known_names if not name.casefold().startswith("not ")]
        self.names = {word: str(digit) for digit, word in enumerate(NUMBERS) if str(digit) in known}
        for name in known:  # a value comes before an alias that differs by its plural
            self.names.setdefault(self.plain(name).replace(" ", ""), name)
        self.optional = {name for name in known if self._can_be_absent(schema, name)}
        for key, name in list(self.names.items()):
            for end in ("less", "free") if name in self.optional else ():
                self.names.setdefault(key + end, f"-{name}")
        # The words of each name in alphabetical order; the name for these, also with a word for its kind: hair, hat.
        self.words = {name: sorted(w for w in self.plain(name).split() if w != "with") for name in known}
        self.parts = {word for words in self.words.values() for word in words} | KIND.keys()
        self.orders = {tuple(words): name for name, words in reversed(self.words.items())}
        for name, words in self.words.items():
            for kind in self._kinds(schema, name):
                self.orders.setdefault(tuple(sorted(words + self.plain(kind).split())), name)

    @staticmethod
    def _can_be_absent(schema: ConditionSchema, name: str) -> bool:
        """Whether "-name" asks for absence; that of "bald" asks for hair."""
        try:
            label = schema.encode(f"-{name}")
        except ValueError:
            return False
        return all(absent.startswith("-") for absent in schema.names(label))

    @staticmethod
    def _kinds(schema: ConditionSchema, name: str) -> set[str]:
        """What a name is one of: the slot and the groups that it belongs to, such as head and hat."""
        values = {value.strip("- ") for value in schema.aliases.get(name, name).split(",")}
        fields = [field for field in schema.fields if values & {field.name, *field.values, *field.members}]
        return {kind for field in fields for kind in (field.name, field.slot) if kind}

    @staticmethod
    def plain(text: str) -> str:
        """No case, hyphens as spaces, and no plural: "Mohawks" is "mohawk", "glasses" stays."""
        words = re.sub(r"[\s\-_]+", " ", text.casefold()).split()
        return " ".join(w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith(("ss", "es")) else w for w in words)

    def items(self, words: list[str]) -> Iterator[tuple[str, str, str]]:
        """(kind, words as written, name or "") for each name, and for each word that belongs to none."""
        at = 0
        while at < len(words):
            length, name = self.longest(list(takewhile(lambda word: word not in ",;", words[at : at + LONGEST])))
            written = " ".join(words[at : at + length])
            yield self._kind(written, name), written, name
            at += length

    def _kind(self, written: str, name: str) -> str:
        if name:
            if name in self.optional:
                return "s" if written in DOING else "n"
            return "d" if written in SHADES else "p"
        word = written.replace("'", "")
        misspelt = any(likeness(word, negation) for negation in GRAMMAR["-"].split() if len(negation) > 6)
        return KIND.get(written, KIND.get(word, "-" if misspelt else "?"))

    def longest(self, words: list[str]) -> tuple[int, str]:
        """(number of words, name) of the longest name at the beginning of `words`; "-name" for "nameless".

        Its words may stand in any order, beside one that says its kind. (1, "") where there is none.
        """
        for length in range(len(words), 0, -1):
            span = self.plain(" ".join(words[:length]))
            name = self.names.get(span.replace(" ", ""))
            if name is None and KIND.keys().isdisjoint(words[:length]):
                name = self.orders.get(tuple(sorted(span.split()))) or self._misspelt(span)
            if name is not None:
                return length, name
        return 1, ""

    def _misspelt(self, span: str) -> str | None:
        """The name each of whose words is close to one of the span."""
        words = sorted(span.split())
        alike = {
            name: min(map(likeness, words, others)) for name, others in self.words.items() if len(others) == len(words)
        }
        best = max(alike, key=alike.get, default=None)
        return best if alike.get(best) else None
