"""Published data sets as zip files that `dataset=folder` reads: CelebA, CIFAR-10, and those that EDM's tools wrote.

Pictures are copied as they are. Nothing is unpacked to the disk, and no pickle is read.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image

from conf import Settings, Text, one_of, setting
from data.atomic import atomic
from data.folder_source import CSV
from data.folder_table import CLASS, FILE_NAME

UNREADABLE = (
    OSError, EOFError, RuntimeError, UnicodeError, json.JSONDecodeError, lzma.LZMAError, tarfile.TarError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
Rows = Iterator[tuple[str, bytes, list[str]]]  # of each picture its name, its file, and its values


class Published(Settings):
    """Where a published data set lies, and how it is read."""

    path: Text | None = setting(None, "the published file")

    @property
    def typed(self) -> str:
        """The setting that messages name."""
        return f"source.path={self.path}"

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
                content = np.frombuffer(self._content(archive, files, f"{batch}.bin"), np.uint8)
                if len(content) % self.RECORD or (content[:: self.RECORD] >= len(names)).any():
                    raise ValueError(f"{self.typed}: {batch}.bin is damaged; fetch the file again")
                records = content.reshape(-1, self.RECORD)
                for i, record in enumerate(records):
                    yield f"{batch}/{i:05d}.png", _png(record[1:].reshape(3, 32, 32)), [names[record[0]]]

    def _content(self, archive: tarfile.TarFile, files: dict[str, tarfile.TarInfo], name: str) -> bytes:
        if name not in files:
            raise ValueError(f"{self.typed}: holds no {name}; give the binary version, cifar-10-binary.tar.gz")
        return archive.extractfile(files[name]).read()


class CelebA(Published):
    """CelebA with its 40 attributes, from img_align_celeba.zip and list_attr_celeba.txt"""

    name: Literal["celeba"] = "celeba"
    attributes: Text | None = setting(None, "list_attr_celeba.txt; null for the one beside `path`")

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        table = Path(self.attributes) if self.attributes else Path(self.path).with_name("list_attr_celeba.txt")
        with _reading(f"source.attributes={table}"):
            lines = table.read_text(encoding="ascii").splitlines()
        columns = lines[1].split() if len(lines) > 2 and lines[0].strip().isdecimal() else []
        found = {parts[0]: parts[1:] for parts in map(str.split, lines[2:]) if parts}
        if not columns or any(len(values) != len(columns) or {*values} - {"1", "-1"} for values in found.values()):
            raise ValueError(f"source.attributes={table}: is not the published list_attr_celeba.txt; fetch it again")
        return columns, self._rows(found)

    def _rows(self, found: dict[str, list[str]]) -> Rows:
        with zipfile.ZipFile(self.path) as archive:
            for info in _pictures(archive):
                name = Path(info.filename).name
                if name not in found:
                    raise ValueError(f"{self.typed}: {name} is not in the list of attributes; fetch both again")
                yield name, archive.read(info.filename), ["yes" if value == "1" else "no" for value in found[name]]


class EDM(Published):
    """a zip file that dataset_tool.py of EDM or StyleGAN wrote, with dataset.json"""

    name: Literal["edm"] = "edm"

    def columns_and_rows(self) -> tuple[list[str], Rows]:
        with zipfile.ZipFile(self.path) as archive:
            if "dataset.json" not in archive.namelist():
                raise ValueError(f"{self.typed}: holds no dataset.json; give a zip file that dataset_tool.py wrote")
            labels = self._labels(json.loads(archive.read("dataset.json")))
        return [CLASS] if labels else [], self._rows(labels)

    def _labels(self, written: Any) -> dict[str, int]:
        """The class of each picture; empty where they have none."""
        pairs = (written.get("labels") or []) if isinstance(written, dict) else None
        if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise ValueError(f"{self.typed}: dataset.json is not as dataset_tool.py writes it; make it again")
        return {str(name): label for name, label in pairs}

    def _rows(self, labels: dict[str, int]) -> Rows:
        with zipfile.ZipFile(self.path) as archive:
            for info in _pictures(archive):
                label = labels.get(info.filename)
                if labels and not isinstance(label, int):
                    raise ValueError(f"{self.typed}: dataset.json has no class for {info.filename}; make it again")
                yield info.filename, archive.read(info.filename), [str(label)] if labels else []


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
    with _reading(source.typed):
        columns, rows = source.columns_and_rows()
    try:
        with atomic(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # compressed already
            count = _copied(archive, columns, _read(source, rows))
    except OSError as error:
        raise ValueError(f"out={out}: cannot be written ({error.strerror}); name another file") from error
    return out, count


@contextmanager
def _reading(typed: str) -> Iterator[None]:
    """Puts into one line what is raised for files that are damaged, encrypted or of another kind."""
    try:
        yield
    except UNREADABLE as error:
        reason = (
            getattr(error, "strerror", None) or str(error).partition("\n")[0][:80].rstrip(":") or type(error).__name__
        )
        raise ValueError(f"{typed}: cannot be read ({reason}); fetch it again") from error


def _read(source: Published, rows: Rows) -> Rows:
    with _reading(source.typed):
        yield from rows


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


def _pictures(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    return (info for info in archive.infolist() if Path(info.filename).suffix.lower() in (".png", ".jpg", ".jpeg"))


def _png(pixels: np.ndarray) -> bytes:
    """(3, H, W) uint8 as a file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, format="PNG")
    return file.getvalue()
