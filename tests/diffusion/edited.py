"""Known pictures to edit, and how the tests of inpainting and of resampling sample them."""

import torch

from diffusion.samplers import DDIM
from diffusion.sampling import SamplingOptions
from diffusion.schedule import NoiseSchedule
from tests.diffusion.oracle import GaussianData

SCHEDULE = NoiseSchedule.named("linear", 200)
DATA = GaussianData(mean=0.3, std=0.5)
SHAPE = (1, 6, 8)
SEEDS = [3, 4]
INIT = torch.linspace(-1, 1, 48).view(1, *SHAPE).expand(2, -1, -1, -1)
RIGHT = torch.zeros(6, 8)
RIGHT[:, 5:] = 1


def options(sampler=None, steps=20, **more) -> SamplingOptions:
    return SamplingOptions(sampler=sampler or DDIM(), steps=steps, **more)
