"""What a person types as names, "homme, lunetes,": the rules of phrases, where every word must mean something.

Names that the schema knows are taken as they are. Anything else makes a condition a phrase, in which typos are
corrected and French is translated. A phrase of its own (`phrases`) hands back the words that it does not know; here
they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from conditions.phrases import Understood, understand
from conditions.requests import Written, joined
from conditions.schema import ConditionSchema
from conditions.vocabulary import KIND


class Named(NamedTuple):
    """A request in names.

    text    : as `parse_requests` reads it
    read_as : (written, name) of what was not written as such
    """

    text: str
    read_as: list[tuple[str, str]]


def named(schema: ConditionSchema, written: Written, argument: str = "attrs", typed: Written | None = None) -> Named:
    """What a person wrote, in names of the schema.

    Raises ValueError, in one line that begins with `argument` and what was `typed`, if that was more, for a word
    without a meaning. What is wrong with names that are known is for `parse_requests` to say.
    """
    typed = written if typed is None else typed
    read_as: list[tuple[str, str]] = []
    parts = [_named(schema, part, argument, typed, read_as) for part in joined(written).split("|")]
    return Named("|".join(parts), read_as)


def read_as_notes(read_as: Sequence[tuple[str, str]]) -> list[str]:
    """What a person is told of what was read as something else: one note or none."""
    return [f"read as: {', '.join(f'{words!r} as {name}' for words, name in read_as)}"] if read_as else []


def _named(schema: ConditionSchema, part: str, argument: str, typed: Written, read_as: list) -> str:
    """One condition, with its weights; `read_as` takes up what is read as something else."""
    names, star, weight = part.partition("*")
    tokens = [token.partition(":") for token in names.split(",")]
    doubled = any(name.strip().startswith("--") for name, _, _ in tokens)  # no phrase, and not absent twice
    if doubled or all(_known(schema, name) for name, _, _ in tokens):
        return part
    read = _phrase(schema, ",".join(name for name, _, _ in tokens))
    if read is None:
        return part  # nothing at all, which `parse_requests` refuses
    if read.ignored:
        _refuse(schema, read.ignored, argument, typed)
    weights = {}
    for token, colon, own in tokens:
        alone = _phrase(schema, token) if colon else None
        if colon and (alone is None or not {*alone.names} <= {*read.names}):
            raise ValueError(f"{argument}={typed!r}: {token.strip()!r} takes no weight; write one name, as in hat:5")
        weights |= dict.fromkeys(alone.names if alone else (), own)
    read_as += read.read_as
    return ",".join(f"{name}:{weights[name]}" if name in weights else name for name in read.names) + star + weight


def _known(schema: ConditionSchema, name: str) -> bool:
    try:
        schema.encode(name)
    except ValueError:
        return False
    return True


def _phrase(schema: ConditionSchema, text: str) -> Understood | None:
    """What is understood of a text; None without a word that says anything."""
    try:
        return understand(schema, text)
    except ValueError:
        return None


def _refuse(schema: ConditionSchema, words: Sequence[str], argument: str, typed: Written) -> None:
    """Raises ValueError for the first of the words that are not understood, if it can be, with the closest names."""
    word = next((word for word in words if word not in KIND), words[0])
    schema.encode(word, argument, typed)
    raise ValueError(
        f"{argument}={typed!r}: {word!r} has no meaning there; write names between commas, such as {schema.example()}"
    )
