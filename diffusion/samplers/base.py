"""The interface of a sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

from conf import Settings
from diffusion.gaussian import Denoise
from diffusion.schedule import NoiseSchedule

Noise = Callable[[], Tensor]


class Sampler(Settings):
    """A numerical method for the reverse process. It holds settings, never state, so one object serves many runs.

    renoises : whether a step is signal_s x_0 + c eps (+ fresh noise), so that eps may differ from the one in x_t: CFG++
    """

    renoises: ClassVar[bool] = False

    def step(
        self, schedule: NoiseSchedule, denoise: Denoise, x_t: Tensor, t: int, s: int, noise: Noise, memory: Any
    ) -> tuple[Tensor, Any]:
        """(x_s, memory) for 0 <= s < t <= T.

        denoise : (x_t, t) -> the prediction (x_0, eps)
        noise   : fresh N(0, I) of x_t's shape, image by image from each image's own seed
        memory  : what the sampler returned at the step before; None at the first
        """
        raise NotImplementedError
