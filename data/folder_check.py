"""What a folder of pictures holds, as a report: what a model can learn from it, and what it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from conditions.fields import NONE
from conditions.schema import UNKNOWN, ConditionSchema
from conf import Device, Settings, Text, setting
from data.base import InMemoryDataset, data_root, split_by_id
from data.folder import Contents, Folder
from data.folder_pictures import most_colours
from data.folder_source import CSV

RARE = 20  # training pictures; of fewer, a model learns the pictures rather than the value
SHOWN = 20  # lines of a list
NO_EQUAL = "No two pictures are equal."
NO_LABELS = f"No labels, so a model trains unconditionally; write them in {CSV}, or make a folder for each class."


class CheckSettings(Settings):
    """Say what a folder of pictures holds, and what is wrong: python scripts/check_data.py dataset.path=my_sprites"""

    program: ClassVar[str] = "check_data"
    dataset: Folder = Folder()
    out: Text | None = setting(None, "folder to write report.md to, new or empty; null makes checks/<time>-<name>")
    forecast: bool = setting(True, "time a few steps of a training, to say how long it takes on this machine")
    device: Device = setting("auto", "that is timed; auto takes the fastest that is there")
    data_root: Text = data_root()


def problems_report(name: str, lines: Sequence[str]) -> str:
    """All that has to be fixed, as Markdown."""
    return f"# {name}\n\n{len(lines)} things to fix.\n\n" + "".join(f"- {line}\n" for line in lines)


class Count(NamedTuple):
    """How many pictures have a value of a column, in all and to train on; of `value` None, how many have no label."""

    column: str
    value: str | None
    pictures: int
    training: int

    @property
    def rare(self) -> bool:
        """Whether a model will hardly learn it."""
        return self.value is not None and self.training < RARE


@dataclass(frozen=True)
class Report:
    """What a folder that fits together holds.

    about  : lines on the pictures as a whole
    equal  : lines on pictures with equal pixels, of which the first speaks of all; empty where there are none
    counts : of each value of each column, in the order of the schema
    notes  : lines on what a person should know
    """

    name: str
    about: list[str]
    equal: list[str]
    counts: list[Count]
    notes: list[str]

    def to_markdown(self) -> str:
        lines = [f"# {self.name}\n", *self.about]
        if self.equal:
            lines += ["\n## Equal pictures\n", f"{self.equal[0]}\n", *(f"- {line}" for line in self.equal[1:])]
        else:
            lines.append(f"{NO_EQUAL}\n")
        if self.counts:
            lines.append(
                "\n## Values\n\n| column | value | pictures | to train on | |\n| --- | --- | --- | --- | --- |"
            )
        else:
            lines.append(f"\n{NO_LABELS}")
        for count in self.counts:
            rare = f"rare: of fewer than {RARE}, expect copies, or none" if count.rare else ""
            shown = "not known" if count.value is None else count.value
            lines.append(f"| {count.column} | {shown} | {count.pictures} | {count.training} | {rare} |")
        if self.notes:
            lines += ["\n## Notes\n", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"


def report(contents: Contents) -> Report:
    """All that there is to say of a folder."""
    data, left = contents.dataset(), contents.source.left
    notes = [*contents.labels.notes, *_together(data)]
    if left:
        notes.append(f"neither pictures nor labels, and not used: {_some(sorted(left))}")
    return Report(
        contents.name, list(_pictures(contents, data)), list(_equal(contents, data)), list(_counts(data)), notes
    )


def _pictures(contents: Contents, data: InMemoryDataset) -> Iterator[str]:
    channels, height, width = data.image_shape
    splits = split_by_id(data)
    kind = {1: "grey", 3: "colour", 4: "colour with transparency"}[channels]
    yield f"{len(data)} pictures of {width} x {height} pixels, {kind}."
    if contents.settings.size:
        yield from _sizes(contents, height, width)
    parts = (splits.train, splits.validation, splits.test)
    by = "the numbers of the tiles" if contents.settings.sheet else "the names of the files"
    yield f"{{}} to train on, {{}} for validation, {{}} for test, by {by}.".format(*map(len, parts))
    yield _colours(contents, "grey levels" if channels == 1 else "colours", most_colours(channels))
    if contents.prepared.transparent:
        laid = f"laid on the colour {list(contents.backdrop)}"
        yield f"Some pixels are transparent; they are {'kept so' if channels == 4 else laid}."
    if not len(splits.validation) or not len(splits.test):
        yield "So few pictures that not every split has some; figures on an empty one cannot be measured."


def _sizes(contents: Contents, height: int, width: int) -> Iterator[str]:
    """Which sizes the files have, and what became of them."""
    sizes = Counter(map(tuple, contents.prepared.sizes.tolist()))
    for (h, w), count in sizes.most_common(SHOWN):
        if (h, w) == (height, width):
            continue
        how = f"scaled down by the filter {contents.settings.resize}" if contents.settings.resize else "unenlarged"
        if h % height == 0 and h * width == w * height:
            how = f"{h // height} times as large, " + how
        elif h * width != w * height:
            how += ", after cropping them at their middle"
        yield f"{count} of them from files of {w} x {h} pixels, {how}."
    if len(sizes) > SHOWN:
        yield f"And from {len(sizes) - SHOWN} more sizes, of the rarest."


def _colours(contents: Contents, what: str, limit: int) -> str:
    """Whether the pictures are pixel art, and why."""
    palette, why = contents.palette, "as pixel_art says"
    if palette is None:
        why = why if contents.settings.pixel_art is False else f"more than {limit:,} {what}"
        return f"Not pixel art ({why}), so that samples may have any colour."
    why = why if contents.settings.pixel_art else f"at most {limit:,}"
    return f"Pixel art of {len(palette):,} {what} ({why}), so that samples are quantised to these."


def _equal(contents: Contents, data: InMemoryDataset) -> Iterator[str]:
    if not contents.same:
        return
    rows = sum(map(len, contents.same))
    yield f"{rows} pictures are not the only ones with their pixels. Equal ones share a split, so that none leaks."
    names = contents.table.names
    for same in contents.same[:SHOWN]:
        differ = bool((data.labels[same] != data.labels[same[:1]]).any())
        yield _some([names[row] for row in same]) + (", with different labels" if differ else "")
    if len(contents.same) > SHOWN:
        yield f"and {len(contents.same) - SHOWN} more groups"


def _counts(data: InMemoryDataset) -> Iterator[Count]:
    train = split_by_id(data).train.labels
    for f, field in enumerate(data.schema.fields):
        for v, value in [*enumerate(field.values), (UNKNOWN, None)]:
            pictures, training = (int((labels[:, f] == v).sum()) for labels in (data.labels, train))
            if value is not None or pictures:
                yield Count(field.name, value, pictures, training)


def _together(data: InMemoryDataset) -> Iterator[str]:
    """Values that the same pictures have, which a model cannot tell apart."""
    for one, other in always_together(data.schema, data.labels):
        yield f"{one} and {other} always occur together, so that no model can tell them apart"


def always_together(schema: ConditionSchema, labels: Tensor) -> list[tuple[str, str]]:
    """Pairs of values of different columns that exactly the same pictures have, of labels (N, F)."""
    found: dict[bytes, list[tuple[int, str]]] = {}
    for f, field in enumerate(schema.fields):
        for v, value in enumerate(field.values):
            has = labels[:, f] == v
            if not field.slot and value != NONE and bool(has.any()):
                found.setdefault(has.to(torch.uint8).numpy().tobytes(), []).append((f, value))
    return [(a, b) for same in found.values() for (f, a), (g, b) in combinations(same, 2) if f != g]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
