"""What sampled pictures of smooth shapes show, read exactly: no classifier stands between model and figure."""

from __future__ import annotations

from pathlib import Path

import torch

from data.images import read_settings
from data.pictures import read_picture
from data.shapes import BACKGROUND, SIDE, met, read
from evaluation.intervals import mean, share
from runtime.plots import table

CLEAN = 6.0  # root mean square from the nearest drawing, in levels of 255, up to which the eye sees no fault


def report(folder: Path) -> str:
    """How many of the values asked for are shown in pictures that sample.py wrote, and how clean these are.

    Raises ValueError where there are none, or where they are of another size or of requests for something else.
    """
    files = sorted(folder.glob("seed-*.png"))
    if not files:
        raise ValueError(f"read={folder}: no pictures that sample.py wrote; name the folder that it printed")
    shown = read(torch.stack([read_picture(file, (3, SIDE, SIDE), BACKGROUND, "read") for file in files]))
    requests = [read_settings(file).get("request") or "" for file in files]
    asked = [[name.strip() for name in request.split(",") if name.strip()] for request in requests]
    hits = [met(names, label) for names, label in zip(asked, shown.labels, strict=True)]
    flat = [hit for picture in hits for hit in picture]
    rows = [
        ("values asked for that are shown", share(torch.tensor(flat)).percent if flat else "nothing was asked for"),
        ("pictures that show all of them", share(torch.tensor([all(hit) for hit in hits])).percent),
        (f"pictures within {CLEAN:g} levels of a drawing", share(shown.distance <= CLEAN).percent),
        ("levels from the nearest drawing, mean", mean(shown.distance.double()).number),
    ]
    return table((f"{len(files)} pictures", ""), rows)
