"""The words of phrases: those of grammar, by what they do, and the names of a schema, typos allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from conditions.fields import Field
from conditions.schema import ConditionSchema

LONGEST = 5  # words that a name spans at most, with those of its kind: "chapeau haut de forme"
CLOSE = 83  # similarity, of 100, from which on a word counts as a typo of another: one letter of six is wrong
SHORT = 5  # letters below which no word is a typo: "chat" is no hat
LONG = 7  # letters from which on two may be wrong: "mustash"
BEGINNING = 3  # letters with which a name may be abbreviated where it stands alone between commas
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Kind: its words. Further kinds: n name, s name in DOING, p name of what is never absent, d one in SHADES, t a slot,
# ? unknown.
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
    "do does did he she it they him them either both only can could may will let get make create generate pls plz "
    "thanks thank thx hello hi my your you we us for around pair just put anything",
    ",": ",",
    ";": ";",
}
KIND = {word: kind for kind, words in GRAMMAR.items() for word in words.split()}
DOING = {"smoking", "smiling", "frowning", "bearded"}  # names that, like verbs, begin something new after "and"
COLOURS = {"blonde", "black", "dark", "white", "red", "orange", "green", "blue", "purple", "pink", "brown"}
HAIR_COLOURS = {"blonde"}  # which without a thing are said of hair: "a blonde woman", but "a dark woman" of skin
SKINS = {"light", "medium", "dark", "pale", "tan", "brown", "green", "mauve", "slate", "sand", "moss", "steel"}
SHADES = SKINS | HAIR_COLOURS


def likeness(a: str, b: str) -> float:
    """How alike two words are, of 100; 0 where one cannot be a typo of the other."""
    if a == b or f"{a}s" == b or a == f"{b}s":
        return 100.0
    if a[0] != b[0] or min(len(a), len(b)) < SHORT or re.findall(r"\d", a) != re.findall(r"\d", b):
        return 0.0
    if alike := fuzz.ratio(a, b, score_cutoff=CLOSE):
        return alike
    wrong = OSA.distance(a, b, score_cutoff=2)
    swapped = wrong == 1 and sorted(a) == sorted(b)  # two neighbours, as in "womna"
    two = wrong == 2 and min(len(a), len(b)) >= LONG and a[:3] == b[:3]
    return float(CLOSE * (swapped or two))


class Item(NamedTuple):
    """One name, or one word that belongs to none.

    kind    : its letter, see GRAMMAR
    written : its words
    name    : as the schema knows it, or ""
    at      : of its first word
    """

    kind: str
    written: str
    name: str
    at: int


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
        self.stems = {self._stem(" ".join(words)): name for name, words in self.words.items() if len(words) > 1}
        self.coloured = self._coloured(schema)
        self.places = {field.name for field in schema.fields if field.optional and not field.slot} - {*known}
        self.meanings = {name: (*schema.encode(name).tolist(),) for name in known}

    def _coloured(self, schema: ConditionSchema) -> dict[frozenset[str], str]:
        """The value that a colour of a group stands for, "white hair": that of the fewest words, and the first."""
        found: dict[frozenset[str], str] = {}
        for group in (field for field in schema.fields if field.slot):
            kind = self.plain(group.name).split()
            for value in sorted(group.members, key=lambda value: len(set(self.words[value]) - {*kind})):
                for colour in COLOURS.intersection(self.words[value]):
                    found.setdefault(frozenset([colour, *kind]), value)
                    if kind == ["hair"] and colour in HAIR_COLOURS:
                        found.setdefault(frozenset([colour]), value)
        return found

    @staticmethod
    def _stem(text: str) -> tuple[str, ...]:
        """Its words in alphabetical order without "-ed": of "horn rimmed" and "horned rim" the same."""
        return tuple(sorted(re.sub(r"(?<=\w{2})(?:(\w)\1|(\w))ed$", r"\1\2", word) for word in text.split()))

    def _begun(self, beginning: str) -> str:
        """The name that begins so, where there is one, or where all that do mean the same: "mal" for Male."""
        names = [name for name in self.words if self.plain(name).startswith(self.plain(beginning))]
        same = len(beginning) >= BEGINNING and len({self.meanings[name] for name in names}) == 1
        return names[0] if same else ""

    @classmethod
    def of(cls, schema: ConditionSchema) -> Vocabulary:
        """That of a schema, prepared once."""
        return _prepared(schema.fields, (*schema.aliases.items(),))

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

    def items(self, words: list[str]) -> Iterator[Item]:
        """Each name, and each word that belongs to none."""
        at, kind = 0, ""
        while at < len(words):
            length, name = self.longest(list(takewhile(lambda word: word not in ",;", words[at : at + LONGEST])))
            alone = length == 1 and {*words[max(at - 1, 0) : at], *words[at + 1 : at + 2]} <= {*",;"}
            if not name and alone and words[at] not in KIND:
                name = self._begun(words[at])
            written = " ".join(words[at : at + length])
            kind = self._kind(written, name, after=kind)
            yield Item(kind, written, name, at)
            at += length

    def _kind(self, written: str, name: str, after: str) -> str:
        if name:
            if written in SHADES and (name not in self.optional or written in HAIR_COLOURS):
                return "d"
            if name in self.optional:
                return "s" if written in DOING else "n"
            return "p"
        if written in self.places and (written not in KIND or after == "1"):
            return "t"  # "-face", but a word of grammar in "the face of a woman"
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
                name = self.orders.get(tuple(sorted(span.split()))) or self.coloured.get(frozenset(span.split()))
                name = name or self.stems.get(self._stem(span)) or self._misspelt(span)
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


@lru_cache(maxsize=8)
def _prepared(fields: tuple[Field, ...], aliases: tuple[tuple[str, str], ...]) -> Vocabulary:
    return Vocabulary(ConditionSchema(fields, dict(aliases)))
