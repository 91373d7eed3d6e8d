"""docs/REPORT.md in parts: what scripts/report.py wrote of each question, so that a page can show one by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

FIGURE = re.compile(r"!\[(?P<caption>.*)\]\((?P<file>[^)]*)\)")
DETAILS = re.compile(r"<details><summary>(?P<summary>.*)</summary>")
LINK = re.compile(r"\[([^]]+)\]\((?!https?:)[^)]*\)")  # to another file of the repository


class Text(NamedTuple):
    """Markdown, its links within the repository without their targets."""

    markdown: str


class Table(NamedTuple):
    """The heads of the columns but the first, and of each row its name and its cells."""

    heads: list[str]
    rows: list[tuple[str, list[str]]]


class Figure(NamedTuple):
    """A picture file."""

    path: Path
    caption: str


class Details(NamedTuple):
    """What is folded away below a line."""

    summary: str
    parts: list[Part]


Part = Text | Table | Figure | Details


def read(path: Path) -> dict[str, list[Part]]:
    """The parts of each section, by its title; what stands before the first, below "". Empty where there is no file."""
    if not path.is_file():
        return {}
    head, *sections = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {"": list(_parts(head.splitlines()[1:], path.parent))}
    for section in sections:
        title, *lines = section.splitlines()
        found[title] = list(_parts(lines, path.parent))
    return found


def tabulated(sections: dict[str, list[Part]]) -> list[str]:
    """The titles of the sections that have a table."""
    return [title for title, parts in sections.items() if any(isinstance(part, Table) for part in parts)]


def _parts(lines: Sequence[str], folder: Path) -> Iterator[Part]:
    """Blocks of lines, one after another."""
    rest = list(lines)
    while rest:
        line = rest[0]
        if match := DETAILS.match(line):
            end = rest.index("</details>")
            yield Details(match["summary"], list(_parts(rest[1:end], folder)))
            rest = rest[end + 1 :]
        elif match := FIGURE.match(line):
            yield Figure(folder / match["file"], match["caption"])
            rest = rest[1:]
        else:
            kind = _kind(line)
            block = _while(rest, lambda other, kind=kind: _kind(other) == kind)
            rest = rest[len(block) :]
            if kind == "table":
                yield _table(block)
            elif text := LINK.sub(r"\1", "\n".join(block)).strip():
                yield Text(text)


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    return "other" if DETAILS.match(line) or FIGURE.match(line) else "text"


def _while(lines: Sequence[str], holds) -> list[str]:
    count = next((i for i, line in enumerate(lines) if not holds(line)), len(lines))
    return list(lines[:count])


def _table(lines: Sequence[str]) -> Table:
    """Of a Markdown table; `code` in a cell is plain text."""
    header, _, *rows = ([cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines)
    return Table(header[1:], [(row[0], row[1:]) for row in rows])
