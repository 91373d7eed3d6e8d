"""Pictures of results: labelled rows of pixel art, and curves; each says beneath itself where it comes from."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import pad

from data.images import grid, save_picture

INK, FAINT, PAPER = (40, 44, 52), (110, 116, 126), (255, 255, 255)
COLOURS = (  # distinguishable also without red or green
    "#3b6ea5", "#c8553d", "#5b8e7d", "#8e6c8a", "#d9a441", "#23262d", "#7fb3d5", "#9a9a9a",
)  # fmt: skip
MANY = 4  # lines of a panel, with more of which the legend stands beside the panels


def labelled_rows(
    rows: Sequence[Tensor], labels: Sequence[str], scale: int, caption: str = "", heads: Sequence[str] = ()
) -> Image.Image:
    """One row for each (N, C, H, W) uint8 of `rows`, its label before it, `heads` above, and a caption beneath.

    Columns are as wide as their heads, and the whole as the longest word of the caption.
    """
    small = _font(11)
    rows = _widened(rows, max((small.getlength(head) for head in heads), default=0) + 10, scale) if heads else rows
    strips = [grid(row, len(row), scale, gap=scale).permute(1, 2, 0).numpy() for row in rows]
    picture = Image.fromarray(np.ascontiguousarray(np.concatenate(strips)))
    font = _font(max(11, round(strips[0].shape[0] / 5.5)))
    margin = math.ceil(max(font.getlength(label) for label in labels)) + 24
    words = math.ceil(max(map(small.getlength, caption.split()), default=0)) + 24
    width = max(margin + picture.width, words)
    lines = _wrapped(caption, small, width - 24)
    top = 22 if heads else 0
    canvas = Image.new("RGB", (width, top + picture.height + (16 * len(lines) + 12 if lines else 0)), PAPER)
    canvas.paste(picture, (margin, top))
    draw = ImageDraw.Draw(canvas)
    for i, head in enumerate(heads):
        pitch = (picture.width - scale) / len(heads)
        draw.text((margin + (i + 0.5) * pitch, top / 2), head, fill=FAINT, font=small, anchor="mm")
    for strip, label in zip(strips, labels, strict=True):
        draw.text((margin - 12, top + strip.shape[0] / 2), label, fill=INK, font=font, anchor="rm")
        top += strip.shape[0]
    for i, line in enumerate(lines):
        draw.text((12, top + 6 + 16 * i), line, fill=FAINT, font=small)
    return canvas


def _font(size: int) -> ImageFont.FreeTypeFont:
    """A font whose spaces can be seen where it is small, unlike those of Pillow's own; matplotlib brings it."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def _widened(rows: Sequence[Tensor], pitch: float, scale: int) -> list[Tensor]:
    """`rows` with white beside each picture, where one and a gap, enlarged, are less than `pitch` wide."""
    missing = max(0, math.ceil(pitch / scale) - rows[0].shape[-1] - 1)
    return [pad(row, (missing // 2, missing - missing // 2), value=255) for row in rows]


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Lines of at most `width`, broken only at spaces, so that a path or an argument can be copied whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def save_rows(
    path: Path, rows: Sequence[Tensor], labels: Sequence[str], scale: int, caption: str, settings: dict
) -> None:
    save_picture(labelled_rows(rows, labels, scale, caption), path, {**settings, "caption": caption})


class Panel(NamedTuple):
    """One of several curves side by side; lines[name] is (x, y)."""

    title: str
    xlabel: str
    lines: dict[str, tuple[list[float], list[float]]]
    points: Sequence[str] = ()  # what to write beside each point of the first line
    share: bool = True  # whether y is one, to be shown in per cent


def curves(path: Path, panels: Sequence[Panel], caption: str) -> None:
    """Lines, with the caption beneath."""
    crowded = max(len(panel.lines) for panel in panels) > MANY
    figure = Figure(figsize=(4.6 * len(panels) + 1.8 * crowded, 3.7))
    for axis, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for colour, (name, (x, y)) in zip(cycle(COLOURS), panel.lines.items(), strict=False):
            axis.plot(x, y, marker="o", markersize=4, color=colour, label=name)
        for text, x, y in zip(panel.points, *next(iter(panel.lines.values())), strict=False):
            axis.annotate(text, (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8, color="#6e747e")
        axis.set_title(panel.title, loc="left", fontsize=11)
        axis.set_xlabel(panel.xlabel)
        if panel.share:
            axis.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        axis.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        if len(panel.lines) > 1 and not crowded:
            axis.legend(frameon=False, fontsize=9)
    if crowded:
        figure.legend(*axis.get_legend_handles_labels(), loc="center right", frameon=False, fontsize=9)
    _finish(figure, path, caption, 60 * len(panels), right=1.8 if crowded else 0)


class Dots(NamedTuple):
    """One of several panels of values with intervals, a row each; points[name] has (value, low, high) for each row."""

    title: str
    points: dict[str, Sequence[tuple[float, float, float]]]
    share: bool = True  # whether the values are shares, to be shown in per cent


def intervals(path: Path, rows: Sequence[str], panels: Sequence[Dots], caption: str) -> None:
    """Values and their intervals, row by row, panels side by side."""
    series = max(len(panel.points) for panel in panels)
    figure = Figure(figsize=(3.2 * len(panels) + 1.6, 1.5 + len(rows) * (0.22 + 0.14 * series)))
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, panel in zip(axes, panels, strict=True):
        for k, (colour, (name, points)) in enumerate(zip(cycle(COLOURS), panel.points.items(), strict=False)):
            values, low, high = (np.array(column, dtype=float) for column in zip(*points, strict=True))
            y = np.arange(len(rows)) + 0.22 * (k - (len(panel.points) - 1) / 2)
            axis.errorbar(
                values, y, xerr=[values - low, high - values], fmt="o", markersize=4, color=colour, label=name
            )
        axis.set_title(panel.title, loc="left", fontsize=10)
        if panel.share:
            axis.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    if series > 1:  # beside the panels, for in them it would hide intervals
        fullest = max(axes, key=lambda axis: len(axis.containers))
        figure.legend(*fullest.get_legend_handles_labels(), loc="center right", frameon=False, fontsize=9)
    _finish(figure, path, caption, 50 * len(panels), right=1.0 if series > 1 else 0)


def shares(
    path: Path, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], caption: str
) -> None:
    """A table of shares, each cell coloured by its value; NaN cells stay empty."""
    figure = Figure(figsize=(2.4 + 0.95 * len(columns), 1.6 + 0.34 * len(rows)))
    axis, table = figure.subplots(), np.array(values, dtype=float)
    axis.imshow(table, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for (y, x), value in np.ndenumerate(table):
        if not math.isnan(value):
            axis.text(
                x, y, f"{100 * value:.0f}", ha="center", va="center", fontsize=9, color="w" if value < 0.7 else "k"
            )
    axis.set_xticks(range(len(columns)), [textwrap.fill(column, 13) for column in columns], fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    _finish(figure, path, caption, 17 * len(columns) + 40)


def _finish(figure: Figure, path: Path, caption: str, width: int, right: float = 0) -> None:
    """The caption beneath, `right` inches free beside all panels, and the file."""
    lines = textwrap.fill(caption, width)
    height = 0.14 * (lines.count("\n") + 1) + 0.12
    figure.text(0.01, 0.01, lines, fontsize=7, color="#6e747e")
    figure.tight_layout(rect=(0, height / figure.get_figheight(), 1 - right / figure.get_figwidth(), 1))
    figure.savefig(path, dpi=100, metadata={"Description": caption})


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
