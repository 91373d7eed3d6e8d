"""Animations: a picture as it comes out of the noise, and pictures that lie between two others.

What scripts/animate.py, scripts/interpolate.py and the dashboard call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from conditions.requests import parse_requests
from data.images import to_uint8
from diffusion.sampling import Between, ImageNoise
from inference.job import Job


class Frame(NamedTuple):
    """A moment of sampling: a time, x_t then, and the x_0 predicted from that x_t, both (C, H, W) uint8."""

    t: int
    x_t: Tensor
    x_0: Tensor
    renoised: int = 0  # final re-noising steps that went before

    @property
    def head(self) -> str:
        """What stands above it on a sheet: several frames have t = 0, and look alike."""
        return f"re-noised {self.renoised}" if self.renoised else f"t = {self.t}"


def denoising(job: Job, seed: int) -> list[Frame]:
    """The trajectory of the picture `seed`: x_T, the x after each step, and last the picture that sample.py writes.

    At t = 0, before and between re-noising steps, x_t and x_0 are the same. Where sampling begins with a noised picture
    instead of pure noise (strength below 1), the first frame is that after the first step. Where a step evaluates the
    network more than once (Heun's method, resampling), x_0 is the last prediction. Raises ValueError for a cascade.
    """
    if job.pipe.space is not None:
        raise ValueError("checkpoint: an animation shows pixels, and these weights denoise latents; take others")
    if job.upsampler is not None:
        raise ValueError("upsampler: an animation follows one network; leave it out, or give upsampler=null")
    frames: list[Frame] = []
    pipe, start, renoised = job.pipe, None, 0  # t and x_t at which the next step starts; and re-noising steps so far
    if job.settings.strength == 1:
        start = pipe.diffusion.schedule.T, to_uint8(ImageNoise([seed], pipe.image_shape)()[0])

    def collect(done: int, s: int, x_s: Tensor, x_0: Tensor) -> None:
        nonlocal start, renoised
        if start is not None:
            t, x_t = start
            frames.append(Frame(t, x_t, to_uint8(x_0[0]).cpu() if t > 0 else x_t, renoised))
            renoised += t == 0
        start = s, to_uint8(x_s[0]).cpu()

    picture = job.sample([seed], on_step=collect)[0]
    return [*frames, Frame(0, picture, picture, renoised)]


def side_by_side(frames: Sequence[Frame]) -> Tensor:
    """(N, C, H, 2 W) uint8: x_t, and the x_0 predicted from it on its right."""
    return torch.cat(rows(frames), dim=3)


def rows(frames: Sequence[Frame]) -> list[Tensor]:
    """All x_t, and all x_0, both (N, C, H, W) uint8."""
    return [torch.stack([frame.x_t for frame in frames]), torch.stack([frame.x_0 for frame in frames])]


def spread(frames: Sequence[Frame], count: int) -> list[Frame]:
    """At most `count` of the frames, evenly spread, the first and the last among them."""
    if count >= len(frames):
        return list(frames)
    return [frames[round(i)] for i in torch.linspace(0, len(frames) - 1, count).tolist()]


def interpolation(job: Job, seeds: Sequence[int], to: str | None, count: int) -> Tensor:
    """(count, C, H, W) uint8: pictures from the first of two seeds, and one request, to another.

    Noise goes along a circle (Ho et al. 2020, section 4.3, mix linearly, which lowers its variance); between two
    requests, guidance moves from the first to the second: w (1 - a) for the one and w a for the other.

    to : the last request, in the form of attrs; None keeps that of `job`

    Raises ValueError for requests with weights or several, and for an edit.
    """
    shares = [i / (count - 1) for i in range(count)]
    mixed = [Between(*seeds, share) for share in shares]
    if to is None:
        return job.sample(mixed)
    if job.change is not None:
        raise ValueError("edit: changes one picture, and `to` leads from a request to another; give attrs instead")
    for name, text in (("attrs", job.attrs), ("to", to)):
        if len(parse_requests(job.pipe.schema, text, name)) > 1 or {"*", ":"} & set(text):
            raise ValueError(f"{name}={text!r}: an interpolation lies between two single requests, without weights")
    w = job.settings.w
    pictures = [
        replace(job, attrs=f"{job.attrs} * {w * (1 - share)} | {to} * {w * share}").sample([seed])
        for share, seed in zip(shares, mixed, strict=True)
    ]
    return torch.cat(pictures)
