"""The benchmark of held-out exact match: pictures of any origin, one file for each id, against the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from conf import Settings, Text, setting
from data import AnyDataset, CryptoPunks
from data.base import InMemoryDataset, data_root
from data.pictures import read_picture
from evaluation.baselines import Analogy, nearest
from evaluation.exact import wrong_pixels
from evaluation.intervals import mean, share
from runtime.plots import table

SHOWN = 5  # ids in a message


class ScoreSettings(Settings):
    """Score pictures of held-out labels, one file for each id: python scripts/score.py folder=my_pictures"""

    program: ClassVar[str] = "score"
    dataset: AnyDataset = CryptoPunks()
    folder: Text | None = setting(
        None, "the pictures, each named by its id, such as 3.png or 0003.png; null scores the baselines alone"
    )
    split: Literal["validation", "test"] = setting("test", "validation, for choosing; test, once everything is chosen")
    data_root: Text = data_root()


def read_folder(folder: Path, data: InMemoryDataset, background: Sequence[int]) -> Tensor:
    """(N, C, H, W) uint8, the picture of each id of `data`.

    Raises ValueError where one is missing, where two stand for the same id, and for names that are no id of `data`.
    """
    if not folder.is_dir():
        raise ValueError(f"folder={folder}: no such folder; name one with a picture for each of {len(data)} ids")
    files: dict[int, Path] = {}
    ids, foreign = data.ids.tolist(), []
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        number = int(path.stem) if path.stem.isascii() and path.stem.isdigit() else None
        if number not in set(ids):
            foreign.append(path.name)
        elif number in files:
            raise ValueError(f"folder={folder}: {files[number].name} and {path.name} have the same id; keep one")
        else:
            files[number] = path
    missing = [number for number in ids if number not in files]
    if foreign or missing:
        what = [f"no id of the split in the name of {_some(foreign)}"] if foreign else []
        what += [f"no picture for {_some(missing)}"] if missing else []
        raise ValueError(
            f"folder={folder}: {'; '.join(what)}; give one picture for each of {len(ids)} ids, such as {ids[0]}.png"
        )
    return torch.stack([read_picture(files[number], data.image_shape, tuple(background), "folder") for number in ids])


def _some(things: Sequence[object]) -> str:
    more = len(things) - SHOWN
    return ", ".join(map(str, things[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def scores(pictures: dict[str, Tensor], data: InMemoryDataset) -> str:
    """A table with a row for each entry: one picture (N, C, H, W) uint8 for each id of `data`."""
    rows = []
    for name, images in pictures.items():
        wrong = wrong_pixels(images[None], data.images)[0]
        rows.append(
            (name, share(wrong == 0).percent, mean(wrong.double()).number, f"{wrong.double().median().item():g}")
        )
    return table(("pictures", "exact, 95 % interval", "wrong pixels, mean", "median"), rows)


def baselines(train: InMemoryDataset, data: InMemoryDataset) -> dict[str, Tensor]:
    """What needs no learning, as `scores` takes it."""
    return {"analogy": Analogy(train)(data.labels), "nearest label": nearest(train, data.labels)}
