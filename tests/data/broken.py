"""Ways in which a folder of pictures can be broken, and what must be said of each."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.folders import GOOD, as_csv, png

Break = Callable[[Path], None]


def content(name: str, what: bytes | str) -> Break:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(what if isinstance(what, bytes) else what.encode())

    return change


def table(old: str, new: str) -> Break:
    assert old in GOOD
    return content("metadata.csv", GOOD.replace(old, new, 1))


def picture(name: str, mode: str, size: tuple[int, int], **how) -> Break:
    return lambda folder: Image.new(mode, size).save(folder / name, **how)


def schema(text: str) -> Break:
    return content("schema.yaml", text)


def jsonl(line: str) -> Break:
    def change(folder: Path) -> None:
        (folder / "metadata.csv").unlink()
        rows = [f'{{"file_name": "{i:02d}.png", "colour": "{"ab"[i % 2]}"}}' for i in range(24)]
        (folder / "metadata.jsonl").write_text("\n".join([*rows[:2], line, *rows[3:]]), encoding="utf-8")

    return change


def columns(name: str, *values: str) -> Break:
    """A table with one column, whose values repeat."""
    rows = {f"{i:02d}.png": [values[i % len(values)]] for i in range(24)}
    return lambda folder: content("metadata.csv", as_csv(rows, [name]))(folder)


def wide(count: int, values: int) -> str:
    """A table of `count` columns, each with as many values."""
    return as_csv({f"{i:02d}.png": [f"v{i % values}"] * count for i in range(24)}, [*map(str, range(count))])


def bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in few bytes."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def remove(*names: str) -> Break:
    return lambda folder: [(folder / name).unlink() for name in names]


def enlarge(folder: Path) -> None:
    for path in folder.glob("*.png"):
        Image.open(path).resize((160, 160), Image.Resampling.NEAREST).save(path)


def noise(folder: Path) -> None:
    for i, path in enumerate(sorted(folder.glob("*.png"))):
        pixels = np.random.default_rng(i).integers(0, 256, (160, 160, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def many_colours(folder: Path) -> None:
    for i, path in enumerate(sorted(folder.glob("*.png"))):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def in_classes(*names: str) -> Break:
    def change(folder: Path) -> None:
        (folder / "metadata.csv").unlink()
        for i, path in enumerate(sorted(folder.glob("*.png"))):
            place = folder / names[i % len(names)] / path.name
            place.parent.mkdir(exist_ok=True)
            path.rename(place)

    return change


def both(*breaks: Break) -> Break:
    return lambda folder: [change(folder) for change in breaks]


# what is broken | how | what the message must say, the place first
BROKEN: dict[str, tuple[Break, list[str]]] = {
    # the table
    "table by another name": (lambda folder: (folder / "metadata.csv").rename(folder / "Labels.csv"),
                              ["Labels.csv", "looks like a table", "call it metadata.csv"]),
    "schema by another name": (content("schema.yml", "blank: none"), ["schema.yml", "call it schema.yaml"]),
    "accents in two ways": (lambda folder: [(folder / f"{e}.png").write_bytes(png()) for e in ("\u00e9", "e\u0301")],
                            ["\u00e9.png", "is there twice", "rename one"]),
    "no file_name": (table("file_name", "name"), ["metadata.csv, line 1", "needs a column file_name"]),
    "empty table": (content("metadata.csv", ""), ["metadata.csv, line 1", "needs a column file_name"]),
    "header alone": (content("metadata.csv", "file_name,colour\n"), ["00.png", "no line in metadata.csv"]),
    "column twice": (table("helmet", "colour"), ["metadata.csv, line 1", "'colour' is there twice"]),
    "column without name": (table("helmet", ""), ["metadata.csv, line 1", "column 3 has no name"]),
    "two columns of one name": (table("helmet", "Col our"), ["columns", "'colour' and 'Col our'"]),
    "missing cell": (table("02.png,blue,yes", "02.png,blue"), ["metadata.csv, line 4", "2 cells"]),
    "cell too many": (table("02.png,blue,yes", "02.png,blue,yes,big"), ["metadata.csv, line 4", "4 cells", "quotes"]),
    "open quote": (table("02.png,blue", '02.png,"blue'), ["metadata.csv, line 4", "quotes"]),
    "text after quote": (table("02.png,blue", '02.png,"blu"e'), ["metadata.csv, line 4", "quotes"]),
    "open quote in the header": (
        content("metadata.csv", '"file_name,colour\n' + "00.png,blue\n" * 20_000),
        ["metadata.csv, line 1", "check its quotes"],
    ),
    "line break of old systems in a cell": (table("02.png,blue", "02.png,bl\rue"), ["metadata.csv, line 4", "2 cells"]),
    "listed twice": (table("03.png", "02.png"), ["metadata.csv, line 5", "02.png is on line 4 already"]),
    "missing file": (table("02.png", "ghost.png"), ["metadata.csv, line 4", "no picture 'ghost.png'"]),
    "unlisted file": (table("02.png,blue,yes\n", ""), ["02.png", "no line in metadata.csv"]),
    "other case": (table("02.png", "02.PNG"), ["metadata.csv, line 4", "write '02.png'"]),
    "no suffix": (table("02.png", "02"), ["metadata.csv, line 4", "write '02.png'"]),
    "blank name": (table("02.png", ""), ["metadata.csv, line 4", "file_name is blank"]),
    "absolute path": (table("02.png", "/etc/02.png"), ["metadata.csv, line 4", "path from the folder downwards"]),
    "path upwards": (table("02.png", "../own/02.png"), ["metadata.csv, line 4", "path from the folder downwards"]),
    "path of Windows": (table("02.png", "C:\\02.png"), ["metadata.csv, line 4", "path from the folder downwards"]),
    "backslash": (table("02.png", "a\\02.png"), ["metadata.csv, line 4", '"/" between its parts']),
    "UTF-16": (content("metadata.csv", GOOD.encode("utf-16")), ["metadata.csv", "UTF-16; save it as UTF-8"]),
    "Latin-1": (
        content("metadata.csv", GOOD.replace("02.png,blue", "02.png,bl\xe9u").encode("latin-1")),
        ["metadata.csv, line 4", "save the file as UTF-8"],
    ),
    "zero byte": (table("02.png,blue", "02.png,bl\0ue"), ["metadata.csv, line 4", "zero byte"]),
    "two spellings": (
        table("02.png,blue", "02.png,Blue"), ["metadata.csv, line 4", "'Blue' is 'blue' of metadata.csv, line 2"]
    ),
    "two tables": (content("metadata.jsonl", "{}"), ["metadata.jsonl", "keep one of the two"]),
    # names that could not be asked for
    "comma in a value": (columns("kind", "a,b", "c"), ["metadata.csv, line 2", "'a,b' holds ','"]),
    "bar in a value": (columns("kind", "a|b", "c"), ["metadata.csv, line 2", "holds '|'"]),
    "colon in a value": (columns("kind", "a", "b:2"), ["metadata.csv, line 3", "holds ':'"]),
    "star in a value": (columns("kind", "a", "b*2"), ["metadata.csv, line 3", "holds '*'"]),
    "minus before a value": (columns("shift", "-1", "1"), ["metadata.csv, line 2", "begins with '-'"]),
    "plus before a value": (columns("shift", "+1", "1"), ["metadata.csv, line 2", "begins with '+'"]),
    "bracket before a value": (columns("kind", "[a]", "b"), ["metadata.csv, line 2", "begins with '['"]),
    "any as a value": (columns("kind", "Any", "b"), ["metadata.csv, line 2", "word with a meaning"]),
    "line break in a value": (columns("kind", "a\nb", "c"), ["metadata.csv, line 2", "could be typed"]),
    "dashes alone": (columns("kind", "__", "c"), ["metadata.csv, line 2", "could be typed"]),
    "long value": (columns("kind", "x" * 81, "c"), ["metadata.csv, line 2", "81 characters"]),
    "comma in a column": (columns("a,b", "x", "y"), ["metadata.csv", "column 'a,b' holds ','"]),
    "column called none": (columns("None", "x", "y"), ["metadata.csv", "column 'None' is a word"]),
    "many columns": (
        content("metadata.csv", wide(401, 2)),
        ["columns", "401 columns, of 400 at most", "ignore"],
    ),
    "many values": (
        content("metadata.csv", wide(90, 24)),
        ["columns", "2,160 values in all columns, of 2,048 at most"],
    ),
    # the table as JSON
    "no JSON": (jsonl("{'a': 1}"), ["metadata.jsonl, line 3", "one JSON object on a line"]),
    "a list": (jsonl("[1]"), ["metadata.jsonl, line 3", "must be an object"]),
    "without file_name": (jsonl('{"colour": "a"}'), ["metadata.jsonl, line 3", '"file_name"']),
    "number as file_name": (jsonl('{"file_name": 2}'), ["metadata.jsonl, line 3", '"file_name"']),
    "list of values": (jsonl('{"file_name": "02.png", "colour": ["a"]}'), ["metadata.jsonl, line 3", "several values"]),
    "key twice": (
        jsonl('{"file_name": "02.png", "colour": "a", "colour": "b"}'),
        ["metadata.jsonl, line 3", "'colour' is there twice"],
    ),
    "not a number": (jsonl('{"file_name": "02.png", "colour": NaN}'), ["metadata.jsonl, line 3", "NaN"]),
    "nameless key": (jsonl('{"file_name": "02.png", " ": "a"}'), ["metadata.jsonl, line 3", "has no name"]),
    "nested too deeply": (jsonl("[" * 100_000), ["metadata.jsonl, line 3", "cannot be read"]),
    # sub-folders
    "beside classes": (both(in_classes("cat", "dog"), content("x.png", png())), ["x.png", "beside folders of classes"]),
    "parts": (in_classes("train", "Test"), ["Test, train", "parts of a data set"]),
    "class with a comma": (in_classes("a,b", "c"), ["a,b/00.png", "holds ','"]),
    # pictures
    "empty picture": (content("02.png", b""), ["02.png", "empty file"]),
    "text as a picture": (content("02.png", "hello"), ["02.png", "not a picture"]),
    "half a picture": (content("02.png", png()[:45]), ["02.png", "cannot be decoded"]),
    "bomb": (content("02.png", bomb()), ["02.png", "pixels"]),
    "huge file": (lambda folder: os.truncate(folder / "02.png", 21_000_000), ["02.png", "21 MB"]),
    "one of another size": (picture("02.png", "RGB", (9, 8)), ["02.png", "9 x 8 pixels, but most have 8 x 8"]),
    "TIFF": (both(picture("a.tiff", "RGB", (8, 8))), ["a.tiff", "TIFF files are not read; save it as PNG"]),
    "SVG": (content("sub/a.svg", "<svg/>"), ["sub/a.svg", "SVG files are not read"]),
    "enlarged": (enlarge, ["00.png", "160 x 160 pixels, of 128 at most", "20 x 20 times", "dataset.size=[8,8]"]),
    "large": (noise, ["00.png", "160 x 160 pixels, of 128 at most; scale it down"]),
    "no pictures": (lambda folder: [path.unlink() for path in folder.iterdir()], ["own", "holds no pictures"]),
    "few pictures": (
        both(remove(*(f"{i:02d}.png" for i in range(19))), remove("metadata.csv")), ["own", "5 pictures", "20 at least"]
    ),
    "one of another size, scaled": (
        both(noise, schema("size: 32"), picture("02.png", "RGB", (9, 32))),
        ["00.png", "160 x 160 pixels, no enlarged copy of 32 x 32; add dataset.resize=area"],
    ),
    "too small to be scaled": (
        both(noise, schema("size: 32\nresize: area"), picture("02.png", "RGB", (31, 40))),
        ["02.png", "31 x 40 pixels, smaller than 32 x 32", "choose a smaller size"],
    ),
    "pixel art to be scaled": (
        both(enlarge, schema("size: 12\nresize: nearest")),
        ["00.png", "pixel art, which no filter keeps as it is", "20 x 20 times, so add dataset.size=[8,8]"],
    ),
    "scaled to no size": (schema("resize: area"), ["resize", "to which size", "dataset.size=64"]),
    "unknown filter": (schema("resize: cubic"), ["schema.yaml", "resize='cubic'", "area, lanczos, nearest"]),
    "link to nowhere": (lambda folder: (folder / "x.png").symlink_to("nowhere.png"), ["x.png", "leads nowhere"]),
    "linked folder": (lambda folder: (folder / "more").symlink_to(folder), ["more", "link to a folder"]),
    "pipe": (lambda folder: os.mkfifo(folder / "x.png"), ["x.png", "no file that can be read"]),
    "many colours for pixel art": (
        both(many_colours, schema("pixel_art: true")), ["pixel_art", "more than 4,096 colours"]
    ),
    # schema.yaml
    "no YAML": (schema("groups: {hat: ["), ["schema.yaml, line 1", "write it as YAML"]),
    "YAML with code": (schema("blank: !!python/object/apply:os.system ['true']"), ["schema.yaml, line 1", "YAML"]),
    "YAML by reference": (schema("a: &a [x]\nb: *a"), ["schema.yaml, line 2", "references"]),
    "key of YAML twice": (schema("blank: none\nblank: none"), ["schema.yaml, line 2", "'blank' is there twice"]),
    "key that YAML takes for false": (schema("aliases: {no: red}"), ["schema.yaml, line 1", "put it in quotes"]),
    "list": (schema("- a"), ["schema.yaml", "settings with names"]),
    "not UTF-8": (content("schema.yaml", b"blank: \xff"), ["schema.yaml", "UTF-8"]),
    "unknown setting": (schema("group: {}"), ["schema.yaml", "group: no such setting", "groups"]),
    "unknown blank": (schema("blank: maybe"), ["schema.yaml", "blank='maybe'", "unknown, none"]),
    "no colour": (schema("background: [1, 2]"), ["schema.yaml", "background=[1, 2]", "red, green and blue"]),
    "colour out of range": (schema("background: [1, 2, 256]"), ["schema.yaml", "from 0 to 255"]),
    "no size": (schema("size: [4, 8]"), ["schema.yaml", "size=[4, 8]", "8 to 128"]),
    "smaller than asked for": (schema("size: [16, 16]"), ["00.png", "8 x 8 pixels, smaller than 16 x 16"]),
    "ignored column that is not there": (schema("ignore: [size]"), ["schema.yaml", "no column 'size'", "'colour'"]),
    "group of nothing": (schema("groups: {warm: []}"), ["schema.yaml", "groups: warm"]),
    "group of unknown values": (schema("groups: {warm: [red, pink]}"), ["schema.yaml", "groups: warm", "'pink'"]),
    "group across columns": (schema("groups: {warm: [red, helmet]}"), ["schema.yaml", "not all of one column"]),
    "group called like a value": (schema("groups: {blue: [red]}"), ["schema.yaml", "groups: blue", "another name"]),
    "group with a star": (schema("groups: {'a*': [red]}"), ["schema.yaml", "groups: a*", "holds '*'"]),
    "alias of nothing": (schema("aliases: {rouge: rad}"), ["schema.yaml", "aliases: rouge", "red"]),
    "alias called like a value": (schema("aliases: {red: blue}"), ["schema.yaml", "aliases: red", "already"]),
    "alias of itself": (schema("aliases: {a: b, b: a}"), ["schema.yaml", "aliases: a"]),
    "huge": (schema("#" * 1_100_000), ["schema.yaml", "1 MB"]),
}  # fmt: skip
