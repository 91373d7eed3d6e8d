"""Put pictures of sample.py one under another: a row for each argument, with its name before it.

python -m scripts.maintain.panel docs/images/editing.png "a hat=punk.png,samples/hat" "varied=samples/varied"

After the name come, between commas, pictures and folders that sample.py wrote; of a folder, its pictures in order.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from data.images import read_rgb, read_settings
from runtime.plots import labelled_rows
from scripts.maintain import in_one_line

FRAME = torch.tensor(190, dtype=torch.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("rows", nargs="+", help="NAME=PICTURE_OR_FOLDER,...")
    parser.add_argument("--scale", type=int, default=3)
    args = parser.parse_args()
    named = [row.rpartition("=") for row in args.rows]
    rows = [[picture for part in parts.split(",") for picture in pictures(Path(part))] for _, _, parts in named]
    sizes = sorted({tuple(picture.shape[1:]) for row in rows for picture in row})
    if len(sizes) > 1:
        raise ValueError(f"pictures of {len(sizes)} sizes, {sizes[0]} and {sizes[-1]} among them; give pictures of one")
    longest = max(len(row) for row in rows)
    blank = torch.full((3, *sizes[0]), 255, dtype=torch.uint8)
    filled = [torch.stack(row + [blank] * (longest - len(row))) for row in rows]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    labelled_rows(filled, [name for name, _, _ in named], args.scale).save(args.out, optimize=True)
    print(f"{args.out}: {len(rows)} rows of at most {longest} pictures")


def pictures(path: Path) -> list[Tensor]:
    """(3, H, W) uint8 of a file, or of all pictures in a folder, each brought back to its own pixels."""
    files = sorted(path.glob("seed-*.png")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ValueError(f"{path}: no picture there; name a PNG, or a folder that sample.py wrote")
    return [framed(native(file)) for file in files]


def framed(picture: Tensor) -> Tensor:
    """The same with grey for white at its edge, which would vanish on the paper; masks have some."""
    edge = torch.ones_like(picture[0], dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    return torch.where(edge & (picture == 255).all(dim=0), FRAME, picture)


def native(path: Path) -> Tensor:
    """(3, H, W) uint8, one pixel of each that was enlarged."""
    try:
        scale = read_settings(path)["scale"]
    except (ValueError, KeyError):  # a mask, or a picture that somebody brought, in its own size
        scale = 1
    return read_rgb(path)[:, ::scale, ::scale]


if __name__ == "__main__":
    in_one_line(main)
