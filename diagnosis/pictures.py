"""Checks of pictures: whether samples are noise, and whether the training pictures are what a diffusion expects."""

from __future__ import annotations

import torch
from torch import Tensor

from data.images import to_float
from diagnosis.case import Case
from diagnosis.findings import FAULT, LOOK, OK, Outcome, sentence, unchecked

ROUGH, NOISE = 1.5, 2.5  # times the roughness of real pictures
FLAT = 0.4
LOW_CONTRAST = 0.2  # standard deviation, of pictures in [-1, 1]; of all levels alike it is 0.58
FEW_LEVELS = 16  # between the darkest and the brightest
MANY_CONSTANT = 0.01


def roughness(images: Tensor) -> float:
    """The mean difference between neighbouring pixels of (N, C, H, W) uint8, in levels of 255."""
    x = images.float()
    return torch.stack([x.diff(dim=2).abs().mean(), x.diff(dim=3).abs().mean()]).mean().item()


def samples(case: Case) -> Outcome:
    """Whether neighbouring pixels of samples differ as much as those of real pictures."""
    if case.weights is None:
        return unchecked("the training failed before it saved any weights")
    averaged, raw = (roughness(images) for images in case.samples)
    real = roughness(case.pictures)
    times = averaged / max(real, 1e-6)
    figure = sentence(
        "neighbouring pixels differ by {averaged:.1f} levels in samples, {real:.1f} in real pictures: {times:.2f} "
        "times; by {raw:.1f} with the raw weights", averaged=averaged, raw=raw, real=real, times=times,
    )  # fmt: skip
    if times > ROUGH:
        remedy = sentence("they are noise, or speckled: see the other findings, and samples.png")
        return Outcome(FAULT if times > NOISE else LOOK, figure, remedy)
    if times < FLAT:
        return Outcome(LOOK, figure, sentence("they are flat: see the other findings, and samples.png"))
    return Outcome(OK, figure)


def data(case: Case) -> Outcome:
    """Whether training pictures use the levels that there are, and differ."""
    pictures = case.pictures
    low, high, deviation = int(pictures.min()), int(pictures.max()), to_float(pictures).std().item()
    flat = pictures.flatten(2)
    constant = (flat.amax(dim=2) == flat.amin(dim=2)).all(dim=1).double().mean().item()
    figure = sentence(
        "levels {low} to {high} of 255, standard deviation {deviation:.2f} in [-1, 1]; {constant:.1%} of the pictures "
        "are of one colour", low=low, high=high, deviation=deviation, constant=constant,
    )  # fmt: skip
    if high - low < FEW_LEVELS:
        return Outcome(FAULT, figure, sentence("save the pictures with levels from 0 to 255, not from 0 to 1"))
    if deviation < LOW_CONTRAST:
        return Outcome(LOOK, figure, sentence("raise their contrast: noise drowns them at nearly every noise level"))
    if constant > MANY_CONSTANT:
        return Outcome(LOOK, figure, sentence("take pictures of one colour out of the data set"))
    return Outcome(OK, figure)
