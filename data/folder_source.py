"""Where people's pictures lie: a folder, or a zip file that is read without unpacking it."""

from __future__ import annotations

import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from data.pictures import MAX_BYTES

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp")
FOREIGN = (
    ".tif", ".tiff", ".tga", ".psd", ".svg", ".ico", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".ppm", ".pgm", ".xcf",
    ".ase", ".aseprite", ".kra", ".apng",
)  # fmt: skip
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")  # of operating systems; so are names that begin with a dot
CSV, JSONL, SCHEMA_FILE = "metadata.csv", "metadata.jsonl", "schema.yaml"  # at the top of the folder
MAX_FILES = 1_000_000
MAX_TOTAL = 20_000_000_000  # bytes, unpacked
MAX_TABLE = 500_000_000  # bytes; a line for each of MAX_FILES with 40 yes/no columns is 200 MB
LIMITS = {CSV: MAX_TABLE, JSONL: MAX_TABLE, SCHEMA_FILE: 1_000_000}  # bytes; of all others, MAX_BYTES


class Problems:
    """What is wrong with a folder, collected so that all of it is told at once.

    where : what the folder was called by the person, such as dataset.path=my_sprites
    """

    def __init__(self, where: str):
        self.where, self.lines = where, list[str]()

    def add(self, where: str, what: str) -> None:
        """`where` is a file, with its line where it has any; `what` is wrong there, and what to do."""
        self.lines.append(f"{where}: {what}")


@dataclass(frozen=True)
class Source:
    """The files of a folder or zip file.

    top     : the folder or zip file
    sizes   : bytes of each file, by its name: a path from the top with "/" between its parts
    times   : when each was last written, in nanoseconds, or a zip file's checksum of its content; with names and sizes,
              these tell whether anything has changed
    content : of a file, by name. Raises OSError or ValueError, without the name
    left    : files that are none of the data set: of the operating system, or of other kinds than pictures
    pictures: the names of all pictures, in order
    """

    top: Path
    sizes: dict[str, int]
    times: dict[str, int]
    content: Callable[[str], bytes]
    left: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def read(self, name: str) -> bytes:
        """The whole content of a file. Raises OSError or ValueError, without the name, also for too large a file."""
        most = LIMITS.get(name, MAX_BYTES)
        if self.sizes[name] > most:
            raise ValueError(f"{self.sizes[name] / 1e6:.3g} MB; files of at most {most / 1e6:g} MB are read")
        return self.content(name)

    def text(self, name: str, problems: Problems) -> str | None:
        """The content of a file in UTF-8; None for another, of which `problems` then tells."""
        try:
            content = self.read(name)
        except (OSError, ValueError) as error:
            problems.add(name, f"cannot be read ({error}); check it, or write it anew")
            return None
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            problems.add(name, "is written in UTF-16; save it as UTF-8")
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            problems.add(f"{name}, line {line}", "is not UTF-8; save the file as UTF-8")
            return None
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            problems.add(f"{name}, line {line}", "holds a zero byte, so it is no text; write it anew")
            return None
        return text


def open_source(path: Path, problems: Problems) -> Source | None:
    """The files below `path`; what is wrong with single ones goes to `problems`, and None is for a path without any."""
    try:
        if path.is_dir():
            return _sorted(_folder(path, problems), problems)
        if not path.exists():
            problems.add(str(path), "no such folder or zip file; give the folder that holds the pictures")
        elif not zipfile.is_zipfile(path):
            problems.add(str(path), "neither a folder nor a zip file; give the folder that holds the pictures")
        else:
            return _sorted(_zip(path, problems), problems)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        where = str(getattr(error, "filename", None) or path)  # a folder in it, for example
        problems.add(where, f"cannot be read ({_reason(error)}); check its permissions, or make the zip file anew")
    return None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__


def is_litter(name: str) -> bool:
    return any((part.startswith(".") and part != ".") or part in LITTER for part in name.split("/"))


def _sorted(source: Source, problems: Problems) -> Source:
    """Without litter and files of other kinds, which are listed in `left`; pictures that are not read are problems."""
    pictures = []
    for name in list(source.sizes):
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122, a path object for each of 100,000 files takes seconds
        if is_litter(name) or (suffix not in (*SUFFIXES, *FOREIGN) and name not in LIMITS):
            del source.sizes[name]
            source.left.append(name)
        elif suffix in FOREIGN:
            problems.add(name, f"{suffix[1:].upper()} files are not read; save it as PNG")
        elif suffix in SUFFIXES:
            pictures.append(name)
    return replace(source, pictures=sorted(pictures))


def _folder(path: Path, problems: Problems) -> Source:
    sizes, times, files = dict[str, int](), dict[str, int](), dict[str, str]()
    for number, (key, entry) in enumerate(_walked(path, "")):
        if number == MAX_FILES:  # the whole disk, for instance
            problems.add(str(path), f"more than {MAX_FILES:,} files; give the folder that holds the pictures alone")
            return Source(path, {}, {}, _nothing)
        if entry.is_file():
            about = entry.stat()
            if key in sizes:
                problems.add(key, "is there twice, with its accents written in two ways; rename one of them")
            sizes[key], times[key], files[key] = about.st_size, about.st_mtime_ns, entry.path
        elif entry.is_dir():
            problems.add(key, "a link to a folder, which is not followed; copy the folder")
        elif not is_litter(key):
            problems.add(key, "no file that can be read, or a link that leads nowhere; take it away")
    return Source(path, sizes, times, lambda name: Path(files[name]).read_bytes())


def _walked(folder: str | Path, before: str) -> Iterator[tuple[str, os.DirEntry]]:
    """All files below a folder, and links, by name: in one spelling, whichever way a file system writes accents."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = before + unicodedata.normalize("NFC", entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _walked(entry.path, f"{name}/")
            else:
                yield name, entry


def _zip(path: Path, problems: Problems) -> Source:
    archive = zipfile.ZipFile(path)
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_FILES or sum(info.file_size for info in infos) > MAX_TOTAL:
        problems.add(
            path.name, f"more than {MAX_FILES:,} files or {MAX_TOTAL / 1e9:.0f} GB; unpack it and give its folder"
        )
        return Source(path, {}, {}, _nothing)
    found = dict[str, zipfile.ZipInfo]()
    for info in infos:
        name = unicodedata.normalize("NFC", info.filename.removeprefix("./"))
        if fault := _fault(info, name, found):
            problems.add(f"{path.name}, {name!r}", fault)
        else:
            found[name] = info
    inside = [name for name in found if not is_litter(name) and not _is_remark(name)]
    tops = {name.partition("/")[0] if "/" in name else None for name in inside}
    if len(tops) == 1 and (top := tops.pop()) is not None:  # the folder itself was zipped, and not what is in it
        found = {name.removeprefix(f"{top}/"): info for name, info in found.items()}

    def content(name: str) -> bytes:
        try:
            return archive.read(found[name])  # no more than its size, and all of that, or its checksum is wrong
        except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, LZMAError) as error:
            raise ValueError(f"damaged in the zip file ({str(error)[:80]}); make the zip file anew") from None

    sizes = {name: info.file_size for name, info in found.items()}
    return Source(path, sizes, {name: info.CRC for name, info in found.items()}, content)


def _is_remark(name: str) -> bool:
    """Whether a file beside the folder in a zip file says something to people alone, such as README.txt."""
    return "/" not in name and name.lower().endswith((".txt", ".md", ".pdf", ".html"))


def refuse_unread(source: Source, problems: Problems) -> None:
    """Report files that look like labels, or like what labels mean, and lie or are called so that they are not read."""
    for kinds, ends, look in (
        ((CSV, JSONL), (".csv", ".tsv", ".jsonl", ".xlsx", ".parquet"), "a table"),
        ((SCHEMA_FILE,), ("schema.yml", "schema.yaml", "schema.json"), "a schema"),
    ):
        if any(name in source.sizes for name in kinds):
            continue
        for name in source.left:
            if name.lower().endswith(ends) and not is_litter(name):
                called = " or ".join(kinds)
                problems.add(name, f"looks like {look}, and is not read; call it {called}, at the top, or take it away")


def _nothing(name: str) -> bytes:
    raise ValueError("is not read")


def _fault(info: zipfile.ZipInfo, name: str, found: dict[str, zipfile.ZipInfo]) -> str:
    """Why an entry of a zip file is not read; empty where it is."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or ".." in parts or ":" in parts[0]:
        return 'leads out of the zip file, or has "\\" in its name; make the zip file anew'
    if info.flag_bits & 1:
        return "is encrypted; make the zip file anew without a password"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link; put the file itself into the zip file"
    if name in found:
        return "is there twice; make the zip file anew"
    return ""
