"""Sampling: the noise of each image, and the loop from noise to pictures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor

from conf import MAX_WEIGHT, Settings, setting
from diffusion.gaussian import Denoise, GaussianDiffusion, Prediction
from diffusion.guidance import AnyGuidance, Fade
from diffusion.inpainting import Edit, Resampled
from diffusion.samplers import DDIM, AnySampler, DPMSolverPP2M, Noise, Sampler
from diffusion.schedule import NoiseSchedule
from diffusion.spacing import AnySpacing, Listed, Power, Trailing, timesteps

OnStep = Callable[[int, int, Tensor, Tensor], None]  # (steps done, s, x_s, predicted x_0): progress bars, animations

RENOISING_LEVELS = (0.06, 0.03, 0.02)  # t / T of the final re-noising steps of `refined`: more would cost variety


class SamplingOptions(Settings):
    """How pictures are sampled. What is None is chosen by what the weights and the request are; see `filled`."""

    w: float = setting(
        3.0, "guidance: 0 ignores the request, 1 is the plain conditional model, more insists", ge=0, le=MAX_WEIGHT
    )
    guidance: AnyGuidance = Fade()
    complete: bool | None = setting(
        None,
        "whether what a request leaves open is decided first, by the label prior; null: where there is one",
    )
    sampler: AnySampler | None = None
    steps: int | None = setting(
        None,
        "sampler steps, at most the T of the training; null: 2 or 4 for completed labels of pixel art, else 10",
        ge=1,
    )
    spacing: AnySpacing | None = None
    refine: int | None = setting(
        None,
        "predictions averaged in each of three final re-noising steps; null: 4 for pixel art with open labels, else 0",
        ge=0,
        le=1000,
    )
    quantise: Literal["pixel", "palette", "none"] = setting(
        "pixel", "to the nearest colour seen at that pixel in training, to any of the palette, or not at all"
    )
    batch_size: int = setting(
        64, "pictures sampled at once; changes memory and speed, not the pictures", ge=1, le=1_000_000
    )

    def filled(self, usual: Mapping[str, Any]) -> Self:
        """With `usual` in the place of what was left out."""
        left_out = {name: value for name, value in usual.items() if getattr(self, name) is None}
        return self.model_copy(update=left_out) if left_out else self


# Where the network decides what a request leaves open, it takes steps at high noise; where the label says it all, the
# picture is nearly there after one evaluation, and the last colours are decided at low noise. Predicted as colours of a
# palette, they are there too.
FOR_OPEN_LABELS = {"sampler": DPMSolverPP2M(), "steps": 10, "spacing": Trailing(), "refine": 0}
FOR_COMPLETE_LABELS = {"sampler": DDIM(), "steps": 4, "spacing": Power(exponent=3.0), "refine": 0}
FOR_PALETTE_LOGITS = FOR_COMPLETE_LABELS | {"steps": 2}  # and complete labels


def at_trained_times(diffusion: GaussianDiffusion) -> dict[str, Any]:
    """The options with which weights that were trained at few times alone are sampled; none for all others."""
    if diffusion.times is None:
        return {}
    times = diffusion.times.flip(0).tolist()
    return {"sampler": DDIM(), "steps": len(times), "spacing": Listed(times=times), "refine": 0}


def fitting(options: SamplingOptions, diffusion: GaussianDiffusion, complete: bool, pixel_art: bool) -> SamplingOptions:
    """`options` with what fits the weights and their request in the place of what was left out.

    complete  : whether labels are known as a whole, since the label prior decides what a request leaves open
    pixel_art : whether pictures are quantised to a palette, and a complete label determines them
    """
    usual = FOR_OPEN_LABELS | {"refine": 4 if pixel_art and not complete else 0}
    if complete and pixel_art and options.sampler is options.steps is options.spacing is None:
        usual = FOR_PALETTE_LOGITS if diffusion.prediction == "palette" else FOR_COMPLETE_LABELS
    if isinstance(options.spacing, Listed):
        usual = usual | {"steps": len(options.spacing.times)}
    return options.filled(at_trained_times(diffusion) or usual).model_copy(update={"complete": complete})


class Between(NamedTuple):
    """A point between two seeds, by spherical interpolation, so that its noise stays standard normal.

    The noise of `one` is rotated by `share`, from 0 to 1, of a right angle towards that of `other`.
    """

    one: int
    other: int
    share: float


Seed = int | Between


class ImageNoise:
    """Standard normal noise in which every image has its own generator, seeded by its own seed.

    An image's noise therefore depends on its seed and on nothing else: not on the batch, nor its place there.
    It is sampled on the CPU, so that every device starts from the same noise.
    """

    def __init__(self, seeds: Sequence[Seed], shape: Sequence[int], device: torch.device | str = "cpu"):
        if not len(seeds):
            raise ValueError("seeds: at least one is needed, one for each image")
        self.parts = [_parts(seed) for seed in seeds]
        self.shape, self.device = tuple(shape), device

    def __call__(self) -> Tensor:
        """The next (N, C, H, W) float32 of noise. A copy to a GPU from pinned memory does not make the host wait."""
        noise = torch.stack([
            sum(weight * torch.randn(self.shape, generator=generator) for generator, weight in parts)
            for parts in self.parts
        ])  # fmt: skip
        on_gpu = torch.device(self.device).type == "cuda"
        return noise.pin_memory().to(self.device, non_blocking=True) if on_gpu else noise.to(self.device)


def _parts(seed: Seed) -> list[tuple[torch.Generator, float]]:
    """The generators of a seed, and how much of each there is."""
    if isinstance(seed, Between):
        if seed.one == seed.other:  # its noise would add to itself
            return _parts(seed.one)
        angle = seed.share * math.pi / 2
        (one, _), (other, _) = *_parts(seed.one), *_parts(seed.other)
        return [(one, math.cos(angle)), (other, math.sin(angle))]
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise ValueError(f"seed={seed!r}: must be a whole number from 0 to 2^63 - 1")
    return [(torch.Generator().manual_seed(seed), 1.0)]


def sample(
    schedule: NoiseSchedule,
    sampler: Sampler,
    denoise: Denoise,
    timesteps: Sequence[int],
    x: Tensor,
    noise: Noise,
    constrain: Callable[[Tensor, int], Tensor] | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Run the reverse process on x from the first of `timesteps` to the last, 0, and return x_0.

    timesteps : falling times; the first is the noise level that x already has
    constrain : (x_s, s) -> x_s, applied after every step; inpainting resets the known pixels here
    on_step   : called after every step, with the x_0 that was predicted last
    """
    memory: Any = None
    predicted = x

    def recorded(x_t: Tensor, t: int) -> Prediction:
        nonlocal predicted
        prediction = denoise(x_t, t)
        predicted = prediction.x_0
        return prediction

    for i, (t, s) in enumerate(pairwise(timesteps)):
        x, memory = sampler.step(schedule, recorded, x, t, s, noise, memory)
        if constrain is not None:
            x = constrain(x, s)
        if on_step is not None:
            on_step(i + 1, s, x, predicted)
    return x


def renoising_times(T: int) -> list[int]:
    """The falling times of the final re-noising steps of `refined`."""
    return [math.ceil(level * T) for level in RENOISING_LEVELS]


def refined(
    schedule: NoiseSchedule,
    denoise: Denoise,
    x_0: Tensor,
    noise: Noise,
    predictions: int,
    start: int,
    constrain: Callable[[Tensor, int], Tensor] | None = None,
    on_renoised: Callable[[Tensor], None] = lambda x_0: None,
) -> Tensor:
    """Final re-noising steps: x_0 is noised a little, from more to less, and becomes the mean of several predictions.

    What a network predicts depends on the noise that it is given; where there is one right picture, the errors differ
    for each noise and average out. Where there are many, as among photographs, a mean is blurred.

    predictions : to average over; 0 leaves the pictures as they are
    start       : the time at which sampling began; steps with more noise than that are left out
    on_renoised : called after each step, also after those left out
    """
    if predictions == 0:
        return x_0
    for t in renoising_times(schedule.T):
        if t <= start:
            x_0 = sum(denoise(schedule.add_noise(x_0, t, noise()), t).x_0 for _ in range(predictions)) / predictions
            x_0 = x_0 if constrain is None else constrain(x_0, 0)
        on_renoised(x_0)
    return x_0


@torch.no_grad()
def generate(
    schedule: NoiseSchedule,
    denoise: Denoise,
    seeds: Sequence[Seed],
    shape: Sequence[int],
    options: SamplingOptions,
    device: torch.device | str = "cpu",
    edit: Edit | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Pictures (N, C, H, W) float32 in [-1, 1] from pure noise, or from others.

    denoise : as `guidance.guided` returns it, for N pictures on `device`; w and guidance of the options are in there
    seeds   : N seeds, one per picture
    shape   : (C, H, W)
    options : sampler, steps, spacing and refine, where None stands for what FOR_OPEN_LABELS has
    edit    : pictures to start from, and what of them to keep
    """
    options, noise = options.filled(FOR_OPEN_LABELS), ImageNoise(seeds, shape, device)
    x, keep, start, steps, sampler = noise(), None, schedule.T, options.steps, options.sampler
    if edit is not None:
        start, steps = edit.start(schedule.T), edit.steps(steps, schedule.T)
        if start == 0:
            return edit.init
    grid = timesteps(schedule, steps, options.spacing, start)
    if edit is not None:
        x, keep = edit.begin(schedule, x, grid[0]), edit.keep(schedule, x)
        sampler = Resampled(sampler, keep, edit.resample)
    x_0 = sample(schedule, sampler, denoise, grid, x, noise, keep, on_step)
    done = itertools.count(steps + 1)
    on_renoised = (lambda x_0: on_step(next(done), 0, x_0, x_0)) if on_step is not None else (lambda x_0: None)
    return refined(schedule, denoise, x_0, noise, options.refine, start, keep, on_renoised)
