"""Pictures of several folders, one under another."""

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import enlarge, save_png
from tests.programs import run_program

RED, GREY = (torch.tensor(colour, dtype=torch.uint8).view(3, 1, 1) for colour in ((200, 0, 0), (90, 90, 90)))


@pytest.fixture
def sampled(in_tmp):
    """Two pictures of 4 x 4 as sample.py writes them, enlarged, and a grey one of that size without settings."""
    (in_tmp / "sampled").mkdir()
    for seed in (0, 1):
        save_png(enlarge(RED.expand(3, 4, 4), 8), in_tmp / f"sampled/seed-{seed:06d}.png", {"scale": 8})
    save_png(GREY[:1].expand(1, 4, 4), in_tmp / "mask.png")


def test_every_row_has_its_pictures_in_their_own_pixels(in_tmp, sampled):
    run_program("scripts/maintain/panel.py", "out.png", "w = 1=mask.png,sampled", "alone=mask.png", "--scale", "5")
    found = np.asarray(Image.open(in_tmp / "out.png").convert("RGB"))
    assert [(found == np.array(c)).all(axis=2).sum() for c in ((200, 0, 0), (90, 90, 90))] == [2 * 20**2, 2 * 20**2]


def test_pictures_of_two_sizes_and_missing_ones_are_refused(in_tmp, sampled):
    save_png(RED.expand(3, 6, 6), in_tmp / "other.png")
    with pytest.raises(SystemExit, match=r"panel.py: pictures of 2 sizes, \(4, 4\) and \(6, 6\)"):
        run_program("scripts/maintain/panel.py", "out.png", "a=sampled,other.png")
    with pytest.raises(SystemExit, match=r"nowhere: no picture there"):
        run_program("scripts/maintain/panel.py", "out.png", "a=nowhere")
    assert not (in_tmp / "out.png").exists()


def test_white_at_the_edge_does_not_vanish_on_the_paper(in_tmp):
    save_png(torch.full((1, 4, 4), 255, dtype=torch.uint8), in_tmp / "mask.png")
    run_program("scripts/maintain/panel.py", "out.png", "mask=mask.png", "--scale", "5")
    found = np.asarray(Image.open(in_tmp / "out.png").convert("RGB"))
    assert (found == 190).all(axis=2).sum() == 12 * 5**2
