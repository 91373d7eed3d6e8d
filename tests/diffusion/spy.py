"""A denoiser that notes how it was called, for the tests of guidance."""

import torch

from diffusion.gaussian import GaussianDiffusion
from diffusion.schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.named("linear", 100)


DIFFUSION = GaussianDiffusion(SCHEDULE)


COND = torch.tensor([[2, 0], [-1, 1], [0, 3]])


UNKNOWN = torch.full_like(COND, -1)


X_T = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Spy:
    """A denoiser, nonlinear in x_t and different for every label, that notes what it was called with."""

    def __init__(self, strength: float = 1.0):
        self.strength, self.calls = strength, []

    def __call__(self, x_t, t, cond):
        self.calls.append((len(x_t), t, cond))
        label = (cond * torch.tensor([1.0, 0.3])).sum(dim=1).view(-1, 1, 1, 1)
        return self.strength * torch.sin(x_t + label) + 0.01 * t.view(-1, 1, 1, 1)

    @property
    def batches(self) -> list[int]:
        return [call[0] for call in self.calls]


def output_of(denoiser, cond, t: int = 40) -> torch.Tensor:
    """One plain evaluation of the denoiser."""
    return denoiser(X_T, torch.full((len(X_T),), t), cond)


def unguided(output, t: int = 40):
    return DIFFUSION.predict(output, X_T, t, clip=False)
