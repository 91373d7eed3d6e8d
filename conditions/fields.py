"""Fields, of which a label has one entry each.

A *slot* holds one of several values that exclude each other ("eyes": none, Big Shades, Eye Patch, ...). A *coarse*
field says whether a slot's value belongs to a group ("glasses": none or glasses), so that a person can ask for
glasses, or for no hat, and leave the rest to the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NONE = "none"


def normalise(name: str) -> str:
    """The form in which names are compared: no case, spaces, hyphens or underscores."""
    return re.sub(r"[\s\-_]+", "", name.casefold())


@dataclass(frozen=True)
class Field:
    """One entry of a label.

    `values[0]` is "none" where the field can be absent. A coarse field names in `slot` the field that it
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
