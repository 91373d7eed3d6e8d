"""On which device tensors are made: that of the pictures, and random numbers on that of their generator.

The device "meta" stands for an accelerator: it computes shapes alone, and refuses tensors of the CPU.
"""

import pytest
import torch

from diffusion.guidance import guided
from diffusion.inpainting import Edit
from diffusion.schedule import NoiseSchedule
from tests.diffusion.spy import COND, DIFFUSION, SCHEDULE, UNKNOWN, X_T, Spy


def devices(*tensors: torch.Tensor) -> set[str]:
    return {x.device.type for x in tensors}


@pytest.mark.parametrize("order", [("cpu", "meta"), ("meta", "cpu")], ids=" then ".join)
def test_tables_of_a_schedule_follow_the_pictures(order):
    schedule = NoiseSchedule.named("linear", 100)
    for device in order:
        x = X_T.to(device)
        assert devices(schedule.signal(40, x), schedule.noise(40, x), schedule.add_noise(x, 40, x)) == {device}


def test_times_and_noise_of_training_come_from_the_generator_whatever_the_device_of_the_pictures():
    states = []
    for device in ("cpu", "meta"):
        generator = torch.Generator().manual_seed(0)
        assert devices(*DIFFUSION.sample_times_and_noise(X_T.to(device), generator)) == {device}
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_without_a_generator_times_and_noise_of_training_are_sampled_on_the_device_of_the_pictures():
    before = torch.get_rng_state()
    assert devices(*DIFFUSION.sample_times_and_noise(X_T.to("meta"))) == {"meta"}
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("ref", [None, Spy()], ids=["same network", "another network as reference"])
def test_networks_get_their_times_on_the_device_of_the_pictures(ref):
    seen = []

    def denoiser(x_t, t, cond):
        seen.extend((x_t, t, cond))
        return x_t

    cond, unknown = COND.to("meta"), UNKNOWN.to("meta")
    predicted = guided(DIFFUSION, denoiser, cond, ref and denoiser, unknown, w=3.0)(X_T.to("meta"), 40)
    assert len(seen) == (3 if ref is None else 6) and devices(*seen, *predicted) == {"meta"}


def test_a_mask_on_the_cpu_serves_pictures_on_another_device():
    x, mask = X_T.to("meta"), torch.ones(X_T.shape[-2:])
    assert devices(Edit(x, mask=mask).keep(SCHEDULE, x)(x, 40)) == {"meta"}
