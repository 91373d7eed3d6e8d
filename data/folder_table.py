"""What people write about their pictures: metadata.csv, metadata.jsonl, or a sub-folder for each class."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from data.folder_sheet import name_of
from data.folder_source import CSV, JSONL, Problems, Source

FILE_NAME = "file_name"  # the column that says which picture a line is about
CLASS = "class"  # the column that sub-folders make
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
PARTS = {"train", "training", "test", "val", "valid", "validation"}  # of data sets that others have split


@dataclass(frozen=True)
class Table:
    """Labels as they are written.

    names   : of the pictures; in ascending order, until they are `ordered` otherwise
    places  : for each, where it is written, such as "metadata.csv, line 3"
    columns : for each, in the order of `names`, what is written there; empty for a blank
    """

    names: list[str]
    places: list[str]
    columns: dict[str, list[str]]

    def ordered(self, rows: Sequence[int]) -> Table:
        """With the pictures in this order."""

        def chosen(entries: list[str]) -> list[str]:
            return [entries[row] for row in rows]

        columns = {name: chosen(entries) for name, entries in self.columns.items()}
        return Table(chosen(self.names), chosen(self.places), columns)


def read_table(source: Source, problems: Problems, key: str = FILE_NAME) -> Table:
    """All pictures of the folder, each with what is written of it.

    key : the column that says which picture a line is about: FILE_NAME, or ID for the tiles of a sheet
    """
    written = [name for name in (CSV, JSONL) if name in source.sizes]
    pictures = source.pictures
    if len(written) == 2:
        problems.add(JSONL, f"stands beside {CSV}; keep one of the two")
    if not written:
        return _class_folders(pictures, problems)
    name, before = written[0], len(problems.lines)
    text = source.text(name, problems)
    parse = _csv_rows if name == CSV else _json_rows
    rows = [] if text is None else list(parse(text, key, problems))
    unread = not rows and len(problems.lines) > before  # which says nothing about single pictures
    found = _rows_by_picture(name, rows, set(pictures), key, problems)
    away = "move the picture away" if key == FILE_NAME else "make the tile transparent"
    for picture in pictures:
        if picture not in found and not unread:
            problems.add(picture, f"has no line in {name}; add one, or {away}")
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    kept = [picture for picture in pictures if picture in found]
    return Table(
        kept,
        [f"{name}, line {found[picture].line}" for picture in kept],
        {column: [found[picture].cells.get(column, "") for picture in kept] for column in columns},
    )


class Row(NamedTuple):
    """A line of the table.

    line    : its number, from 1
    picture : that it is about; empty where that is blank
    cells   : what is written under each of the other columns
    """

    line: int
    picture: str
    cells: dict[str, str]


NAMED = re.compile(rf'"{FILE_NAME}"\s*:\s*"([^"\\]+)"')  # in a line of JSON that cannot be read as a whole


def _csv_rows(text: str, key: str, problems: Problems) -> Iterable[Row]:
    last = 0
    try:
        mark = max(DELIMITERS, key=lambda mark: len(next(csv.reader(_lines(text), delimiter=mark), [])))
        reader = csv.reader(_lines(text), delimiter=mark, strict=True)
        header = [name.strip() for name in next(reader, [])]
        if not _header(header, key, problems):
            return
        last = reader.line_num
        for cells in reader:
            line, last = last + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                there = f"{len(cells)} cells between {DELIMITERS[mark]}, but the header has {len(header)}"
                problems.add(
                    f"{CSV}, line {line}", f"{there}; put cells that hold such a mark in quotes, leave none out"
                )
                cells = [*cells, *[""] * len(header)]
            yield _row(line, dict(zip(header, (cell.strip() for cell in cells), strict=False)), key)
    except csv.Error as error:
        problems.add(f"{CSV}, line {last + 1}", f"cannot be read ({error}); check its quotes")


def _lines(text: str) -> Iterable[str]:
    """Lines with their ends, whichever system wrote them; other breaks, as of a page, belong to the text."""
    return io.StringIO(text, newline="")


def _row(line: int, cells: dict[str, str], key: str) -> Row:
    named = cells.pop(key)
    if key == FILE_NAME:
        return Row(line, unicodedata.normalize("NFC", named.removeprefix("./")), cells)
    return Row(line, name_of(named) if named else "", cells)


def _header(header: list[str], key: str, problems: Problems) -> bool:
    """Whether the first line can be one."""
    where, before = f"{CSV}, line 1", len(problems.lines)
    if key not in header:
        there = ", ".join(map(repr, header[:6])) or "nothing"
        problems.add(where, f"needs a column {key}, and has {there}; name the columns in the first line")
    for name in sorted({name for name in header if header.count(name) > 1 and name}):
        problems.add(where, f"column {name!r} is there twice; give each its own name")
    if "" in header:
        problems.add(where, f"column {header.index('') + 1} has no name; give it one, or take it away")
    return len(problems.lines) == before


def _json_rows(text: str, key: str, problems: Problems) -> Iterable[Row]:
    for line, written in enumerate(_lines(text), start=1):
        if not written.strip():
            continue
        where = f"{JSONL}, line {line}"
        try:
            row = json.loads(written, object_pairs_hook=_once, parse_constant=_no_number)
            if not isinstance(row, dict) or type(row.get(key)) is not (str if key == FILE_NAME else int):
                raise ValueError(f'must be an object with a {"text" if key == FILE_NAME else "number"} "{key}"')
            yield _row(line, {name.strip(): _plain(name, value) for name, value in row.items()}, key)
        except (ValueError, RecursionError) as error:
            problems.add(
                where, f"cannot be read ({str(error) or 'nested too deeply'}); write one JSON object on a line"
            )
            if key == FILE_NAME and (named := NAMED.search(written)):
                yield _row(line, {key: named[1]}, key)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ValueError(f"{twice!r} is there twice")
    if any(not key.strip() for key in keys):
        raise ValueError("an entry has no name")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no value")


def _plain(key: str, value: Any) -> str:
    """A value as it would stand in a CSV file."""
    if isinstance(value, list | dict):
        raise ValueError(f"{key!r} holds several values; give each attribute one value")
    return (
        {None: "", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value).strip()
    )


def _rows_by_picture(file: str, rows: list[Row], pictures: set[str], key: str, problems: Problems) -> dict[str, Row]:
    """The row of each picture; those of none, and the second of one, are problems."""
    found: dict[str, Row] = {}
    spelt = _spellings(pictures) if any(row.picture not in pictures for row in rows) else {}
    for row in rows:
        name, where = row.picture, f"{file}, line {row.line}"
        if name in found:
            problems.add(where, f"{name} is on line {found[name].line} already; keep one of the two lines")
        elif name in pictures:
            found[name] = row
        elif not name:
            problems.add(where, f"{key} is blank; name the picture")
        elif key != FILE_NAME:
            problems.add(where, f"there is no {name}, or it is empty; tiles are numbered row by row, from 0")
        else:
            problems.add(where, _no_such(name, spelt))
    return found


def _spellings(pictures: set[str]) -> dict[str, str]:
    """The pictures by what people write in the place of their names: without the suffix, or in other case."""
    bare = {name.rpartition(".")[0].casefold(): name for name in pictures}
    return bare | {name.casefold(): name for name in pictures}


def _no_such(name: str, spelt: dict[str, str]) -> str:
    """What to do about a line that names no picture."""
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or name[1:2] == ":":
        return f'{name!r} must be a path from the folder downwards, with "/" between its parts'
    close = spelt.get(name.casefold())
    return f"there is no picture {name!r}; " + (f"write {close!r}" if close else "add it, or take the line away")


def _class_folders(pictures: list[str], problems: Problems) -> Table:
    """The first folder in the path of each picture is its class; no labels where none has a folder, or all the same."""
    classes = {name: name.partition("/")[0] if "/" in name else "" for name in pictures}
    found = set(classes.values())
    if len(found) > 1 and "" in found:
        for name in [name for name in pictures if not classes[name]]:
            problems.add(name, f"stands beside folders of classes; move it into one, or write a {CSV}")
    elif len(found) > 1 and {name.casefold() for name in found} <= PARTS:
        problems.add(
            ", ".join(sorted(found)),
            "are parts of a data set rather than classes; name the one to train on, for what is held out follows from "
            "the names of the files",
        )
    columns = {CLASS: list(classes.values())} if len(found) > 1 else {}
    return Table(pictures, pictures, columns)
