"""People's own pictures: a folder or a zip file, with labels in a table, in the names of sub-folders, or without.

    my_sprites/metadata.csv    file_name, then one column per attribute
    my_sprites/**/*.png        or, without metadata.csv, one sub-folder per class
    my_sprites/schema.yaml     optional: groups, aliases, what a blank means, background, alpha, size

The format is that of Hugging Face's imagefolder. All that does not fit is told at once, and nothing is left out,
resized or guessed without being told.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from conditions.fields import NONE
from conf import Refusals, Request, Text, option, setting
from data.base import MODULUS, Dataset, InMemoryDataset, Splits, previews, split_by_id
from data.folder_cache import decoded_once
from data.folder_pictures import Decoded, as_trained, duplicates, palette_of, refuse_filtered_art
from data.folder_schema import Labels, labels_of
from data.folder_settings import MAX_PALETTE, FolderSchema, Preparation, read_schema_file
from data.folder_sheet import ID, number_of, sheet_source
from data.folder_source import Problems, Source, open_source
from data.folder_table import FILE_NAME, Table, read_table
from data.palette import Palette

log = logging.getLogger(__name__)

FEWEST = 20  # pictures, of which three in twenty are held out
ROWS = 8  # of the sample grids
BLACK = (0, 0, 0)
NUMBERS = 16**12  # that names can have, hashed to so many digits, or as tiles of a sheet
BEYOND = -(-NUMBERS // MODULUS) * MODULUS  # the next multiple


@dataclass(frozen=True)
class Contents:
    """All that a folder holds, which fits together.

    decoded  : the pictures in RGBA, in the order of the table
    settings : what schema.yaml says, with what was set besides
    """

    name: str
    source: Source
    table: Table
    decoded: Decoded
    labels: Labels
    settings: FolderSchema

    @cached_property
    def images(self) -> Tensor:
        """(N, C, H, W) uint8, as they are trained on."""
        return as_trained(self.decoded.straight, self.settings.alpha != "background", self.backdrop)

    @property
    def backdrop(self) -> tuple[int, ...]:
        return tuple(self.settings.background or BLACK)

    @cached_property
    def palette(self) -> Palette | None:
        return palette_of(self.images, self.settings.pixel_art)

    @cached_property
    def same(self) -> list[list[int]]:
        """Rows of pictures with equal pixels."""
        return duplicates(self.images)

    def dataset(self) -> InMemoryDataset:
        ids = picture_ids(self.table.names, self.same, number_of if self.settings.sheet else hashed)
        return InMemoryDataset(self.name, self.images, self.labels.labels, self.labels.schema, self.palette, ids)


class Folder(Preparation, Dataset):
    """pictures of your own: a folder or a zip file"""

    name: Literal["folder"] = "folder"
    path: Text | None = setting(None, "of the folder or zip file, whose name the weights get")
    preview: list[Request] = previews("any")

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
        table = read_table(source, problems, ID if schema.sheet else FILE_NAME)
        if not source.pictures:
            problems.add(self.path, "holds no pictures; give the folder that holds them, as PNG for example")
        elif len(source.pictures) < FEWEST:
            problems.add(self.path, f"{len(source.pictures)} pictures; a training needs {FEWEST} at least")
        labels = labels_of(table, schema, problems)
        decoded = decoded_once(source, name, source.pictures, schema, data_root, problems)
        refuse_filtered_art(decoded, source, source.pictures, schema.pixel_art, problems)
        if problems.lines:
            return None
        contents = Contents(name, source, table, decoded, labels, schema)
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
        )


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


def hashed(name: str) -> int:
    """A number that follows from the name alone, so that a picture keeps its split when others are added."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)


def picture_ids(names: list[str], same: list[list[int]], number: Callable[[str], int] = hashed) -> Tensor:
    """(N,) int64: the `number` of each name.

    same : rows of pictures with equal pixels, which share one split: that of the shortest name, since copies get
           longer ones
    """
    ids = [number(name) for name in names]
    for rows in same:
        split = ids[min(rows, key=lambda row: (len(names[row]), names[row]))] % MODULUS
        for row in rows:
            if ids[row] % MODULUS != split:
                ids[row] = BEYOND + MODULUS * ids[row] + split  # so that no two get the same
    return torch.tensor(ids, dtype=torch.int64)
