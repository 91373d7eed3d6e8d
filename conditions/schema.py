"""Conditions: labels whose fields have three states (unknown, none, a value), and the words people use for them.

A label is a row of integers, one per field: `UNKNOWN`, or an index into that field's values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import torch
from rapidfuzz import fuzz, process
from torch import Tensor

from conditions.fields import NONE, Field, normalise

UNKNOWN = -1
ANY = "any"


class _Refusal(Exception):
    """Why a request cannot be met; `encode` puts the argument and its value before it."""


class ConditionSchema:
    """The fields of a label, the names and aliases of their values, and which values occur together.

    fields  : in the order of a label's columns
    aliases : other words, each for one or more names ("bald" for "-head")
    seen    : (V, V) bool, over all values of all fields: which pairs some training example has
    """

    def __init__(
        self,
        fields: Sequence[Field],
        aliases: dict[str, str] | None = None,
        seen: np.ndarray | None = None,
    ):
        self.fields = tuple(fields)
        self.aliases = dict(aliases or {})
        self.cardinalities = tuple(len(field.values) for field in self.fields)
        self.offsets = tuple(int(sum(self.cardinalities[:f])) for f in range(len(self.fields)))
        self.seen = seen
        self.column = {field.name: f for f, field in enumerate(self.fields)}
        self._values: dict[str, tuple[int, int]] = {}
        self._slots: dict[str, int] = {}
        for f, field in enumerate(self.fields):
            for v, value in enumerate(field.values):
                if value != NONE:
                    self._register(self._values, value, (f, v))
        for f, field in enumerate(self.fields):
            if field.name not in field.values:
                if normalise(field.name) in self._values:
                    raise ValueError(f"field {field.name!r} has the name of another field's value")
                self._register(self._slots, field.name, f)
        for alias, names in self.aliases.items():
            if normalise(alias) in self._values:
                raise ValueError(f"alias {alias!r} is already the name of a value")
            self.encode(names)

    @staticmethod
    def _register(table: dict, name: str, entry) -> None:
        if normalise(name) in table:
            raise ValueError(f"two values share the name {name!r}; names must be unique in a schema")
        table[normalise(name)] = entry

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def optional(self) -> Tensor:
        """(F,) bool: the fields that can be absent."""
        return torch.tensor([field.optional for field in self.fields], dtype=torch.bool)

    def __eq__(self, other) -> bool:
        return isinstance(other, ConditionSchema) and self.fields == other.fields

    def unknown(self, n: int) -> Tensor:
        """(n, F) int64 of UNKNOWN: the unconditional input."""
        return torch.full((n, len(self)), UNKNOWN, dtype=torch.int64)

    def encode(
        self, names: str | int | Sequence[str | int] | None, argument: str = "attrs", typed: str | None = None
    ) -> Tensor:
        """The label (F,) int64 for what a person names; fields they leave out stay UNKNOWN.

        `names` is "male, big shades", a list of such names, or "any"/None for no request at all. A leading
        "-" asks for absence: "-hat" for no hat. "-top hat", too, is read as no hat, since absence is a
        state of a field and not of one value; beside another value of the slot, such as "beanie", it says nothing.

        Raises ValueError, which starts with `argument` and what was `typed`, if that is more than names: for an
        empty request, an unknown name (with the closest known ones), for two values of one slot, and for the
        absence of what cannot be absent.
        """
        try:
            return self._encode(self._tokens(names))
        except _Refusal as refusal:
            raise ValueError(f"{argument}={names if typed is None else typed!r}: {refusal}") from None

    def _encode(self, tokens: list[str]) -> Tensor:
        label = self.unknown(1)[0]
        said: dict[int, str] = {}
        present = {f: v for token in tokens if not token.startswith("-") for f, v in self._resolve(token)}
        for token in tokens:
            if self._says_nothing(token, present):
                continue
            for f, v in self._resolve(token):
                if label[f] != UNKNOWN and label[f] != v:
                    raise _Refusal(
                        f"{said[f]!r} and {token!r} exclude each other, both set {self.fields[f].name!r}; name one"
                    )
                label[f], said[f] = v, token
        self._refuse_contradictions(label, said)
        return label

    def _tokens(self, names) -> list[str]:
        if names is None:
            return []
        listed = isinstance(names, Iterable) and not isinstance(names, str)
        tokens = [str(part).strip() for part in (names if listed else str(names).split(","))]
        if [normalise(token) for token in tokens] == [ANY]:
            return []
        if not tokens or any(not normalise(token) for token in tokens):
            raise _Refusal(f"a name is missing; write names between commas, such as {self.example()}, or any for none")
        if not self.fields:
            raise _Refusal(
                "this model is unconditional (trained with cfg=off) and knows no attributes; use any, or a "
                "checkpoint trained with labels"
            )
        return tokens

    def _resolve(self, token: str) -> list[tuple[int, int]]:
        """(field, value) pairs that one name, alias or "-name" stands for."""
        absent, key = token.startswith("-"), normalise(token)
        if absent:
            return [(self._absence_field(token, key), 0)]
        if key in self._values:
            return [self._values[key]]
        for alias, names in self.aliases.items():
            if normalise(alias) == key:
                return [pair for name in names.split(",") for pair in self._resolve(name.strip())]
        if key in self._slots:
            field = self.fields[self._slots[key]]
            values = ", ".join(value for value in field.values if value != NONE)
            none = f", or -{field.name} for none" if field.optional else ""
            raise _Refusal(f"{token!r} is a slot, not a value; name one of {values}{none}")
        raise _Refusal(f"unknown attribute {token!r}; closest: {', '.join(self.closest(token))}")

    def _says_nothing(self, token: str, present: dict[int, int]) -> bool:
        """Whether it is the absence of one value, "-frown", where another of its slot is `present`, "smile"."""
        if not token.startswith("-") or normalise(token) in self._slots:
            return False
        (f, v), *others = self._resolve(token.lstrip("- "))
        return not others and present.get(f, 0) not in (0, v)

    def more_than(self, name: str) -> str | None:
        """The field that "-name" leaves without a value though name is one of several: "hair" for "mohawk"."""
        key = normalise(name)
        pairs = [] if key in self._slots else self._resolve(name)
        if len(pairs) != 1:
            return None
        (f, v), g = pairs[0], self._absence_field(f"-{name}", key)
        own, gone = ({*(field.members or field.values[1:])} for field in (self.fields[f], self.fields[g]))
        own = own if self.fields[f].slot else {self.fields[f].values[v]}
        return self.fields[g].name if gone - own else None

    def _absence_field(self, token: str, key: str) -> int:
        positive = [(self._slots[key], -1)] if key in self._slots else self._resolve(token.lstrip("- "))
        f, v = positive[0]
        field = self.fields[f]
        if len(positive) > 1 or (v == 0 and field.optional):
            raise _Refusal(f"{token!r} is no single thing that can be absent; name a value or a slot")
        if not field.optional:
            raise _Refusal(
                f"{token!r}: {field.name!r} is never absent; name what you want of {', '.join(field.values)}"
            )
        if key in self._slots:
            return f
        coarse = (g for g, other in enumerate(self.fields) if other.slot == field.name)
        return next((g for g in coarse if field.values[v] in self.fields[g].members), f)

    def _refuse_contradictions(self, label: Tensor, said: dict[int, str]) -> None:
        """Every slot must keep at least one value that agrees with all that was said about it."""
        possible = {field.name: set(field.values) for field in self.fields if not field.slot}
        for f, token in said.items():
            name = self.fields[f].slot or self.fields[f].name
            possible[name] &= self._slot_values(f, int(label[f]))
            if not possible[name]:
                others = [t for g, t in said.items() if name in (self.fields[g].slot, self.fields[g].name) and g != f]
                raise _Refusal(f"{' and '.join(map(repr, [*others, token]))} exclude each other in {name!r}; name one")

    def _slot_values(self, f: int, v: int) -> set[str]:
        """The values of field f's slot that remain possible when field f has value v."""
        field = self.fields[f]
        if not field.slot:
            return {field.values[v]}
        members = set(field.members)
        return members if v else set(self.fields[self.column[field.slot]].values) - members

    @property
    def known_names(self) -> list[str]:
        """All that a request may name: values and aliases."""
        return [value for field in self.fields for value in field.values if value != NONE] + list(self.aliases)

    def closest(self, name: str, n: int = 4) -> list[str]:
        """The n known names most like `name`, best first."""
        found = process.extract(name, self.known_names, scorer=fuzz.ratio, processor=normalise, limit=n)
        return [match for match, _, _ in found]

    def example(self) -> str:
        """A request that this schema understands, for messages."""
        return ",".join(field.values[-1] for field in self.fields[:1]) or ANY

    def names(self, label: Tensor) -> list[str]:
        """The names that `encode` turns into `label` (F,) again: values, and "-name" for what is absent."""
        return [
            f"-{field.name}" if field.values[v] == NONE else field.values[v]
            for field, v in zip(self.fields, label.tolist(), strict=True)
            if v != UNKNOWN
        ]

    def complete(self, slots: dict[str, str]) -> list[int]:
        """The full label of one example, given the value of each slot that is not empty."""
        label = []
        for field in self.fields:
            if field.slot:
                label.append(int(slots.get(field.slot, NONE) in field.members))
            else:
                label.append(field.values.index(slots.get(field.name, NONE)))
        return label

    def with_seen(self, labels: Tensor) -> ConditionSchema:
        """The same schema, knowing which values occur together in `labels` (N, F), all of them known."""
        columns = labels.numpy() + np.array(self.offsets, dtype=np.int64)
        one_hot = np.zeros((len(labels), sum(self.cardinalities)), dtype=np.float32)
        np.put_along_axis(one_hot, columns, 1.0, axis=1)
        return ConditionSchema(self.fields, self.aliases, seen=one_hot.T @ one_hot > 0)

    def unseen_pairs(self, label: Tensor) -> list[tuple[str, str]]:
        """Pairs of requested names that no training example has together: a reason to warn, not to refuse."""
        if self.seen is None:
            return []
        known = [f for f, v in enumerate(label.tolist()) if v != UNKNOWN]
        rows = [self.offsets[f] + int(label[f]) for f in known]
        names = self.names(label)
        return [
            (names[i], names[j])
            for i in range(len(rows))
            for j in range(i + 1, len(rows))
            if not self.seen[rows[i], rows[j]]
        ]

    def to_json(self) -> str:
        seen = None if self.seen is None else np.packbits(self.seen).tobytes().hex()
        return json.dumps({"fields": [asdict(field) for field in self.fields], "aliases": self.aliases, "seen": seen})

    @classmethod
    def from_json(cls, text: str) -> ConditionSchema:
        raw = json.loads(text)
        fields = [Field(f["name"], tuple(f["values"]), f["slot"], tuple(f["members"])) for f in raw["fields"]]
        seen = None
        if raw["seen"] is not None:
            size = sum(len(field.values) for field in fields)
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(raw["seen"]), dtype=np.uint8))
            seen = bits[: size * size].reshape(size, size).astype(bool)
        return cls(fields, raw["aliases"], seen)


UNCONDITIONAL = ConditionSchema(())
