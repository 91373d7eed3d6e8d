"""Films: a picture as it comes out of the noise, and pictures that lie between two others.

What scripts/film.py, scripts/interpolate.py and a dashboard call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from data.images import to_uint8
from data.requests import parse_requests
from diffusion.sampling import Between
from steering import Drawing


class Frame(NamedTuple):
    """A moment of drawing: time, noised picture and the picture predicted from it, (C, H, W) uint8."""

    t: int
    x_t: Tensor
    x_0: Tensor


def denoising(drawing: Drawing, seed: int) -> list[Frame]:
    """One frame for each step of drawing the picture `seed`; the last is the picture, as sample.py writes it."""
    frames: list[Frame] = []

    def watch(done: int, s: int, x_s: Tensor, x_0: Tensor) -> None:
        frames.append(Frame(s, to_uint8(x_s[0]).cpu(), to_uint8(x_0[0]).cpu()))

    picture = drawing.draw([seed], on_step=watch)[0]
    return [*frames[:-1], Frame(0, picture, picture)]


def spread(frames: Sequence[Frame], count: int) -> list[Frame]:
    """At most `count` of the frames, evenly spread, the first and the last among them."""
    if count >= len(frames):
        return list(frames)
    return [frames[round(i)] for i in torch.linspace(0, len(frames) - 1, count).tolist()]


def interpolation(drawing: Drawing, seeds: tuple[int, int], to: str | None, count: int) -> Tensor:
    """(count, C, H, W) uint8: pictures from one seed, and one request, to another.

    Noise goes along a circle (Ho et al. 2020, section 4.3, mix linearly, which lowers its variance); between two
    requests, guidance moves from the first to the second: w (1 - a) for the one and w a for the other.

    to : the last request, in the form of attrs; None keeps that of `drawing`

    Raises ValueError for fewer than two pictures, and for requests that are several already.
    """
    if count < 2:
        raise ValueError(f"frames={count}: must be at least 2, the two ends")
    shares = [i / (count - 1) for i in range(count)]
    mixed = [Between(*seeds, share) for share in shares]
    if to is None:
        return drawing.draw(mixed)
    for name, text in (("attrs", drawing.attrs), ("to", to)):
        if len(parse_requests(drawing.pipe.schema, text, name)) > 1 or "*" in text:
            raise ValueError(f"{name}={text!r}: an interpolation lies between two single requests, without | and *")
    w = drawing.settings["w"]
    pictures = [
        replace(drawing, attrs=f"{drawing.attrs} * {w * (1 - share)} | {to} * {w * share}").draw([seed])
        for share, seed in zip(shares, mixed, strict=True)
    ]
    return torch.cat(pictures)
