"""Published data sets as zip files that `dataset=folder` reads: CelebA, CIFAR-10, and those that EDM's tools wrote.

Pictures are copied as they are. Nothing is unpacked to the disk, and no pickle is read.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from conf import Settings, Text, one_of, setting
from data.folder_source import CSV
from data.folder_table import CLASS, FILE_NAME

Rows = Iterator[tuple[str, bytes, list[str]]]  # of each picture its name, its file, and its values


class Published(Settings):
    """Where a published data set lies, and how it is read."""

    path: Text | None = setting(None, "the published file")

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        """The columns of the table, and each picture. Raises ValueError for another kind of file."""
        raise NotImplementedError


class Cifar10(Published):
    """CIFAR-10, from the binary version: cifar-10-binary.tar.gz"""

    name: Literal["cifar10"] = "cifar10"
    RECORD: ClassVar[int] = 1 + 3 * 32 * 32  # the class, then red, green and blue, row by row

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        return [CLASS], self._rows()

    def _rows(self) -> Rows:
        with tarfile.open(self.path) as archive:
            files = {Path(member.name).name: member for member in archive if member.isfile()}
            names = self._content(archive, files, "batches.meta.txt").decode("ascii").split()
            for batch in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
                content = self._content(archive, files, f"{batch}.bin")
                if len(content) % self.RECORD:
                    raise ValueError(f"path={self.path}: {batch}.bin is damaged; fetch the file again")
                records = np.frombuffer(content, np.uint8).reshape(-1, self.RECORD)
                for i, record in enumerate(records):
                    yield f"{batch}/{i:05d}.png", _png(record[1:].reshape(3, 32, 32)), [names[record[0]]]

    def _content(self, archive: tarfile.TarFile, files: dict[str, tarfile.TarInfo], name: str) -> bytes:
        if name not in files:
            raise ValueError(f"path={self.path}: holds no {name}; give the binary version, cifar-10-binary.tar.gz")
        return archive.extractfile(files[name]).read()


class CelebA(Published):
    """CelebA with its 40 attributes, from img_align_celeba.zip and list_attr_celeba.txt"""

    name: Literal["celeba"] = "celeba"
    attributes: Text | None = setting(None, "list_attr_celeba.txt; null for the one beside `path`")

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        table = Path(self.attributes) if self.attributes else Path(self.path).with_name("list_attr_celeba.txt")
        lines = table.read_text(encoding="ascii").splitlines()
        columns = lines[1].split() if len(lines) > 2 and lines[0].strip().isdecimal() else []
        found = {parts[0]: parts[1:] for parts in map(str.split, lines[2:]) if parts}
        if not columns or any(len(values) != len(columns) or {*values} - {"1", "-1"} for values in found.values()):
            raise ValueError(f"attributes={table}: is not the published list_attr_celeba.txt; fetch it again")
        return columns, self._rows(found)

    def _rows(self, found: dict[str, list[str]]) -> Rows:
        with zipfile.ZipFile(self.path) as archive:
            for info in _pictures(archive):
                name = Path(info.filename).name
                if name not in found:
                    raise ValueError(f"path={self.path}: {name} is not in the list of attributes; fetch both again")
                yield name, archive.read(info), ["yes" if value == "1" else "no" for value in found[name]]


class EDM(Published):
    """a zip file that dataset_tool.py of EDM or StyleGAN wrote, with dataset.json"""

    name: Literal["edm"] = "edm"

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        with zipfile.ZipFile(self.path) as archive:
            if "dataset.json" not in archive.namelist():
                raise ValueError(f"path={self.path}: holds no dataset.json; give a zip file that dataset_tool.py wrote")
            labels = json.loads(archive.read("dataset.json")).get("labels")
        return [CLASS] if labels else [], self._rows(dict(labels or []))

    def _rows(self, labels: dict[str, int]) -> Rows:
        with zipfile.ZipFile(self.path) as archive:
            for info in _pictures(archive):
                label = labels.get(info.filename)
                if labels and not isinstance(label, int):
                    raise ValueError(f"path={self.path}: dataset.json has no class for {info.filename}; make it again")
                yield info.filename, archive.read(info), [str(label)] if labels else []


PUBLISHED = (CelebA, Cifar10, EDM)
AnyPublished = one_of(PUBLISHED)


class ImportSettings(Settings):
    """Make a zip file for dataset=folder: python scripts/import_data.py source=edm source.path=dataset.zip"""

    program: ClassVar[str] = "import_data"
    source: AnyPublished = Cifar10()
    out: Text | None = setting(None, "zip file to write, a new one; null for the name of the source in this folder")


def import_data(settings: ImportSettings) -> tuple[Path, int]:
    """Write the zip file, whole or not at all; returns it and the number of its pictures. Raises ValueError."""
    source, out = settings.source, Path(settings.out or f"{settings.source.name}.zip")
    if source.path is None:
        raise ValueError(f"source.path: name the published file of {source.name}")
    if out.exists():
        raise ValueError(f"out={out}: is there already; name another file")
    try:
        columns, rows = source.columns_and_rows()
        with _written(out) as archive:
            count = _copied(archive, columns, rows)
    except (OSError, UnicodeError, tarfile.TarError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        file = getattr(error, "filename", None) or source.path
        raise ValueError(f"source.path={source.path}: {file} cannot be read ({reason}); fetch it again") from error
    return out, count


def _copied(archive: zipfile.ZipFile, columns: list[str], rows: Rows) -> int:
    table = io.StringIO()
    writer, count = csv.writer(table), 0
    writer.writerow([FILE_NAME, *columns])
    for name, content, values in rows:
        archive.writestr(name, content)
        writer.writerow([name, *values])
        count += 1
    archive.writestr(CSV, table.getvalue())  # also without columns, or the folders of an archive would be classes
    return count


@contextmanager
def _written(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file that is there once all of it is written; pictures are compressed already."""
    part = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            yield archive
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _pictures(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    return (info for info in archive.infolist() if Path(info.filename).suffix.lower() in (".png", ".jpg", ".jpeg"))


def _png(pixels: np.ndarray) -> bytes:
    """(3, H, W) uint8 as a file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, format="PNG")
    return file.getvalue()
