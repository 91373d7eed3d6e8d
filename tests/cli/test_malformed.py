"""A table of what people mistype: each gets one line that names what was typed and what is allowed."""

import re

import pytest

from cli.app import check
from inference.comparison import plan
from inference.settings import CompareSettings
from runtime.settings import compose, key_of
from tests.cli.test_settings import PROGRAMS
from tests.programs import ROOT

LINE = re.compile(r"(\w+) +\| (.*)  \| (.+)")
TABLE = [
    LINE.fullmatch(line).groups()
    for line in (ROOT / "tests/cli/malformed.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
SETTINGS = {cls.program: cls for cls in PROGRAMS}


def arguments_of(typed: str) -> list[str]:
    """As a shell splits them; what has quotes or a space before the = is one argument."""
    return [typed] if {"'", '"'} & set(typed) or " =" in typed else typed.split(" ")


def test_the_table_is_large_and_holds_nothing_twice():
    assert len(TABLE) >= 300 and len({(program, typed) for program, typed, _ in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("program", "typed", "words"), TABLE, ids=[f"{p} {typed}" for p, typed, _ in TABLE])
def test_one_line_says_what_was_typed_and_what_is_allowed(program, typed, words, in_tmp):
    cls, arguments = SETTINGS[program], arguments_of(typed)
    with pytest.raises(ValueError) as refused:
        settings = compose(cls, [argument for argument in check(arguments, cls) if not argument.startswith("-")])
        if isinstance(settings, CompareSettings):
            plan([], settings.vary)
    line = str(refused.value)
    assert "\n" not in line and len(line) <= 400
    assert words in line
    named = [key_of(argument).strip("-'\" ").partition("=")[0] for argument in arguments]
    parts = {part for name in named for part in re.split(r"[.@/]", name) if part}
    assert any(part in line or part.replace("-", "_") in line for part in parts) or not parts, line
