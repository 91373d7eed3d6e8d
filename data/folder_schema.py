"""From columns of a table to the schema of a data set, and labels.

A column of yes and no is a slot with one value, named like the column; any other with two or more values is a slot.
The column of classes has the values that are written, also where these are yes and no, or 0 and 1.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conditions.fields import DASHES, NONE, Field, normalise
from conditions.names import ANY
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import coarse_filled
from data.folder_settings import FolderSchema
from data.folder_source import SCHEMA_FILE, Problems
from data.folder_table import CLASS, Table

YES, NO = ("yes", "true", "1", "1.0"), ("no", "false", "0", "0.0", NONE)  # pandas writes 1.0 beside blanks
ABSENT = (NONE, "no")  # among other values; "0" and "false" may then be values
MAX_VALUES = 256  # of one column
MAX_COLUMNS, MAX_IN_ALL = 400, 2048  # of slots, and of the values of all of them
RESERVED = ",|*:"  # of requests, between names and before weights
FIRST = f"{DASHES}+[{{(\"'"  # of absence, of edits, of lists and of quoted text
LONGEST = 80


@dataclass(frozen=True)
class Labels:
    """schema and labels (N, F) int64, UNKNOWN where nothing is written; notes on columns that are not as written."""

    schema: ConditionSchema
    labels: Tensor
    notes: list[str]


@dataclass(frozen=True)
class Column:
    """A column as a slot.

    values  : as they are written, without what stands for absence, in order
    entries : for each picture one of `values`, NONE or "" for unknown
    yes_no  : whether it has one value, named like the column
    """

    name: str
    values: list[str]
    entries: list[str]
    yes_no: bool

    @property
    def optional(self) -> bool:
        return self.yes_no or NONE in self.entries


def labels_of(table: Table, settings: FolderSchema, problems: Problems) -> Labels:
    """What is wrong goes to `problems`, and the labels are then not to be used."""
    notes: list[str] = []
    for name in settings.ignore:
        if name not in table.columns:
            problems.add(SCHEMA_FILE, f"ignore: there is no column {name!r}; there are {_listed(table.columns)}")
    columns = [
        _column(name, entries, table.places, settings.blank, problems, notes)
        for name, entries in table.columns.items()
        if name not in settings.ignore
    ]
    columns = [column for column in columns if column is not None]
    _refuse_many(columns, problems)
    _refuse_same(columns, problems)
    called = _names(columns, notes)
    _refuse_groups(columns, called, settings, problems)
    if problems.lines:  # of which clashing names would only be more
        return Labels(ConditionSchema(()), torch.zeros(len(table.names), 0, dtype=torch.int64), notes)
    fields, labels = [], []
    for column in columns:
        values = ([NONE] if column.optional else []) + [called[column.name, value] for value in column.values]
        numbers = {entry: v for v, entry in enumerate(([NONE] if column.optional else []) + column.values)}
        fields.append(Field(column.name, tuple(values)))
        labels.append(torch.tensor([numbers.get(entry, UNKNOWN) for entry in column.entries], dtype=torch.int64))
        for group, members in _groups_of(column, called, settings).items():
            fields.append(Field(group, (NONE, group), column.name, tuple(members)))
            labels.append(torch.zeros_like(labels[-1]))  # follows from the slot
    schema = _with_aliases(fields, settings.aliases, problems)
    stacked = torch.stack(labels, dim=1) if labels else torch.zeros(len(table.names), 0, dtype=torch.int64)
    return Labels(schema, coarse_filled(schema, stacked), notes)


def _with_aliases(fields: list[Field], aliases: dict[str, str], problems: Problems) -> ConditionSchema:
    try:
        return ConditionSchema(fields, aliases)
    except ValueError as error:
        before, whole = len(problems.lines), str(error)
    for alias, names in aliases.items():
        try:
            ConditionSchema(fields, {alias: names})
        except ValueError as error:
            problems.add(SCHEMA_FILE, f"aliases: {alias}: {error}")
    if len(problems.lines) == before:
        problems.add(SCHEMA_FILE, f"{whole}; use another word")
    return ConditionSchema(())


def _listed(names: Sequence[str]) -> str:
    shown = list(names)
    return ", ".join(map(repr, shown[:8])) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "") or "none"


def fault_in(name: str) -> str:
    """Why nobody could ask for a name; empty where they could."""
    marks = [mark for mark in RESERVED if mark in name]
    if marks:
        return f"holds {marks[0]!r}, which has a meaning in requests"
    if name[0] in FIRST:
        return f"begins with {name[0]!r}, which has a meaning in requests"
    if not name.isprintable() or not normalise(name):
        return "has no letters that could be typed"
    if len(name) > LONGEST:
        return f"is {len(name)} characters long, of {LONGEST} at most"
    return "is a word with a meaning in requests" if normalise(name) in (ANY, NONE) else ""


def _column(
    name: str, entries: list[str], places: list[str], blank: str, problems: Problems, notes: list[str]
) -> Column | None:
    """The column, or None for one that has nothing to say, of which a note tells."""
    words = {entry.casefold() for entry in entries} - {""}
    yes_no = name != CLASS and bool(words) and words <= {*YES, *NO} and words != {NONE}
    absent = NO if yes_no else (NONE,) if name == CLASS else ABSENT
    entries = [NONE if entry.casefold() in absent or (not entry and blank == NONE) else entry for entry in entries]
    first: dict[str, int] = {}  # row that has a value first
    for row, entry in enumerate(entries):
        if entry not in ("", NONE):
            first.setdefault(entry, row)
    if yes_no:
        entries = [name if entry not in ("", NONE) else entry for entry in entries]
    if len({*entries} - {""}) < 2:
        notes.append(_constant(name, [*first, *(NONE for entry in entries if entry == NONE)], "" in entries))
        return None
    if fault := fault_in(name):
        problems.add(places[0].partition(",")[0], f"column {name!r} {fault}; give it another name")
    if len(first) > MAX_VALUES:
        problems.add(
            places[0].partition(",")[0],
            f"column {name!r} has {len(first):,} different values, of {MAX_VALUES} at most; list it under ignore: in "
            f"{SCHEMA_FILE}, or write fewer",
        )
        return None
    if yes_no:
        return Column(name, [name], entries, yes_no)
    _refuse_values(name, first, places, problems)
    return Column(name, sorted(first, key=_order), entries, yes_no)


def _constant(name: str, written: list[str], blanks: bool) -> str:
    """The note on a column that tells no two pictures apart."""
    what = f"says {written[0]!r} of every picture that it knows" if written else "has no entries"
    remedy = (
        f"; if a blank means that nothing is there, write blank: none in {SCHEMA_FILE}" if written and blanks else ""
    )
    return f"column {name!r} {what}, so that it is left out{remedy}"


def _order(value: str) -> tuple[float, str, str]:
    """Numbers by size, before all words."""
    return (float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else math.inf), value.casefold(), value


def _refuse_values(column: str, first: dict[str, int], places: list[str], problems: Problems) -> None:
    spelt: dict[str, str] = {}
    for value, row in first.items():
        if fault := fault_in(value):
            problems.add(places[row], f"{column}: {value[:LONGEST]!r} {fault}; write another word")
            continue
        other = spelt.setdefault(normalise(value), value)
        if other != value:
            there = places[first[other]]
            problems.add(
                places[row], f"{column}: {value!r} is {other!r} of {there} in another spelling; write one of them"
            )


def _refuse_many(columns: list[Column], problems: Problems) -> None:
    """Tables of how values occur together grow with the square of their number."""
    for what, count, most in (
        ("columns", len(columns), MAX_COLUMNS),
        ("values in all columns", sum(len(column.values) for column in columns), MAX_IN_ALL),
    ):
        if count > most:
            problems.add("columns", f"{count:,} {what}, of {most:,} at most; list some under ignore: in {SCHEMA_FILE}")


def _refuse_same(columns: list[Column], problems: Problems) -> None:
    for i, column in enumerate(columns):
        for other in columns[:i]:
            if normalise(other.name) == normalise(column.name):
                problems.add("columns", f"{other.name!r} and {column.name!r} are one name to requests; rename one")


def _names(columns: list[Column], notes: list[str]) -> dict[tuple[str, str], str]:
    """What each value of each column is called: itself, or after its column where the name alone could be another's."""
    claims = Counter(normalise(column.name) for column in columns)
    for column in columns:
        claims.update({normalise(value) for value in column.values} - {normalise(column.name)})
    called, double = {}, dict[str, list[str]]()
    for column in columns:
        for value in column.values:
            alone = claims[normalise(value)] == 1 or column.yes_no
            called[column.name, value] = value if alone else f"{column.name} {value}"
            if not alone:
                double.setdefault(normalise(value), []).append(called[column.name, value])
    if double:
        names = [name for several in double.values() for name in several]
        notes.append(f"values that more than one column has are called after it: {_listed(names)}")
    return called


def _members(column: Column, called: dict[tuple[str, str], str], values: Sequence[str]) -> list[str]:
    """Which of a group's values a column has, as they are called."""
    wanted = {normalise(value) for value in values}
    names = {called[column.name, value]: value for value in column.values}
    return [name for name, value in names.items() if {normalise(name), normalise(value)} & wanted]


def _groups_of(column: Column, called: dict[tuple[str, str], str], settings: FolderSchema) -> dict[str, list[str]]:
    found = {group: _members(column, called, values) for group, values in settings.groups.items()}
    return {group: members for group, members in found.items() if len(members) == len(settings.groups[group]) > 0}


def _refuse_groups(
    columns: list[Column], called: dict[tuple[str, str], str], settings: FolderSchema, problems: Problems
) -> None:
    values = {normalise(name) for (_, written), name in called.items() for name in (written, name)}
    taken = {normalise(column.name) for column in columns} | {normalise(name) for name in called.values()}
    for group, members in settings.groups.items():
        where, unknown = f"groups: {group}", [value for value in members if normalise(value) not in values]
        owners = [column.name for column in columns if group in _groups_of(column, called, settings)]
        if fault := fault_in(group) if group else "has no name":
            problems.add(SCHEMA_FILE, f"{where} {fault}; give the group another name")
        elif normalise(group) in taken:
            problems.add(SCHEMA_FILE, f"{where}: is a column or a value already; give the group another name")
        elif unknown or not members:
            problems.add(
                SCHEMA_FILE, f"{where}: no column has the values {_listed(unknown)}; write them as the table does"
            )
        elif len(owners) != 1:
            problems.add(SCHEMA_FILE, f"{where}: its values are not all of one column; make a group for each column")
