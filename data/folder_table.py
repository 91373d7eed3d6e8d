"""What people write about their pictures: metadata.csv, metadata.jsonl, or a sub-folder for each class."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from data.folder_sheet import name_of
from data.folder_source import CSV, JSONL, Problems, Source

FILE_NAME = "file_name"  # the column that says which picture a line is about
CLASS = "class"  # the column that sub-folders make
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
PARTS = {"train", "training", "test", "val", "valid", "validation"}  # of data sets that others have split


@dataclass(frozen=True)
class Table:
    """Labels as they are written.

    names   : of the pictures, in ascending order
    places  : for each, where it is written, such as "metadata.csv, line 3"
    columns : for each, in the order of `names`, what is written there; empty for a blank
    """

    names: list[str]
    places: list[str]
    columns: dict[str, list[str]]


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
    found = _rows_by_picture(name, rows, set(pictures), problems)
    for picture in pictures:
        if picture not in found and not unread:
            problems.add(picture, f"has no line in {name}; add one, or move the picture away")
    columns = list(dict.fromkeys(column for _, row in rows for column in row if column != FILE_NAME))
    kept = [picture for picture in pictures if picture in found]
    return Table(
        kept,
        [f"{name}, line {found[picture][0]}" for picture in kept],
        {column: [found[picture][1].get(column, "") for picture in kept] for column in columns},
    )


Row = tuple[int, dict[str, str]]  # number of the line, from 1, and what is written under each column
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
            yield line, _keyed(dict(zip(header, (cell.strip() for cell in cells), strict=False)), key)
    except csv.Error as error:
        problems.add(f"{CSV}, line {last + 1}", f"cannot be read ({error}); check its quotes")


def _lines(text: str) -> Iterable[str]:
    """Lines with their ends, whichever system wrote them; other breaks, as of a page, belong to the text."""
    return io.StringIO(text, newline="")


def _keyed(row: dict[str, str], key: str) -> dict[str, str]:
    """The row with the name of its picture under FILE_NAME."""
    return row if key == FILE_NAME else {FILE_NAME: name_of(row.pop(key))} | row


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
            if not isinstance(row, dict) or not isinstance(row.get(key), str if key == FILE_NAME else int):
                raise ValueError(f'must be an object with a {"text" if key == FILE_NAME else "number"} "{key}"')
            yield line, _keyed({name.strip(): _plain(name, value) for name, value in row.items()}, key)
        except (ValueError, RecursionError) as error:
            problems.add(
                where, f"cannot be read ({str(error) or 'nested too deeply'}); write one JSON object on a line"
            )
            if named := NAMED.search(written):
                yield line, {FILE_NAME: named[1]}


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


def _rows_by_picture(file: str, rows: list[Row], pictures: set[str], problems: Problems) -> dict[str, Row]:
    """The row of each picture; those of none, and the second of one, are problems."""
    found: dict[str, Row] = {}
    folded = {name.casefold(): name for name in pictures}
    stems = {str(PurePosixPath(name).with_suffix("")): name for name in pictures}
    for line, row in rows:
        name, where = unicodedata.normalize("NFC", row[FILE_NAME].removeprefix("./")), f"{file}, line {line}"
        if name in found:
            problems.add(where, f"{name} is on line {found[name][0]} already; keep one of the two lines")
        elif name in pictures:
            found[name] = line, row
        elif not name:
            problems.add(where, f"{FILE_NAME} is blank; name the picture")
        elif name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or name[1:2] == ":":
            problems.add(where, f'{name!r} must be a path from the folder downwards, with "/" between its parts')
        else:
            close = folded.get(name.casefold()) or stems.get(name)
            problems.add(
                where,
                f"there is no picture {name!r}; " + (f"write {close!r}" if close else "add it, or take the line away"),
            )
    return found


def _class_folders(pictures: list[str], problems: Problems) -> Table:
    """The first folder in the path of each picture is its class; no labels where none has a folder, or all the same."""
    classes = {name: PurePosixPath(name).parts[0] if "/" in name else "" for name in pictures}
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
