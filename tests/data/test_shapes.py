"""Smooth shapes: a data set of 64 x 64 whose samples are read exactly."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from data.images import read_png, save_png
from data.shapes import FIELDS, SHIFT, draw, met, read
from evaluation.shapes import report
from tests.programs import run_program


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shapes") / "set"
    run_program("scripts/draw_shapes.py", f"out={folder}", "n=20", "seed=3")
    return folder


def test_what_is_drawn_is_read_exactly_also_at_the_ends_of_its_shift(drawn):
    with (drawn / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    shown = read(torch.stack([read_png(drawn / row.pop("file_name")) for row in rows]))
    assert shown.labels == rows and shown.distance.max() == 0
    widest = {"colour": "red", "shape": "square", "size": "large", "tilt": "left", "count": "three"}
    ends = [draw(widest, across, down) for across in (-SHIFT, SHIFT) for down in (-SHIFT, SHIFT)]
    shown = read(torch.stack(ends))
    assert shown.labels == 4 * [widest] and shown.distance.max() == 0
    edges = [image[:, rows].flatten(1) for image in ends for rows in (0, -1)]
    edges += [image[:, :, columns].flatten(1) for image in ends for columns in (0, -1)]
    assert all((edge == edge[:, :1]).all() for edge in edges)  # nothing is cut off


def test_every_field_changes_the_picture_and_edges_are_smooth():
    first = {field: values[0] for field, values in FIELDS.items()}
    for field, values in FIELDS.items():
        pictures = [draw({**first, field: value}) for value in values]
        assert len({picture.numpy().tobytes() for picture in pictures}) == len(values)
    alike = torch.stack([draw({**first, "colour": colour, "size": "large"}) for colour in FIELDS["colour"]])
    colours = torch.unique(alike.permute(0, 2, 3, 1).reshape(-1, 3), dim=0)
    assert len(colours) > 300  # six flat colours with hard edges would be seven; pixel art has 1,024 at most in all


def test_noise_is_read_through_and_measured(drawn):
    """A sample is never exactly a drawing: noise of four levels leaves what is read, and is the distance."""
    images = torch.stack([read_png(path) for path in sorted(drawn.glob("*.png"))[:5]])
    noisy = (images + torch.randn(images.shape, generator=torch.Generator().manual_seed(0)) * 4).clamp(0, 255)
    shown = read(noisy.round().byte())
    assert shown.labels == read(images).labels
    assert shown.distance.numpy() == pytest.approx(np.full(5, 4), rel=0.05)


def test_samples_are_judged_by_what_they_were_asked_for(tmp_path, capsys):
    label = {"colour": "red", "shape": "star", "size": "large", "tilt": "left", "count": "two"}
    for seed, request in enumerate(["red,star", "red,cross", "blue", ""]):
        image = draw(label).repeat_interleave(2, 1).repeat_interleave(2, 2)
        save_png(image, tmp_path / f"seed-{seed:06}.png", {"request": request, "scale": 2})
    run_program("scripts/draw_shapes.py", f"read={tmp_path}")
    rows = dict(line.strip("| ").split(" | ", 1) for line in capsys.readouterr().out.splitlines()[2:])
    assert rows["values asked for that are shown"].startswith("60.0 %")  # red, star and red of five
    assert rows["pictures that show all of them"].startswith("50.0 %")
    assert rows["pictures within 6 levels of a drawing"].startswith("100.0 %")
    with pytest.raises(ValueError, match="'hat' is none of red, orange"):
        met(["hat"], label)
    with pytest.raises(ValueError, match=r"read=.*: no pictures that sample.py wrote"):
        report(tmp_path / "nothing")
    save_png(torch.zeros(3, 24, 24, dtype=torch.uint8), tmp_path / "seed-000000.png", {"request": "red"})
    with pytest.raises(ValueError, match=r"seed-000000.png.*24 x 24"):
        report(tmp_path)


def test_pictures_are_never_drawn_among_others(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit):
        run_program("scripts/draw_shapes.py", f"out={tmp_path}", "n=1")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
