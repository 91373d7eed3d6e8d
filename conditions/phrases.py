"""From a phrase to a request: "a woman with wild blonde hair, without a hat" -> Female, Wild Blonde, -hat.

Names and aliases of the schema are looked for in the words, longest first, with small misspellings allowed. French is
translated word for word first. Each name or word is then of one kind, a letter, and two patterns over these letters
say what belongs together: SHADE_OF_A_THING and NEGATED. Whatever is neither a name nor a word of grammar, and a
negation of nothing, is handed back as not understood.

A negation holds for the first name after it, whatever verbs and articles stand between ("not wearing a hat"), and for
names that "and", "or" or "nor" join to it; across commas only in a list that ends so ("without a hat, glasses and
beard", but "no hat, glasses"). Anything else ends it: "but", "with", a verb after "and", an article after "no A and".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set
from itertools import takewhile
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from conditions.french import WORDS as FRENCH
from conditions.schema import ConditionSchema

LONGEST = 5  # words that a name spans at most, with those of its kind: "chapeau haut de forme"
CLOSE = 83  # similarity, of 100, from which on a misspelt word counts as the right one: one letter of six is wrong
SHORT = 5  # letters below which a word is not taken for a misspelt one: "chat" is no hat
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

SPELLING = (  # patterns in a phrase and what they are read as, in this order
    ("[\u2018\u2019`]", "'"), ("\u0153", "oe"), ("\u2212", "-"),
    (r"\bw/o(?:ut)?\b", "without"), (r"\bw/", "with "), (r"\band/or\b", "or"), ("[&+/]", " and "),
    (r"(?<![\w-])-+(?=\w)", " non "), ("\\s-+\\s|[,\u2013\u2014]", " , "), (r"[.;!?()\n]+", " ; "),
    (r"[\":*#_\-\[\]{}\u201c\u201d\u00ab\u00bb]", " "),
    (r"'s\b", ""), (r"\b(qu|[cdjlmnst])'", r"\1' "), (r"(?<!\w)'|(?<=\w\w\w)'(?!\w)", " "),
)  # fmt: skip
SAME = {
    "skinned": "skin", "smoke": "smoking", "smoker": "smoking", "necklace": "chain", "facial hair": "beard",
    "vr glasses": "vr", "vr goggles": "vr", "anything but": "without", "everything but": "without",
    "nothing but": "with", "not only": "with", "not without": "with", "never without": "with", "free of": "without",
    "devoid of": "without", "instead of": "without", "rather than": "without", "other than": "without",
}  # fmt: skip
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

SHADE_OF_A_THING = re.compile(r"d(?=[d?]*[n?])|(?<=n)d")  # "dark hat", "dark room": neither a skin nor a backdrop
DONE = r"(?: s[-o]?[.?]*n | s[-o]? | [n?]\?* )"  # "smoking a pipe", "ne fume pas", "hat"
THING = r"(?: [.?]*n\?* | [.?]*\? )"  # one of a list: "a hat"
BARE = THING.replace(".", "")  # without an article: "hat"


def _negated(opening: str, item: str) -> str:
    """A negation, what it holds for first, and the list that may follow; `item` is one thing of this list."""
    return rf"""{opening} w? [.v?]* (?: {DONE} | p )
        (?: (?:,{item})* ,? [/x] [.v?]* {DONE} | (?:,{item})+ ,? &{item} | &{item} )*"""


NEGATED = re.compile(
    rf"""1 [.?]* [nsp]
    | (?: [-ox] w? [.v?]* )* (?: {_negated("o", BARE)} | {_negated("[-x]", THING)} )
    | [-o] [.v]* b  # "ne porte que": but, only""",
    re.VERBOSE,
)


class Understood(NamedTuple):
    """What was read from a phrase.

    names   : as `ConditionSchema.encode` takes them, "-name" for absence, in the order of the phrase
    read_as : (words, name) where a name was not written as such, and French words that were misspelt
    ignored : words that have no meaning here
    """

    names: list[str]
    read_as: list[tuple[str, str]]
    ignored: list[str]


def understand(schema: ConditionSchema, phrase: str) -> Understood:
    """Read a phrase in English or French. Raises ValueError for one without a word."""
    found, ignored = [], []
    vocabulary = Vocabulary(schema)
    words, read_as = mended(words_of(phrase), vocabulary.parts)
    items = list(vocabulary.items(translated(words)))
    kinds = SHADE_OF_A_THING.sub("?", "".join(kind for kind, _, _ in items)).replace("d", "p")
    negated = {i for match in NEGATED.finditer(kinds) for i in range(*match.span())}
    for i, (_, written, name) in enumerate(items):
        if kinds[i] == "?" or (kinds[i] in "-o1x" and i not in negated):
            ignored.append(written)
        elif name:
            if vocabulary.plain(written) != vocabulary.plain(name):
                read_as.append((written, name))
            if i in negated:
                name = _opposite(schema, name)
            found += [] if name in found else [name]
    if not found and not ignored:
        raise ValueError(
            f"prompt={phrase!r}: no word that says anything; describe a picture, such as {example(schema)}"
        )
    return Understood(found, read_as, ignored)


def _opposite(schema: ConditionSchema, name: str) -> str:
    """ "-hat" for "hat" and the other way round; "beard" for "clean shaven", which is "-beard"."""
    meant = schema.aliases.get(name, name)
    if meant.startswith("-") and meant[1:] in schema.known_names:
        return meant[1:]
    return f"-{name}"


def words_of(phrase: str) -> list[str]:
    """The words, "," and ";" (the end of a sentence) of a phrase, without case and accents."""
    plain = unicodedata.normalize("NFKD", phrase.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for pattern, read in SPELLING:
        plain = re.sub(pattern, read, plain)
    return plain.split()


def _singular(words: str) -> str:
    return re.sub(r"(?<=\w{4})[sx]\b", "", words)


def _masculine(words: str) -> str:
    return re.sub(r"(?<=\w{4})e\b", "", words)


EXPRESSIONS = {_singular(words): english for words, english in (FRENCH | SAME).items()}
PARTS = {word for words in EXPRESSIONS for word in words.split()}


def mended(words: list[str], known: Set[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The words with misspelt French ones put right, and these: (as written, as read).

    known : English words; one of them stays, and so does a word that is more like one of them
    """
    out, read_as = [], []
    for word in words:
        one, stem = _singular(word), re.sub("(?:less|free)$", "", word)
        if not {one, _masculine(one)} & PARTS and not {word, Vocabulary.plain(stem)} & known:
            closest = max(PARTS, key=lambda part: likeness(one, part))
            if likeness(one, closest) > max(likeness(word, other) for other in known):
                read_as.append((word, closest))
                word = closest
        out.append(word)
    return out, read_as


def translated(words: list[str]) -> list[str]:
    """French words in English, longest expressions first, plural and feminine forms too; all others as they are."""
    out, at = [], 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            expression = _singular(" ".join(words[at : at + length]))
            english = EXPRESSIONS.get(expression) or EXPRESSIONS.get(_masculine(expression))
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


def likeness(a: str, b: str) -> float:
    """How much two words are alike, of 100; 0 where one cannot be the other misspelt."""
    if a == b or f"{a}s" == b or a == f"{b}s":
        return 100.0
    if a[0] != b[0] or min(len(a), len(b)) < SHORT:
        return 0.0
    swapped = sorted(a) == sorted(b) and OSA.distance(a, b) == 1  # two neighbours, as in "womna"
    return max(fuzz.ratio(a, b, score_cutoff=CLOSE), CLOSE * swapped)


class Vocabulary:
    """The names of a schema, prepared for comparison with words."""

    def __init__(self, schema: ConditionSchema):
        known = schema.known_names
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
        try:
            schema.encode(f"-{name}")
        except ValueError:
            return False
        return True

    @staticmethod
    def _kinds(schema: ConditionSchema, name: str) -> set[str]:
        """What a name is one of: the slot and the coarse fields that it belongs to, such as head and hat."""
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
