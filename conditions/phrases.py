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
from collections.abc import Sequence
from typing import NamedTuple

from conditions.schema import ConditionSchema
from conditions.translation import translated
from conditions.vocabulary import Vocabulary

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


class Understood(NamedTuple):
    """What was read from a phrase.

    names   : as `ConditionSchema.encode` takes them, "-name" for absence, in the order of the phrase
    read_as : (words, name) where a name was not written as such, and French typos as (written, read)
    ignored : words that have no meaning here
    """

    names: list[str]
    read_as: list[tuple[str, str]]
    ignored: list[str]


def understand(schema: ConditionSchema, phrase: str) -> Understood:
    """Read a phrase in English or French. Raises ValueError for one without a word."""
    vocabulary = Vocabulary(schema)
    words, read_as = translated(words_of(phrase), vocabulary.parts)
    items = list(vocabulary.items(words))
    kinds = SHADE_OF_A_THING.sub("?", "".join(kind for kind, _, _ in items)).replace("d", "p")
    negated = {i for match in NEGATED.finditer(kinds) for i in range(*match.span())}
    wanted = [name for i, (_, _, name) in enumerate(items) if name and kinds[i] != "?" and i not in negated]
    found, ignored = [], []
    for i, (_, written, name) in enumerate(items):
        if kinds[i] == "?" or (kinds[i] in "-o1x" and i not in negated):
            ignored.append(written)
        elif name:
            meant = _opposite(schema, name, wanted) if i in negated else name
            if meant not in (name, f"-{name}"):
                read_as.append((f"not {written}", meant))
            elif vocabulary.plain(written) != vocabulary.plain(name):
                read_as.append((written, name))
            found += [one for one in meant.split(",") if one not in found]
    if not found and not ignored:
        raise ValueError(
            f"prompt={phrase!r}: no word that says anything; describe a picture, such as {example(schema)}"
        )
    return Understood(found, read_as, ignored)


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
