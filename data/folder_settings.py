"""schema.yaml: what the columns of people's own labels mean, beyond what can be seen in them."""

from __future__ import annotations

from typing import Any, Literal

import yaml
from pydantic import field_validator

from conf import Refusal, Settings, Text, setting
from data.folder_source import SCHEMA_FILE, Problems, Source

SMALLEST, LARGEST = 8, 128  # sides of pictures, in pixels
Colour = list[int]  # red, green, blue


def checked_colour(colour: list[int] | None) -> list[int] | None:
    """Raises ValueError for what is no colour."""
    if colour is not None and (len(colour) != 3 or not all(0 <= level <= 255 for level in colour)):
        raise ValueError("a colour is three whole numbers from 0 to 255: red, green and blue")
    return colour


def as_size(size: Any) -> Any:
    """One number stands for a square."""
    return [size, size] if isinstance(size, int) and not isinstance(size, bool) else size


def checked_size(size: list[int] | None) -> list[int] | None:
    """Raises ValueError for what is no height and width."""
    if size is not None and (len(size) != 2 or not all(SMALLEST <= side <= LARGEST for side in size)):
        raise ValueError(f"a size is two whole numbers from {SMALLEST} to {LARGEST}: height and width, in pixels")
    return size


class FolderSchema(Settings):
    """What schema.yaml can say."""

    groups: dict[str, list[Text]] = setting({}, "names for any of several values of a column: hat: [cap, crown]")
    aliases: dict[str, Text] = setting({}, "other words for a name, in any language: chapeau: hat")
    blank: Literal["unknown", "none"] = setting("unknown", "what a blank cell means: nobody knows, or nothing is there")
    ignore: list[Text] = setting([], "columns that are not used, such as captions")
    background: Colour | None = setting(None, "red, green and blue behind transparent pixels")
    alpha: Literal["keep", "background"] | None = setting(None, "keep transparency, or lay pictures on the background")
    pixel_art: bool | None = setting(None, "whether samples are quantised to the colours of the pictures")
    sheet: Text | None = setting(None, "sprite sheet in the folder, of tiles of that size, listed by a column id")
    size: list[int] | None = setting(None, "height and width, of which the pictures are enlarged copies")
    resize: Literal["area", "lanczos", "nearest"] | None = setting(None, "scale larger pictures down to that size")

    _square = field_validator("size", mode="before")(as_size)
    _colour = field_validator("background")(checked_colour)
    _size = field_validator("size")(checked_size)


class _Loader(yaml.SafeLoader):
    """Plain values alone; and nothing is said twice, or by reference, by which small files become huge."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not read", problem_mark=self.peek_event().start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            mark = node.value[i][0].start_mark
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"{key!r} is no text; put it in quotes", problem_mark=mark)
            if key in keys[:i]:
                raise yaml.MarkedYAMLError(problem=f"{key!r} is there twice", problem_mark=mark)
        return super().construct_mapping(node, deep)


def read_schema_file(source: Source, problems: Problems) -> FolderSchema:
    """What the folder's schema.yaml says; its defaults where there is none, and for what is wrong in it."""
    if SCHEMA_FILE not in source.sizes:
        return FolderSchema()
    text = source.text(SCHEMA_FILE, problems)
    try:
        given = yaml.load(text or "", Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problems.add(SCHEMA_FILE + line, f"{error.problem or error.context}; write it as YAML, such as blank: none")
        return FolderSchema()
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        problems.add(SCHEMA_FILE, f"cannot be read ({str(error).partition(chr(10))[0][:100]}); write it as YAML")
        return FolderSchema()
    if given is not None and not isinstance(given, dict):
        problems.add(SCHEMA_FILE, "must hold settings with names, such as blank: none")
        return FolderSchema()
    return _parsed(given or {}, problems)


def _parsed(given: dict[str, Any], problems: Problems) -> FolderSchema:
    """Each setting by itself, so that all that is wrong is found at once."""
    good = {}
    for name, value in given.items():
        try:
            FolderSchema(**{name: value})
            good[name] = value
        except Refusal as refusal:
            problems.add(SCHEMA_FILE, str(refusal))
    return FolderSchema(**good)
