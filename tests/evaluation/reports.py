"""Reports as a reader takes them: tables by their headings, and what is drawn."""

import pytest


def tables(report: str) -> list[list[dict[str, str]]]:
    """The rows of each table of a report, as cells by the heading of their column."""
    found, lines = [], []
    for line in [*report.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip() for cell in line.split("|")[1:-1]])
        elif lines:
            header, _, *rows = lines
            found.append([dict(zip(header, row, strict=True)) for row in rows])
            lines = []
    return found


def rows(header: list[str], *cells: list[object]) -> list[dict[str, str]]:
    return [dict(zip(header, map(str, line), strict=True)) for line in cells]


def drawn_by(monkeypatch: pytest.MonkeyPatch, *functions: str) -> dict[str, tuple]:
    """What these functions of evaluation/ get to draw, in the place of files: {name of the file: other arguments}."""
    files = {}
    for function in functions:
        monkeypatch.setattr(f"evaluation.{function}", lambda path, *rest: files.update({path.name: rest}))
    return files
