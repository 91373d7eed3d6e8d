"""schema.yaml: what the columns of people's own labels mean, beyond what can be seen in them."""

from __future__ import annotations

from typing import Any, Literal

import yaml
from pydantic import field_validator

from conf import Refusal, Settings, Text, setting
from data.folder_source import SCHEMA_FILE, Problems, Source

SMALLEST, LARGEST = 8, 128  # sides of pictures, in pixels
MAX_COLOURS = 1024  # of pixel art in all
MAX_PALETTE = 4096  # of pictures that people call pixel art
MAX_GREYS = 32  # of grey pixel art: more than a few levels of 256 are shades, as in a photograph
Colour = list[int]  # red, green, blue


class Preparation(Settings):
    """What is made of the pictures, said on the command line or in schema.yaml; null where it is not said."""

    alpha: Literal["keep", "background"] | None = setting(
        None,
        "keep transparency, as a fourth channel, or lay pictures on the background; null for what schema.yaml says, "
        "else keep",
    )
    background: Colour | None = setting(
        None, "behind transparent pixels: red, green and blue; null for what schema.yaml says, else black"
    )
    pixel_art: bool | None = setting(
        None,
        "whether samples are quantised to the colours of the pictures; null for what schema.yaml says, else true where "
        f"there are few: {MAX_COLOURS:,} at most, of grey pictures {MAX_GREYS}",
    )
    size: list[int] | None = setting(
        None,
        "height and width, or one number for both, of which the pictures are copies enlarged by a whole number; null "
        "for what schema.yaml says, else for their own",
    )
    sheet: Text | None = setting(
        None,
        "sprite sheet in the folder, of tiles of `size`, which metadata.csv lists in a column id by their numbers, "
        "from 0; null for what schema.yaml says, else for a file for each picture",
    )
    resize: Literal["area", "lanczos", "nearest"] | None = setting(
        None,
        "filter by which pictures are scaled down to `size`, cropped at their middle to its proportions; null for what "
        "schema.yaml says, else to refuse other sizes",
    )

    @field_validator("size", mode="before")
    @classmethod
    def _square(cls, size: Any) -> Any:
        """One number stands for a square."""
        return [size, size] if isinstance(size, int) and not isinstance(size, bool) else size

    @field_validator("size")
    @classmethod
    def _sides(cls, size: list[int] | None) -> list[int] | None:
        if size is not None and (len(size) != 2 or not all(SMALLEST <= side <= LARGEST for side in size)):
            raise ValueError(f"a size is two whole numbers from {SMALLEST} to {LARGEST}: height and width, in pixels")
        return size

    @field_validator("background")
    @classmethod
    def _levels(cls, colour: list[int] | None) -> list[int] | None:
        if colour is not None and (len(colour) != 3 or not all(0 <= level <= 255 for level in colour)):
            raise ValueError("a colour is three whole numbers from 0 to 255: red, green and blue")
        return colour


class FolderSchema(Preparation):
    """What schema.yaml can say."""

    groups: dict[str, list[Text]] = setting({}, "names for any of several values of a column: hat: [cap, crown]")
    aliases: dict[str, Text] = setting({}, "other words for a name, in any language: chapeau: hat")
    blank: Literal["unknown", "none"] = setting("unknown", "what a blank cell means: nobody knows, or nothing is there")
    ignore: list[Text] = setting([], "columns that are not used, such as captions")


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
