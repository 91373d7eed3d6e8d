"""What can be asked of each slot: the entries of the lists on the pages Generate and Edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conditions.fields import NONE, Field
from conditions.schema import ConditionSchema
from data import DATASETS
from data.folder_cache import FOLDER as DECODED


@dataclass(frozen=True)
class Choice:
    """One entry of a slot's list: `name` is what a request calls it, empty for "any"."""

    name: str
    kind: str  # any, none, group, not group, value


def folders_below(data_root: Path) -> list[Path]:
    """Folders and zip files that may hold a person's pictures: all but those of the other data sets."""
    taken = {DECODED, *(file.path.partition("/")[0] for cls in DATASETS for file in cls.files)}
    found = data_root.iterdir() if data_root.is_dir() else []
    return sorted(
        path
        for path in found
        if path.name not in taken and not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() == ".zip")
    )


def slot_choices(schema: ConditionSchema) -> dict[str, list[Choice]]:
    """For each slot: any, none, a group of values such as any hat, or one value."""
    choices = {}
    for field in schema.fields:
        if field.slot:
            continue
        groups = [other for other in schema.fields if other.slot == field.name]
        choices[field.name] = [Choice("", "any"), *_absence(field), *_groups(groups, field)]
        choices[field.name] += [Choice(value, "value") for value in field.values if value != NONE]
    return choices


def _absence(field: Field) -> list[Choice]:
    return [Choice(f"-{field.name}", "none")] if field.optional else []


def _groups(groups: Sequence[Field], field: Field) -> list[Choice]:
    """A group with one member is that value; that of all members is the slot itself."""
    choices = []
    for group in groups:
        name = next(value for value in group.values if value != NONE)
        if name not in field.values:
            whole = len(group.members) == len(field.values) - 1
            choices += [Choice(name, "group")] + ([] if whole else [Choice(f"-{name}", "not group")])
    return choices
