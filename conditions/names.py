"""Names: the field and value that each stands for, and what a minus before it asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rapidfuzz import fuzz, process

from conditions.fields import DASHES, NONE, Field, normalise

ANY = "any"


class NameRefused(ValueError):
    """Why a name cannot be met; `ConditionSchema.encode` puts the argument and its value before it."""


def with_hyphen(token: str) -> str:
    """A name with a plain "-" in the place of a minus sign or dash before it."""
    return f"-{token[1:]}" if token and token[0] in DASHES else token


def _is_absence(token: str) -> bool:
    return token.startswith("-")


def _bare(token: str) -> str:
    return token.lstrip("- ")


class Names:
    """The names of a schema: values of fields, slots, and aliases of both.

    fields  : in the order of a label's columns
    aliases : other words, each for one or more names. An alias for an absence ("bald" for "-head") may have a contrary,
              "not bald" for "hair"
    """

    def __init__(self, fields: Sequence[Field], aliases: Mapping[str, str]):
        self.fields = fields
        self._values: dict[str, tuple[int, int]] = {}
        self._slots: dict[str, int] = {}
        self._aliases: dict[str, str] = {}
        for f, field in enumerate(fields):
            for v, value in enumerate(field.values):
                if value != NONE:
                    self._register(self._values, value, (f, v))
        for f, field in enumerate(fields):
            if field.name not in field.values:
                if normalise(field.name) in self._values:
                    raise ValueError(f"field {field.name!r} has the name of another field's value")
                self._register(self._slots, field.name, f)
        for alias, names in aliases.items():
            if normalise(alias) in self._values:
                raise ValueError(f"alias {alias!r} is already the name of a value")
            self._aliases.setdefault(normalise(alias), names)
        self.known = [value for field in fields for value in field.values if value != NONE] + list(aliases)

    @staticmethod
    def _register(table: dict, name: str, entry) -> None:
        if normalise(name) in table:
            raise ValueError(f"two values share the name {name!r}; names must be unique in a schema")
        table[normalise(name)] = entry

    def resolve(self, token: str) -> list[tuple[int, int]]:
        """(field, value) pairs that one name, alias or "-name" stands for. Raises NameRefused."""
        key = normalise(token)
        if _is_absence(token):
            if self._emptied_by(_bare(token)) is not None:
                return self.resolve(self.opposite(_bare(token)))
            return [(self._absent_field(token), 0)]
        if key in self._values:
            return [self._values[key]]
        if key in self._aliases:
            return [pair for name in self._aliases[key].split(",") for pair in self.resolve(name.strip())]
        if key in self._slots:
            field = self.fields[self._slots[key]]
            values = ", ".join(value for value in field.values if value != NONE)
            none = f", or -{field.name} for none" if field.optional else ""
            raise NameRefused(f"{token!r} is a slot, not a value; name one of {values}{none}")
        if key == ANY:
            raise NameRefused("'any' leaves everything open; write it alone, without a minus or other names")
        raise NameRefused(f"unknown attribute {token!r}; closest: {', '.join(self.closest(token))}")

    def opposite(self, name: str) -> str:
        """What "not" before a name asks for: "-hat" of "hat", "hat" of "-hat", "hair" of "bald".

        Raises NameRefused where no name says it: what stands in a slot that is not empty may be one of several things.
        """
        if _is_absence(name):
            return _bare(name)
        emptied = self._emptied_by(name)
        if emptied is None:
            return f"-{name}"
        field = self.fields[emptied]
        groups = [other for other in self.fields if other.slot == field.name]
        filled = [group.values[1] for group in groups if {*group.members} == {*field.values[1:]}]
        if field.slot or len(field.values) == 2:
            filled = [field.values[1]]
        if contrary := self._aliases.get(normalise(f"not {name}")) or next(iter(filled), None):
            return contrary
        choices = ", ".join([*(group.values[1] for group in groups), f"a value such as {field.values[1]}"])
        raise NameRefused(f"'-{name}' only says that {field.name!r} is not empty; name what is to be there: {choices}")

    def says_nothing(self, token: str, beside: Collection[tuple[int, int]]) -> bool:
        """Whether a "-name" adds nothing to the (field, value) pairs of the other names.

        That is so for the absence of one value, "-frown", where another of its slot is there, "smile"; and for "-bald",
        which asks for anything on the head, beside a hat.
        """
        if not _is_absence(token) or normalise(token) in self._slots:
            return False
        if (emptied := self._emptied_by(_bare(token))) is not None:
            slot = self.fields[emptied].name
            return any(v and slot in (self.fields[f].name, self.fields[f].slot) for f, v in beside)
        (f, v), *others = self.resolve(_bare(token))
        return not others and any(g == f and u not in (0, v) for g, u in beside)

    def absence_covers(self, name: str) -> str | None:
        """The field that "-name" leaves without a value though name is one of several: "hair" for "mohawk"."""
        pairs = [] if normalise(name) in self._slots else self.resolve(name)
        if len(pairs) != 1 or self._emptied_by(name) is not None:
            return None
        (f, v), g = pairs[0], self._absent_field(f"-{name}")
        own, gone = ({*(field.members or field.values[1:])} for field in (self.fields[f], self.fields[g]))
        own = own if self.fields[f].slot else {self.fields[f].values[v]}
        return self.fields[g].name if gone - own else None

    def _emptied_by(self, name: str) -> int | None:
        """The field that an alias for an absence leaves without a value: head for "bald"."""
        pairs = [] if normalise(name) in self._slots else self.resolve(name)
        f, v = pairs[0] if len(pairs) == 1 else (0, -1)
        return f if v == 0 and self.fields[f].optional else None

    def _absent_field(self, token: str) -> int:
        """The field that "-name" sets to none: that of a slot or group, or the group of a value, or its slot."""
        key = normalise(token)
        (f, v), *others = [(self._slots[key], -1)] if key in self._slots else self.resolve(_bare(token))
        field = self.fields[f]
        if others:
            raise NameRefused(f"{token!r} is no single thing that can be absent; name a value or a slot")
        if not field.optional:
            raise NameRefused(
                f"{token!r}: {field.name!r} is never absent; name what you want of {', '.join(field.values)}"
            )
        if key in self._slots:
            return f
        coarse = (g for g, other in enumerate(self.fields) if other.slot == field.name)
        return next((g for g in coarse if field.values[v] in self.fields[g].members), f)

    def closest(self, name: str, n: int = 4) -> list[str]:
        """The n known names most like `name`, best first."""
        found = process.extract(name, self.known, scorer=fuzz.ratio, processor=normalise, limit=n)
        return [match for match, _, _ in found]
