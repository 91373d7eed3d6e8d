"""Folders of pictures for tests: real pictures with known labels, written as people write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from data.base import Splits
from data.folder import Folder
from data.pixelfaces import SCHEMA, SLOTS, PixelFaces

NAMES = [SCHEMA.fields[f].name for f in SLOTS]


def faces(count: int = 60) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Pictures (24, 24, 3) uint8 by file name, and the value of each slot that they have."""
    splits = PixelFaces(count=count).load()
    pictures, labels = {}, {}
    for part in (splits.train, splits.validation, splits.test):
        for image, label, number in zip(part.images, part.labels.tolist(), part.ids.tolist(), strict=True):
            name = f"faces/{number:03d}.png"
            pictures[name] = image.permute(1, 2, 0).numpy()
            labels[name] = [SCHEMA.fields[f].values[label[f]] for f in SLOTS]
    return pictures, labels


def write(folder: Path, pictures: dict[str, np.ndarray]) -> Path:
    for name, pixels in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def as_csv(rows: dict[str, Sequence[str]], columns: Sequence[str], delimiter: str = ",", **how) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, **how)
    writer.writerow(["file_name", *columns])
    writer.writerows([name, *values] for name, values in rows.items())
    return text.getvalue()


def as_jsonl(rows: dict[str, Sequence[str]], columns: Sequence[str]) -> str:
    objects = ({"file_name": name, **dict(zip(columns, values, strict=True))} for name, values in rows.items())
    return "".join(json.dumps(row) + "\n" for row in objects)


def sprites(folder: Path, count: int = 24, metadata: str | None = None, side: int = 8) -> Path:
    """Small pictures 00.png, 01.png, ..., each different, with an optional metadata.csv."""
    for i in range(count):
        pixels = np.zeros((side, side, 3), np.uint8)
        pixels[i // side % side, i % side] = 255, 40 + 8 * (i % 20), 0
        write(folder, {f"{i:02d}.png": pixels})
    if metadata is not None:
        (folder / "metadata.csv").write_text(metadata, encoding="utf-8")
    return folder


def transparent(folder: Path, height: int, width: int, count: int = 80) -> Path:
    """Transparent pictures with a coloured square each, left or right; gold ones shine through; some lack a label."""
    shades = {"red": (255, 0, 0, 255), "blue": (0, 90, 255, 255), "gold": (250, 250, 10, 128)}
    generator, pictures, rows = np.random.default_rng(0), {}, {}
    for i in range(count):
        name, pixels = f"{i:02d}.png", np.zeros((height, width, 4), np.uint8)
        colour, right = list(shades)[generator.integers(3)], int(generator.integers(2))
        y, x = int(generator.integers(height - 4)), int(generator.integers(width // 2 - 2)) + (width // 2 + 1) * right
        pixels[y : y + 4, x : x + 2] = shades[colour]
        pictures[name], rows[name] = pixels, ["" if i % 7 == 3 else colour, ("no", "yes")[right]]
    write(folder, pictures)
    (folder / "metadata.csv").write_text(as_csv(rows, ["colour", "right"]), encoding="utf-8")
    (folder / "schema.yaml").write_text("aliases: {rouge: red}\ngroups: {warm: [red, gold]}", encoding="utf-8")
    return folder


def colours(count: int = 24) -> str:
    """A metadata.csv for `sprites`, with a column of two values and one of yes and no."""
    rows = {f"{i:02d}.png": ("red" if i % 2 else "blue", "yes" if i % 3 else "no") for i in range(count)}
    return as_csv(rows, ["colour", "helmet"])


def load(path: Path, **settings) -> Splits:
    return Folder(path=str(path), **settings).load(str(path.parent / "data_root"))


def together(splits: Splits) -> dict[int, tuple[Tensor, frozenset[str]]]:
    """All pictures by id, each with the names that its label says."""
    return {
        number: (image, frozenset(part.schema.names(label)))
        for part in (splits.train, splits.validation, splits.test)
        for number, image, label in zip(part.ids.tolist(), part.images, part.labels, strict=True)
    }


GOOD = colours().replace("\r\n", "\n")


def equal(one, other) -> bool:
    return all(
        torch.equal(a.images, b.images)
        and torch.equal(a.labels, b.labels)
        and torch.equal(a.ids, b.ids)
        and a.schema == b.schema
        for a, b in ((getattr(one, part), getattr(other, part)) for part in ("train", "validation", "test"))
    )


def images_of(splits: Splits) -> set[bytes]:
    return {image.numpy().tobytes() for image, _ in together(splits).values()}


def png(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, "PNG")
    return file.getvalue()
