"""From a phrase to a request: "a woman with wild blonde hair, without a hat" -> Female, Wild Blonde, -hat.

French is translated first, expression by expression. Names and aliases of the schema are then looked for in the words,
longest first, with typos allowed. Each name or word is of one kind, a letter, and two patterns over these letters say
what belongs together: SHADE_OF_A_THING and NEGATED. Whatever is neither a name nor a word of grammar, and a negation
of nothing, is handed back as not understood.

A negation holds for the first name after it, whatever verbs and articles stand between ("not wearing a hat"), and for
names that "and", "or" or "nor" join to it; across commas only in a list that ends so ("without a hat, glasses and
beard", but "no hat, glasses"). Anything else ends it: "but", "with", a verb after "and", an article after "no A and".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence, Set
from itertools import takewhile
from typing import NamedTuple

from torch import Tensor

from conditions.schema import UNKNOWN, ConditionSchema
from conditions.translation import translated
from conditions.vocabulary import HAIR_COLOURS, Item, Vocabulary

SPELLING = (  # patterns in a phrase and what they are read as, in this order
    ("[\u2018\u2019`]", "'"), ("\u0153", "oe"), ("[\u2010\u2212]", "-"), (r"(?<!\S)\u2013(?=\w)", "-"),
    (r"\bw/o(?:ut)?\b", "without"), (r"\bw/", "with "), (r"\band/or\b", "or"), ("[&+/]", " and "),
    (r"(?<![\w-])-+(?=\w)", " non "), ("\\s-+\\s|[,\u2013\u2014]", " , "), (r"[.;!?()\n]+", " ; "),
    (r"[\":*#_\-\[\]{}\u201c\u201d\u00ab\u00bb]", " "),
    (r"'s\b", ""), (r"\b(qu|[cdjlmnst])'", r"\1' "), (r"(?<!\w)'|(?<=\w\w\w)'(?!\w)", " "),
)  # fmt: skip

SHADE_OF_A_THING = re.compile(r"d(?=[d?]*[n?])|(?<=n)d")  # "dark hat", "dark room": neither a skin nor a backdrop
DONE = r"(?: s[-o]?[.?]*n | s[-o]? | [n?]\?* )"  # "smoking a pipe", "ne fume pas", "hat"
THING = r"(?: [.?]*n\?* | [.?]*\? )"  # one of a list: "a hat"
BARE = THING.replace(".", "")  # without an article: "hat"


def _negated(opening: str, item: str) -> str:
    """A negation, what it holds for first, and the list that may follow; `item` is one thing of this list."""
    return rf"""{opening} w? [.v?]* (?: {DONE} | p )
        (?: (?:,{item})* ,? (?: [/x] [.v?]* {DONE} | x [.v?]* p ) | (?:,{item})+ ,? &{item} | &{item} )*"""


NEGATED = re.compile(
    rf"""1 [.?]* [nsp]
    | (?: [-ox] w? [.v?]* )* (?: {_negated("o", BARE)} | {_negated("[-x]", THING)} )
    | [-o] [.v]* b  # "ne porte que": but, only""",
    re.VERBOSE,
)


PRONOUNS = {"he": "man", "she": "woman"}  # unless something else says who it is: "a zombie, he has a hat"
PREPOSITIONS = {"on", "in", "around", "over"}


class Understood(NamedTuple):
    """What was read from a phrase.

    names   : as `ConditionSchema.encode` takes them, "-name" for absence, in the order of the phrase
    read_as : (words, name) where a name was not written as such, and French typos as (written, read)
    ignored : words that have no meaning here, as they were written
    """

    names: list[str]
    read_as: list[tuple[str, str]]
    ignored: list[str]


def understand(schema: ConditionSchema, phrase: str) -> Understood:
    """Read a phrase in English or French. Raises ValueError for one without a word."""
    vocabulary = Vocabulary.of(schema)
    typed = words_of(phrase)
    words, sources, typos = translated(typed, vocabulary.parts)
    items = list(vocabulary.items(words))
    kinds = SHADE_OF_A_THING.sub("?", "".join(item.kind for item in items).replace("t", "n")).replace("d", "p")
    negated = {i for match in NEGATED.finditer(kinds) for i in range(*match.span())}
    wanted = [item.name for i, item in enumerate(items) if item.name and kinds[i] != "?" and i not in negated]
    found, read_as, unknown = [], typos, []
    for i, item in enumerate(items):
        if _means_nothing(items, kinds, negated, i):
            unknown += sources[item.at : item.at + len(item.written.split())]
        elif name := item.name or (item.written if item.kind == "t" and i in negated else ""):
            meant = _opposite(schema, name, wanted) if i in negated else name
            if meant not in (name, f"-{name}"):
                read_as.append((f"not {item.written}", meant))
            elif vocabulary.plain(item.written) != vocabulary.plain(name):
                read_as.append((item.written, name))
            found += [one for one in meant.split(",") if one not in found]
    if pronoun := _pronoun(schema, words, found):
        found.insert(0, PRONOUNS[pronoun])
        read_as.append((pronoun, PRONOUNS[pronoun]))
    ignored = [" ".join(typed[first:end]) for first, end in dict.fromkeys(unknown)]
    if not found and not ignored:
        raise ValueError(
            f"prompt={phrase!r}: no word that says anything; describe a picture, such as {example(schema)}"
        )
    return Understood(found, read_as, ignored)


def _means_nothing(items: Sequence[Item], kinds: str, negated: Set[int], i: int) -> bool:
    """Whether an item has no meaning here: what is not known, and words of grammar that join to nothing."""
    item, inside = items[i], i in negated
    if kinds[i] == "?" or (kinds[i] in "-o1x" and not inside):
        return True
    if item.kind == "t":  # "on his head" says where a hat is, and "nothing on his head" that there is none
        before = [*takewhile(lambda other: other.kind in ".w", reversed(items[:i]))]
        return not inside and PREPOSITIONS.isdisjoint(other.written for other in before)
    if item.written in HAIR_COLOURS and inside:
        return True  # there is no way to ask for any hair but blonde
    between = any(other.name for other in items[:i]) and any(other.name for other in items[i + 1 :])
    return item.kind == "/" and not inside and between  # both are asked for, and neither can be left to chance


def _pronoun(schema: ConditionSchema, words: Sequence[str], found: Sequence[str]) -> str:
    """The first "he" or "she", where no name says who it is."""
    pronoun = next((word for word in words if word in PRONOUNS), "")
    if PRONOUNS.get(pronoun) not in schema.known_names:
        return ""
    own = schema.encode(PRONOUNS[pronoun]) != UNKNOWN
    return "" if any((own & (_encoded(schema, name) != UNKNOWN)).any() for name in found) else pronoun


def _encoded(schema: ConditionSchema, name: str) -> Tensor:
    """The label of a name, or of what "-name" is refused for."""
    try:
        return schema.encode(name)
    except ValueError:
        return schema.encode(name.lstrip("-"))


def _opposite(schema: ConditionSchema, name: str, wanted: Sequence[str]) -> str:
    """The name for "not name" beside the names that are wanted; "-name" where there is none, which `encode` refuses."""
    try:
        return schema.opposite(name, [other for other in wanted if not other.startswith("-")])
    except ValueError:
        return f"-{name}"


def words_of(phrase: str) -> list[str]:
    """The words, "," and ";" (the end of a sentence) of a phrase, without case and accents."""
    plain = unicodedata.normalize("NFKD", phrase.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for pattern, read in SPELLING:
        plain = re.sub(pattern, read, plain)
    return plain.split()


def example(schema: ConditionSchema) -> str:
    return f'"{schema.example()}"'
