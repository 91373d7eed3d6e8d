"""Fields, of which a label has one entry each: slots, and the groups of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NONE = "none"
DASHES = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"  # hyphens, the en dash and minus signs, as text is pasted


def normalise(name: str) -> str:
    """The form in which names are compared: no case, spaces, hyphens or underscores."""
    return re.sub(rf"[{DASHES}\s_]+", "", name.casefold())


@dataclass(frozen=True)
class Field:
    """One entry of a label.

    `values[0]` is "none" where the field can be absent. A group, or coarse field, names in `slot` the field that it
    summarises and in `members` the values of that slot for which it is present.
    """

    name: str
    values: tuple[str, ...]
    slot: str = ""
    members: tuple[str, ...] = ()

    @property
    def optional(self) -> bool:
        return self.values[0] == NONE


def slot(name: str, values: Iterable[str], **groups: Sequence[str]) -> tuple[Field, ...]:
    """A slot that may be empty, followed by a coarse field for each group of its values."""
    fine = Field(name, (NONE, *values))
    coarse = (
        Field(group.replace("_", " "), (NONE, group.replace("_", " ")), name, tuple(members))
        for group, members in groups.items()
    )
    return (fine, *coarse)
