"""The small picture beside x_t: each branch of guidance and each time sees its own, and nothing else changes."""

import torch

from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.guidance import guided
from diffusion.objective import Denoising
from diffusion.schedule import NoiseSchedule
from diffusion.upsampling import Upsampling, beside

DIFFUSION = GaussianDiffusion(NoiseSchedule.named("linear", 100), Objective(prediction="x_0"))
SMALL = torch.linspace(-0.9, 0.9, 3 * 2 * 4 * 4).view(3, 2, 4, 4)
COND = torch.zeros(3, 1, dtype=torch.int64)


def copying(x, t, cond):
    """A denoiser that predicts the picture beside x_t, brighter with a label than without."""
    assert x.shape[1] == 4
    return x[:, 2:] + 0.05 * cond[:, 0, None, None, None]


def test_each_picture_has_its_own_beside_it_in_every_branch_of_guidance():
    noise = torch.randn(SMALL.shape, generator=torch.Generator().manual_seed(0))
    denoise = guided(DIFFUSION, beside(copying, SMALL), COND + 1, ref_cond=COND, w=2.0)
    torch.testing.assert_close(denoise(noise, 50).x_0, SMALL + 0.1)


def test_x_t_comes_first():
    taken = []
    beside(lambda x, t, cond: taken.append(x), SMALL)(SMALL + 1, None, COND)
    assert torch.equal(taken[0][:, :2], SMALL + 1) and torch.equal(taken[0][:, 2:], SMALL)


def test_the_loss_is_that_of_denoising_with_the_pictures_own_small_version_beside_it():
    x_0 = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    objective = Upsampling(DIFFUSION, lambda pictures: pictures / 2)
    draws = objective.draws(x_0, torch.Generator().manual_seed(2))
    found = objective.losses("model", copying, x_0, COND, *draws)["loss/train"]
    torch.testing.assert_close(found, (x_0 / 2).square().flatten(1).mean(1))
    same = Denoising(DIFFUSION).draws(x_0, torch.Generator().manual_seed(2))
    assert all(torch.equal(one, other) for one, other in zip(draws, same, strict=True))
