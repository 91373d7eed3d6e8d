"""What a network needs beside it to sample pictures, as plain values: schedule, times, palette, schema, label prior."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from data.palette import Palette
from diffusion.gaussian import PLAUSIBLE
from diffusion.samplers import DDIM, DPMSolverPP2M
from diffusion.sampling import SamplingOptions, renoising_times
from diffusion.spacing import timesteps
from inference.job import prepare
from inference.pipeline import Pipeline
from inference.settings import SampleSettings

FORMAT = "ddpm-cfg model 1"
OF_THIS_MACHINE = ("device", "torch", "threads")  # parts of a record that say nothing of a picture sampled elsewhere
SAMPLERS = (DDIM(), DPMSolverPP2M())  # that page/sampler.js has


def describe(pipe: Pipeline, weights: Path) -> dict[str, Any]:
    """The description that goes with the network of `pipe`, read from `weights`; explained in README.md beside it."""
    schedule, usual = pipe.diffusion.schedule, SamplingOptions()
    dropout = pipe.recipe.cfg
    takes_w = bool(len(pipe.schema)) and dropout.conditional and dropout.drop_prob > 0
    w = usual.w if takes_w else 1.0
    return {
        "format": FORMAT,
        "dataset": pipe.info.dataset,
        "title": pipe.recipe.dataset.title or pipe.info.dataset,
        "step": pipe.info.step,
        "checkpoint": pipe.checkpoint,
        "image_shape": list(pipe.image_shape),
        "prediction": pipe.diffusion.prediction,
        "T": schedule.T,
        "alpha_bar": schedule.alpha_bar.tolist(),
        "guidance": {"takes_w": takes_w, "w": w, "fade": usual.guidance.fade, "plausible": PLAUSIBLE},
        "sampling": {
            "complete": None if pipe.prior is None else sampling(pipe, weights, w),
            "open": sampling(pipe, weights, w if pipe.prior is None else 0.0),  # where no label is completed
        },
        "schema": json.loads(pipe.schema.to_json()),
        "example": pipe.schema.example(),
        "prior": None if pipe.prior is None else json.loads(pipe.prior.to_json()),
        "palette": None if pipe.palette is None else plain_palette(pipe.palette),
    }


def sampling(pipe: Pipeline, weights: Path, w: float) -> dict[str, Any]:
    """How sample.py samples with this w unless it is told otherwise, and what it records of that in a picture."""
    job, _ = prepare(SampleSettings(checkpoint=weights.as_posix(), w=w), lambda *_: pipe)
    options, schedule = job.options, pipe.diffusion.schedule
    assert options.sampler in SAMPLERS, options.sampler
    record = {key: value for key, value in job.record.items() if key not in OF_THIS_MACHINE}
    return {
        "sampler": options.sampler.name,
        "times": timesteps(schedule, options.steps, options.spacing),
        "refine": options.refine,
        "renoising": renoising_times(schedule.T) if options.refine else [],
        "record": record | {"device": "browser"},
    }


def plain_palette(palette: Palette) -> dict[str, Any]:
    """{"colours": K rows of levels, "at_pixel": base64 of K x H x W bits, the highest of each byte first, or None}."""
    bits = None
    if palette.at_pixel is not None:
        bits = base64.b64encode(np.packbits(palette.at_pixel.cpu().numpy()).tobytes()).decode()
    return {"colours": palette.colours.tolist(), "at_pixel": bits}
