"""A data set of ours as a folder, such as people have, to try `dataset=folder` on.

python -m scripts.maintain.as_folder mnist digits --classes
python -m scripts.maintain.as_folder cryptopunks punks
python -m scripts.maintain.as_folder cryptopunks few_punks --n 300
python -m scripts.maintain.as_folder pixelfaces faces --transparent
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from torch import Tensor

from conditions.schema import ConditionSchema
from data.base import Splits
from data.images import save_png
from data.pixelfaces import BACKDROPS, SCHEMA, render
from runtime.folders import new_folder
from runtime.settings import compose
from scripts.maintain import in_one_line
from training.settings import TrainSettings

HEIGHT = 32  # of transparent faces, which stand at its bottom
Row = tuple[Tensor, dict[str, str]]  # a picture (C, H, W) uint8, and the value of each slot


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", help="its name, such as cryptopunks")
    parser.add_argument("out", type=Path, help="the folder to write, new or empty")
    parser.add_argument("--n", type=int, help="so many of its pictures, chosen at random; all if left out")
    parser.add_argument("--classes", action="store_true", help="a folder for each value of the first slot, no table")
    parser.add_argument("--transparent", action="store_true", help="pixelfaces alone: without backdrops, 24 x 32")
    return parser.parse_args()


def main() -> None:
    args = parse()
    if args.n is not None and args.n < 1:
        raise ValueError(f"--n: {args.n}; give 1 or more")
    if args.transparent and args.dataset != "pixelfaces":
        raise ValueError(f"{args.dataset}: its backgrounds are not known; --transparent is for pixelfaces")
    settings = compose(TrainSettings, [f"dataset={args.dataset}"])
    rows, schema = read(settings.dataset.load(settings.data_root), args.transparent)
    if args.n is not None:
        chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[: args.n]
        rows = [rows[i] for i in sorted(chosen.tolist())]
    with new_folder(args.out.as_posix(), Path(), args.out.name) as folder:
        if args.classes:
            write_classes(rows, folder)
        else:
            write_table(rows, schema, folder)
    print(f"{args.out}: {len(rows):,} pictures")


def read(splits: Splits, without_backdrop: bool) -> tuple[list[Row], ConditionSchema]:
    """All pictures of all splits, each with the value of every slot."""
    rows, schema = [], splits.train.schema
    for part in (splits.train, splits.validation, splits.test):
        images = transparent(part.labels) if without_backdrop else part.images
        for image, label in zip(images, part.labels.tolist(), strict=True):
            pairs = zip(schema.fields, label, strict=True)
            values = {f.name: f.values[v] if v >= 0 else "" for f, v in pairs if not f.slot}  # a blank is unknown
            if without_backdrop:
                del values["backdrop"]
            rows.append((image, values))
    return rows, schema


def transparent(labels: Tensor) -> Tensor:
    """Faces (N, 4, 32, 24) uint8 whose backdrop, the pixels that another backdrop changes, is not there."""
    other = labels.clone()
    other[:, SCHEMA.column["backdrop"]] = (labels[:, SCHEMA.column["backdrop"]] + 1) % len(BACKDROPS)
    images = render(labels)
    seen = (images == render(other)).all(dim=1, keepdim=True)
    pixels = torch.cat([images * seen, 255 * seen.to(torch.uint8)], dim=1)
    return torch.nn.functional.pad(pixels, (0, 0, HEIGHT - pixels.shape[2], 0))


def write_classes(rows: Sequence[Row], folder: Path) -> None:
    """Each picture in a folder called after the value of its first slot."""
    for i, (image, values) in enumerate(rows):
        place = folder / next(iter(values.values()))
        place.mkdir(exist_ok=True)
        save_png(image, place / f"{i:06}.png")


def write_table(rows: Sequence[Row], schema: ConditionSchema, folder: Path) -> None:
    """The pictures, metadata.csv, and in schema.yaml the groups of the data set."""
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", *rows[0][1]])
        for i, (image, values) in enumerate(rows):
            save_png(image, folder / f"{i:06}.png")
            table.writerow([f"{i:06}.png", *values.values()])
    seen = {value for _, values in rows for value in values.values()}
    members = {field.name: [value for value in field.members if value in seen] for field in schema.fields}
    groups = {name: values for name, values in members.items() if values}
    (folder / "schema.yaml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")


if __name__ == "__main__":
    in_one_line(main)
