"""The figures of a training on bigfaces: of its pictures of complete labels, what labels leave open."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from data.base import InMemoryDataset
from data.bigfaces import SCALE
from data.images import enlarge, reduced
from diffusion.sampling import SamplingOptions
from evaluation.detail import Found, figures_of, found
from evaluation.intervals import Estimate
from inference.pipeline import Pipeline
from runtime.factory import input_shape
from runtime.memory import activations, on_meta
from scripts.studies.measure import BATCH, tiled

SEED = 4_000_000  # of the first picture
TRIES = 2  # times each label is sampled
SHOWN = 6  # labels on the sheet


def detail(pipe: Pipeline, small: Pipeline | None, held_out: InMemoryDataset, n: int) -> tuple[dict[str, Any], Tensor]:
    """The figures, and a sheet (3, 3 H, SHOWN W) uint8: real pictures, sampled ones, and others of the same labels.

    small : generates the small pictures that `pipe` enlarges; None where it enlarges none. Then those of the real
            pictures are the small ones that "floor" is of.
    n     : labels of the held-out pictures, from the first
    """
    real = held_out.select(torch.arange(min(n, len(held_out))))
    options = SamplingOptions(w=1.0, batch_size=BATCH.get(pipe.device.type, 64))
    seeds = [range(SEED + k * len(real), SEED + (k + 1) * len(real)) for k in range(TRIES)]
    began = time.perf_counter()
    given = small(real.labels, seeds[0], options) if small else None
    between = time.perf_counter()
    images = torch.stack([pipe(real.labels, numbers, options, small=given) for numbers in seeds])
    ended = time.perf_counter()
    shown = reduced(real.images, SCALE) if given is None else given
    names = {"sampled": images, "real": real.images[None], "floor": enlarge(shown, SCALE)[None]}
    figures = {name: plain(found(pictures, real.labels, shown), given) for name, pictures in names.items()}
    figures |= {
        "n": len(real),
        "nfe": sum(each.evaluations(real.labels[:1], options) for each in (pipe, small) if each),
        "seconds_per_picture": round((between - began + (ended - between) / TRIES) / len(real), 4),
    }
    return figures, tiled(torch.cat([real.images[:SHOWN], *images[:, :SHOWN]]), min(SHOWN, len(real)))


def plain(show: Found, given: Tensor | None) -> dict[str, Any]:
    """The figures as JSON has them: an estimate as a list, None for one of nothing."""

    def written(value: Any) -> Any:
        if isinstance(value, Estimate):
            return list(value) if value.n else None
        return {name: written(part) for name, part in value.items()}

    return written(figures_of(show, given is not None))


def kept(pipe: Pipeline) -> int:
    """Bytes that a training step keeps of one picture for its backward pass, in fp32."""
    model = on_meta(pipe.recipe, pipe.x_shape, pipe.schema, pipe.palette)
    return activations(model, input_shape(pipe.recipe, pipe.x_shape), len(pipe.schema))
