"""Sampling from the baselines, which generate in one evaluation: what that leaves of the sampling options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffusion.guidance import Fade
from diffusion.sampling import SamplingOptions

WEIGHTS = (0.0, 1.0)  # what they have in the place of guidance: no request, or the request


def unguided(options: SamplingOptions) -> SamplingOptions:
    """With the request as it is in the place of the usual guidance."""
    return options.model_copy(update={"w": 1.0}) if options.w == SamplingOptions().w else options


def refuse_options(name: str, options: SamplingOptions, only: Mapping[str, Any]) -> None:
    """Raises ValueError for what changes how a diffusion model samples, and nothing of the baseline `name`.

    only : the options with which it is sampled, sampler and steps among them
    """
    if options.w not in WEIGHTS:
        raise ValueError(f"w={options.w:g}: model={name} has no guidance; w=1 follows the request, w=0 ignores it")
    for option, value in {**only, "guidance": Fade()}.items():
        given = getattr(options, option)
        if given != value:
            raise ValueError(
                f"{option}={getattr(given, 'name', given)}: model={name} generates in one evaluation; leave it out"
            )


def refuse_conditions(name: str, weights: Sequence[float], negative: Any, guide: Any) -> None:
    """Raises ValueError for what only guidance combines."""
    for setting, given in (("negative", negative), ("guide", guide)):
        if given is not None:
            raise ValueError(f"{setting}: is for guidance, which model={name} has not; leave it out")
    if len(weights) > 1 or weights[0] not in WEIGHTS:
        raise ValueError(
            f"attrs: several conditions and weights of names are for guidance, which model={name} has not; ask for one"
        )
