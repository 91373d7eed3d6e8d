"""Labelled rows: heads, and captions that can be read and copied."""

from itertools import pairwise

import pytest
import torch

from runtime import plots
from runtime.plots import labelled_rows

ROWS = [torch.zeros(5, 3, 24, 24, dtype=torch.uint8)] * 2
LABELS = ["one", "other"]
COMMAND = "seeds 0; python sample.py attrs=male checkpoint=runs/cryptopunks/2026-01-01_00-00-00-a/ema.safetensors n=1"


def black_columns(sheet, y: int) -> list[tuple[int, int]]:
    """(first, one past the last) x of each black picture that a line of pixels crosses."""
    dark = [sum(sheet.getpixel((x, y))) == 0 for x in range(sheet.width)]
    edges = [x for x in range(1, sheet.width) if dark[x] != dark[x - 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_columns_widen_for_their_heads_and_pictures_stay_as_they_are(scale):
    heads = ["t = 1000", "t = 750", "t = 0", "re-noised 1", "a longer head"]
    columns = black_columns(labelled_rows(ROWS, LABELS, scale, heads=heads), 24 + 10 * scale)
    widest = max(plots._font(11).getlength(head) for head in heads)
    assert [right - left for left, right in columns] == [24 * scale] * 5
    assert all(later - earlier > widest + 4 for (earlier, _), (later, _) in pairwise(columns))


def test_columns_wide_enough_stay_as_they_are():
    heads = ["a", "b", "c", "d", "e"]
    assert labelled_rows(ROWS, LABELS, 4, heads=heads).width == labelled_rows(ROWS, LABELS, 4).width


def test_a_caption_breaks_only_at_spaces_and_the_sheet_is_as_wide_as_its_words():
    font = plots._font(11)
    longest = max(map(font.getlength, COMMAND.split()))
    lines = plots._wrapped(COMMAND, font, longest)
    assert " ".join(lines) == COMMAND and len(lines) > 1
    assert all(font.getlength(line) <= longest for line in lines)
    narrow = [row[:1] for row in ROWS]
    assert longest < labelled_rows(narrow, LABELS, 1, COMMAND).width < longest + 40


def test_spaces_of_a_caption_can_be_seen():
    """A word ends, and for more than two pixels there is nothing until the next one."""
    font = plots._font(11)
    assert font.getlength("seed=0 n=1") - font.getlength("seed=0n=1") >= 3
