"""What a person asks for in words: attrs, prompt and negative, in names, and how they were read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from conditions.phrases import example, understand
from conditions.reading import named, read_as_notes
from conditions.requests import Request
from inference.pipeline import Pipeline
from inference.settings import JobSettings


def read_negative(pipe: Pipeline, negative: str | None) -> tuple[str | None, list[str]]:
    """What to move away from, in names, and notes on how it was read; None where nothing was said."""
    if negative is None:
        return None, []
    names, read_as = named(pipe.schema, negative, "negative")
    label = pipe.schema.encode(names, "negative", negative)
    return ",".join(pipe.schema.names(label)) or "any", read_as_notes(read_as)


def read_asked(pipe: Pipeline, settings: JobSettings) -> tuple[str | list[str] | None, list[str]]:
    """What attrs or a prompt asks for, in names, and notes on how it was read."""
    if settings.prompt is not None:
        return read_prompt(pipe, settings.prompt)
    if settings.attrs is None:
        return None, []
    names, read_as = named(pipe.schema, settings.attrs)
    return names, read_as_notes(read_as)


def read_prompt(pipe: Pipeline, prompt: str) -> tuple[list[str], list[str]]:
    """What a phrase asks for, and notes on how it was read."""
    names, read_as, ignored = understand(pipe.schema, prompt)
    unknown = ", ".join(map(repr, ignored))
    if not names:
        raise ValueError(f"prompt={prompt!r}: {unknown}: nothing of that name is known; try {example(pipe.schema)}")
    return names, read_as_notes(read_as) + ([f"ignored: {unknown}, no such attribute"] if ignored else [])


def absence_notes(pipe: Pipeline, wanted: Any, requests: Sequence[Request]) -> list[str]:
    """What a person should know of names like "-mohawk", which negate more than they say."""
    tokens = re.split("[,|]", wanted) if isinstance(wanted, str) else [str(token) for token in wanted or ()]
    absent = [re.split("[:*]", token)[0].strip() for token in tokens]
    names = [name.lstrip("- ") for name in absent if name.startswith("-")]
    return [
        f"note: -{name} asks for no value of {field!r} at all; negative={name.lower()!r} moves away from it alone"
        for name in names
        if (field := pipe.schema.absence_covers(name))
        and any(r.label[pipe.schema.column[field]] == 0 for r in requests)
    ]
