"""Lists of what people type, each with what it should mean: requests_en.txt and requests_fr.txt, a request per line.

    attrs=male,glasses => Male, glasses        typed as names; without attrs=, as a phrase
    a man with florbs  => Male, !florbs        !word is refused, or handed back as not understood, by that name
    two hats, please   => hat, ?two            ?word may be handed back, or have no meaning; ?Name may be asked for
    blond hair         => head=*Blonde*        any value of the slot of that form
    no necklace        => -chain / -neck       one or the other; "hair & !brown" is one of these with two parts
    man woman          => refuse               no picture can be both

The lines were written before the rules that read them. The odd ones were there when the rules were made; the even ones
were not looked at, and judge them.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from torch import equal

from conditions.edits import implied
from conditions.phrases import understand
from conditions.reading import named
from conditions.requests import parse_requests
from conditions.schema import ConditionSchema


class Line(NamedTuple):
    number: int
    written: str
    meaning: str


def lines(name: str) -> list[Line]:
    text = (Path(__file__).parent / f"requests_{name}.txt").read_text(encoding="utf-8")
    parts = (line.split(" => ") for line in text.splitlines())
    return [Line(number, written, meaning) for number, (written, meaning) in enumerate(parts, 1)]


def fault(schema: ConditionSchema, line: Line) -> str:
    """What is wrong with how a line is read; nothing where it is right."""
    try:
        label, ignored = read(schema, line.written)
    except ValueError as refusal:
        reason = _plain(str(refusal).split(": ", 1)[1])
        named = [word for part in line.meaning.split(", ") for word in re.findall("!(.+)", part.split("/")[-1])]
        right = line.meaning == "refuse" or any(_plain(word) in reason for word in named)
        return "" if right else f"refused: {refusal}"
    for names, refused, allowed in _meanings(schema, line.meaning):
        left = {_plain(word) for written in ignored for word in written.split()}
        agrees = equal(implied(schema, label), implied(schema, schema.encode(names or None)))
        if agrees and refused <= left <= refused | allowed:
            return ""
    return f"read as {schema.names(label)}, without {ignored}"


def read(schema: ConditionSchema, written: str):
    """The label that a line is read as, and the words that were handed back."""
    if written.startswith("attrs="):
        typed = written.removeprefix("attrs=")
        (request,) = parse_requests(schema, named(schema, typed).text, typed=typed)
        return request.label, []
    understood = understand(schema, written)
    return schema.encode(understood.names or None, "prompt", written), understood.ignored


def _meanings(schema: ConditionSchema, meaning: str) -> Iterator[tuple[list[str], set[str], set[str]]]:
    """Each (names, words to be handed back, words that may be) that a line may mean."""
    if meaning == "refuse":
        return
    for chosen in product(*(_choices(schema, item) for item in meaning.split(", "))):
        parts = [part for choice in chosen for part in choice.split(" & ") if part]
        yield (
            [part for part in parts if part[0] not in "!?"],
            {_plain(part[1:]) for part in parts if part[0] == "!"},
            {_plain(part[1:]) for part in parts if part[0] == "?"},
        )


def _choices(schema: ConditionSchema, item: str) -> list[str]:
    choices = []
    for choice in item.split(" / "):
        slot, _, form = choice.partition("=")
        if form:
            choices += [v for v in schema.fields[schema.column[slot]].values if fnmatch.fnmatchcase(v, form)]
        else:
            choices += ["", choice[1:]] if choice[1:] in schema.known_names and choice[0] == "?" else [choice]
    return choices


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in text if not unicodedata.combining(c))
