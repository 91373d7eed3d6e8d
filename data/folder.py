"""People's own pictures: a folder or a zip file, with labels in a table, in the names of sub-folders, or without.

    my_sprites/metadata.csv    file_name, then one column per attribute
    my_sprites/**/*.png        or, without metadata.csv, one sub-folder per class
    my_sprites/schema.yaml     optional: groups, aliases, what a blank means, background, alpha, size

The format is that of Hugging Face's imagefolder. All that does not fit is told at once, and nothing is left out,
resized or guessed without being told.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from conditions.fields import NONE
from conditions.schema import UNKNOWN
from conf import Refusals, Request, Text, option, setting
from data.base import Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.folder_cache import prepared_once
from data.folder_pictures import duplicates
from data.folder_prepared import Prepared
from data.folder_schema import Labels, labels_of
from data.folder_settings import MAX_PALETTE, FolderSchema, Preparation, read_schema_file
from data.folder_sheet import ID, sheet_source
from data.folder_source import Problems, Source, open_source, refuse_unread
from data.folder_table import FILE_NAME, Table, read_table
from data.palette import Palette

log = logging.getLogger(__name__)

FEWEST = 20  # pictures, of which three in twenty are held out
ROWS = 8  # of the sample grids
BLACK = (0, 0, 0)


@dataclass(frozen=True)
class Contents:
    """All that a folder holds, which fits together; table and labels are in the order of the pictures.

    settings : what schema.yaml says, with what was set besides
    """

    name: str
    source: Source
    table: Table
    prepared: Prepared
    labels: Labels
    settings: FolderSchema

    @cached_property
    def images(self) -> Tensor:
        """(N, C, H, W) uint8, as they are trained on."""
        return torch.from_numpy(self.prepared.images)

    @property
    def backdrop(self) -> tuple[int, ...]:
        return tuple(self.settings.background or BLACK)

    @cached_property
    def palette(self) -> Palette | None:
        return self.prepared.palette(self.settings.pixel_art)

    @cached_property
    def same(self) -> list[list[int]]:
        """Rows of pictures with equal pixels."""
        return duplicates(self.images)

    def dataset(self) -> InMemoryDataset:
        ids, known = torch.from_numpy(self.prepared.ids), self.labels
        return InMemoryDataset(self.name, self.images, known.labels, known.schema, self.palette, ids)


class Folder(Preparation, Dataset):
    """pictures of your own: a folder or a zip file"""

    name: Literal["folder"] = "folder"
    path: Text | None = setting(None, "of the folder or zip file, whose name the weights get")
    preview: list[Request] = previews("any")
    one_picture: bool | None = setting(
        None,
        "whether there is one picture to a complete label, as of a sprite, so that few steps suffice and exact match "
        "can be measured; null for what the pictures say",
    )

    @property
    def determined(self) -> bool:
        return self.one_picture is not False

    @property
    def collection(self) -> str:
        """The name of the folder, or that of the zip file without .zip. Raises ValueError where there is none."""
        name = re.sub(r"\.zip$", "", Path(self.path).resolve().name, flags=re.IGNORECASE) if self.path else ""
        if not name:
            raise ValueError("dataset.path: name the folder of your pictures, such as dataset.path=my_sprites")
        if name in {option(cls) for cls in Dataset.__subclasses__()}:
            raise ValueError(f"dataset.path={self.path}: {name} is a data set of its own; give the folder another name")
        return name

    @property
    def backdrop(self) -> tuple[int, ...]:
        return tuple(self.background or BLACK)

    def is_there(self, data_root: str) -> bool:
        return self.path is not None and Path(self.path).exists()

    def load(self, data_root: str) -> Splits:
        """All of it, split by the names of the files. Raises Refusals, a ValueError, for all that does not fit."""
        problems = Problems(f"dataset.path={self.path}")
        contents = self.read(data_root, problems)
        if problems.lines or contents is None:
            raise Refusals(problems.where, problems.lines)
        for note in contents.labels.notes:
            log.warning("%s: %s", self.collection, note)
        if not len(contents.labels.schema):
            log.warning("%s: no labels, so that nothing can be asked for: the model is unconditional", self.collection)
        return split_by_id(contents.dataset())

    def read(self, data_root: str, problems: Problems) -> Contents | None:
        """What the folder holds; None where that does not fit together, which `problems` then says."""
        name, source = self.collection, open_source(Path(self.path), problems)
        if source is None:
            return None
        schema = self.over(read_schema_file(source, problems))
        if schema.resize and not schema.size:
            problems.add("resize", f"{schema.resize}, but to which size? Add dataset.size=64, for example")
        if schema.sheet:
            source = sheet_source(source, schema.sheet, schema.size, problems)
        refuse_unread(source, problems)
        table = read_table(source, problems, ID if schema.sheet else FILE_NAME)
        if not source.pictures:
            problems.add(self.path, "holds no pictures; give the folder that holds them, as PNG for example")
        elif len(source.pictures) < FEWEST:
            problems.add(self.path, f"{len(source.pictures)} pictures; a training needs {FEWEST} at least")
        labels = labels_of(table, schema, problems)
        background = (schema.background or BLACK) if schema.alpha == "background" else None
        prepared = prepared_once(source, name, schema, background, data_root, problems)
        if prepared is None:
            return None
        labels = replace(labels, labels=labels.labels[prepared.rows])
        contents = Contents(name, source, table.ordered(prepared.rows.tolist()), prepared, labels, schema)
        if schema.pixel_art and contents.palette is None:
            problems.add("pixel_art", f"more than {MAX_PALETTE:,} colours, which is no pixel art; leave it out")
            return None
        return contents

    def over(self, schema: FolderSchema) -> FolderSchema:
        """What schema.yaml says, but for what is set here."""
        given = {name: getattr(self, name) for name in Preparation.model_fields}
        return schema.replace(**{name: value for name, value in given.items() if value is not None})

    def settled(self, train: InMemoryDataset) -> Folder:
        """With what schema.yaml and the labels say in the place of what was left out."""
        problems = Problems("")
        source = open_source(Path(self.path), problems)
        schema = self.over(read_schema_file(source, problems) if source else FolderSchema())
        return self.replace(
            alpha="keep" if train.image_shape[0] == 4 else "background",
            background=list(schema.background or BLACK),
            pixel_art=train.palette is not None,
            size=schema.size,
            resize=schema.resize,
            sheet=schema.sheet,
            preview=common_values(train) if self.preview == ["any"] else self.preview,
            one_picture=one_picture(train) if self.one_picture is None else self.one_picture,
        )


def one_picture(train: InMemoryDataset) -> bool:
    """Whether no two different training pictures have one complete label."""
    first: dict[bytes, int] = {}
    complete = (train.labels != UNKNOWN).all(dim=1).nonzero()[:, 0].tolist()
    same = ((row, first.setdefault(train.labels[row].numpy().tobytes(), row)) for row in complete)
    return all(row == other or torch.equal(train.images[row], train.images[other]) for row, other in same)


def common_values(train: InMemoryDataset) -> list[str]:
    """The values that most training pictures have, in the order of the schema; "any" where there are no labels."""
    counts = [
        (int((train.labels[:, f] == v).sum()), value)
        for f, field in enumerate(train.schema.fields)
        for v, value in enumerate(field.values)
        if value != NONE and not field.slot
    ]
    chosen = {value for _, value in sorted(counts, key=lambda pair: -pair[0])[:ROWS]}
    return [value for _, value in counts if value in chosen] or ["any"]
