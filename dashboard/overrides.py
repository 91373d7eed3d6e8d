"""Overrides: what is chosen on a page, as sample.py and train.py take it, and what a visitor may not set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conf import Settings, groups
from runtime.settings import command_line, key_of, options, override


def overrides_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """`key=value` for each setting; one that is None is left out, so that its default holds."""
    return tuple(override(key, value) for key, value in settings.items() if value is not None)


def command(program: str, overrides: Sequence[str]) -> str:
    """What does the same in a terminal."""
    return command_line(f"{program}.py", overrides)


def refuse(overrides: Sequence[str], cls: type[Settings]) -> None:
    """Raises ValueError for what a visitor of a page has no business to ask: other files, and the environment."""
    for typed in overrides:
        key, value = key_of(typed), typed.partition("=")[2]
        if "${" in value:
            raise ValueError(f"{typed}: holds ${{, with which settings refer to others; leave it out")
        if key in groups(cls) and value not in (known := options(cls, key)):
            raise ValueError(f"{typed}: unknown; choose one of {', '.join(known)}")
