"""The times of training: all, or the few at which a sampler will evaluate the network."""

import pytest
import torch

from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.named("linear", 200)


def test_chosen_times_are_the_only_ones_and_equally_frequent():
    diffusion = GaussianDiffusion(SCHEDULE, Objective(times=[200, 25, 3]))
    t, eps = diffusion.sample_times_and_noise(torch.zeros(6000, 1), torch.Generator().manual_seed(0))
    times, counts = t.unique(return_counts=True)
    assert times.tolist() == [3, 25, 200] and t.dtype == torch.int64
    assert (counts - 2000).abs().max() < 5 * (6000 * 2 / 9) ** 0.5
    assert eps.std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("times", [None, [200, 25]], ids=["all", "two"])
def test_held_out_losses_are_at_the_times_of_training_all_alike(times):
    t = GaussianDiffusion(SCHEDULE, Objective(times=times)).spread_times(100)
    if times is None:
        assert t.tolist() == [1 + 2 * i for i in range(100)]
    else:
        assert t.bincount()[[25, 200]].tolist() == [50, 50]


@pytest.mark.parametrize("times", [[201, 5], [5, 5]], ids=["beyond T", "twice"])
def test_times_that_cannot_be_are_refused(times):
    with pytest.raises(ValueError, match=r": must be different times between 1 and diffusion.T=200$") as refused:
        GaussianDiffusion(SCHEDULE, Objective(times=times))
    assert str(refused.value).startswith(f"diffusion.times={times}")
