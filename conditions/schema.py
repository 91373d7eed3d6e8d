"""The schema of a data set: its fields, the names that people use for them, and labels from names and back.

A label is a row of integers, one per field: `UNKNOWN`, or an index into that field's values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from conditions.fields import NONE, Field, normalise
from conditions.names import ANY, NameRefused, Names, with_hyphen

UNKNOWN = -1


class ConditionSchema:
    """The fields of a label, the names and aliases of their values, and which values occur together.

    fields  : in the order of a label's columns
    aliases : other words, each for one or more names ("bald" for "-head"), and contraries ("not bald" for "hair")
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
        self._names = Names(self.fields, self.aliases)
        self._optional: dict[str, Tensor] = {}
        for alias, names in self.aliases.items():
            try:
                self.encode(names)
            except RecursionError:
                raise ValueError(f"alias {alias!r} leads back to itself; let it stand for names of values") from None

    def __len__(self) -> int:
        return len(self.fields)

    def optional(self, device: torch.device | str = "cpu") -> Tensor:
        """(F,) bool: the fields that can be absent; kept on each device, so that no training step copies it there."""
        key = str(device)
        if key not in self._optional:
            values = [field.optional for field in self.fields]
            self._optional[key] = torch.tensor(values, dtype=torch.bool, device=device)
        return self._optional[key]

    def __eq__(self, other) -> bool:
        return isinstance(other, ConditionSchema) and self.fields == other.fields

    def unknown(self, n: int) -> Tensor:
        """(n, F) int64 of UNKNOWN: the unconditional input."""
        return torch.full((n, len(self)), UNKNOWN, dtype=torch.int64)

    # -- from names to labels --------------------------------------------------------------------------------------

    def encode(
        self,
        names: str | int | Sequence[str | int] | None,
        argument: str = "attrs",
        typed: str | Sequence | None = None,
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
        except NameRefused as refusal:
            raise ValueError(f"{argument}={names if typed is None else typed!r}: {refusal}") from None

    def _tokens(self, names) -> list[str]:
        if names is None:
            return []
        listed = isinstance(names, Iterable) and not isinstance(names, str)
        parts = names if listed else str(names).strip().removesuffix(",").split(",")
        tokens = [with_hyphen(str(part).strip()) for part in parts]
        if [token.casefold() for token in tokens] == [ANY]:
            return []
        if not tokens or any(not normalise(token) for token in tokens):
            raise NameRefused(
                f"a name is missing; write names between commas, such as {self.example()}, or any for none"
            )
        if not self.fields:
            raise NameRefused(
                "this model is unconditional (trained with cfg=off) and knows no attributes; use any, or a "
                "checkpoint trained with labels"
            )
        for token in tokens:
            if token.startswith("-") and with_hyphen(token[1:].strip()).startswith("-"):
                raise NameRefused(f"{token!r} has more than one minus; one asks for absence, as in -hat")
        return tokens

    def _encode(self, tokens: list[str]) -> Tensor:
        label = self.unknown(1)[0]
        said: dict[int, str] = {}
        present = [pair for token in tokens if not token.startswith("-") for pair in self._names.resolve(token)]
        for token in tokens:
            if self._names.says_nothing(token, present):
                continue
            for f, v in self._names.resolve(token):
                if label[f] != UNKNOWN and label[f] != v:
                    raise NameRefused(
                        f"{said[f]!r} and {token!r} exclude each other, both set {self.fields[f].name!r}; name one"
                    )
                label[f], said[f] = v, token
        self._refuse_contradictions(label, said)
        return label

    def _refuse_contradictions(self, label: Tensor, said: dict[int, str]) -> None:
        """Every slot must keep at least one value that agrees with all that was said about it."""
        possible = {field.name: set(field.values) for field in self.fields if not field.slot}
        for f, token in said.items():
            name = self.fields[f].slot or self.fields[f].name
            possible[name] &= self._slot_values(f, int(label[f]))
            if not possible[name]:
                others = [t for g, t in said.items() if name in (self.fields[g].slot, self.fields[g].name) and g != f]
                raise NameRefused(
                    f"{' and '.join(map(repr, [*others, token]))} exclude each other in {name!r}; name one"
                )

    def _slot_values(self, f: int, v: int) -> set[str]:
        """The values of field f's slot that remain possible when field f has value v."""
        field = self.fields[f]
        if not field.slot:
            return {field.values[v]}
        members = set(field.members)
        return members if v else set(self.fields[self.column[field.slot]].values) - members

    # -- names -----------------------------------------------------------------------------------------------------

    @property
    def known_names(self) -> list[str]:
        """All that a request may name: values and aliases."""
        return self._names.known

    def closest(self, name: str, n: int = 4) -> list[str]:
        """The n known names most like `name`, best first."""
        return self._names.closest(name, n)

    def opposite(self, name: str, beside: Sequence[str] = ()) -> str:
        """What "not" before one known name asks for: "-hat" of "hat", "hat" of "-hat", "hair" of "bald".

        beside : other names, known ones too. Where they say as much, it is "-name", which then adds nothing.

        Raises ValueError where no name says it.
        """
        pairs = [pair for other in beside for pair in self._names.resolve(other)]
        met = not name.startswith("-") and self._names.says_nothing(f"-{name}", pairs)
        return f"-{name}" if met else self._names.opposite(name)

    def absence_covers(self, name: str) -> str | None:
        """The group or slot that "-name" empties where it holds more than that: "hair" for "mohawk"; else None."""
        return self._names.absence_covers(name)

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

    # -- labels of examples ----------------------------------------------------------------------------------------

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
        """The same schema, knowing which values occur together in `labels` (N, F), UNKNOWN ones with none."""
        columns = labels.numpy() + np.array(self.offsets, dtype=np.int64)
        one_hot = np.zeros((len(labels), sum(self.cardinalities)), dtype=np.float32)
        rows, known = np.nonzero(labels.numpy() != UNKNOWN)
        one_hot[rows, columns[rows, known]] = 1.0
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
