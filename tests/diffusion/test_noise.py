"""The noise of each image: from its seed alone."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.sampling import Between, ImageNoise


def test_noise_is_that_of_torch_with_the_generator_of_each_seed():
    noise = ImageNoise([5, 0, 2**63 - 1], (2, 3, 4))
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 0, 2**63 - 1)]
    for _ in range(3):
        sampled = noise()
        assert sampled.shape == (3, 2, 3, 4) and sampled.dtype == torch.float32
        for image, generator in zip(sampled, generators, strict=True):
            assert torch.equal(image, torch.randn(2, 3, 4, generator=generator))


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6, unique=True), st.data())
def test_noise_of_an_image_does_not_depend_on_its_batch_or_its_place(seeds, data):
    shuffled = data.draw(st.permutations(seeds))
    batch, other_order, alone = (ImageNoise(s, (1, 2, 2)) for s in (seeds, shuffled, seeds[:1]))
    torch.manual_seed(data.draw(st.integers(0, 9)))  # the global generator plays no part
    for _ in range(2):
        of_batch, of_other, of_alone = batch(), other_order(), alone()
        assert torch.equal(of_batch[0], of_alone[0])
        for place, seed in enumerate(seeds):
            assert torch.equal(of_batch[place], of_other[shuffled.index(seed)])


def test_noise_differs_between_seeds_and_between_calls():
    noise = ImageNoise([0, 1], (1, 4, 4))
    first, second = noise(), noise()
    assert len({tuple(image.flatten().tolist()) for image in (*first, *second)}) == 4


def test_noise_is_on_the_device_asked_for():
    assert ImageNoise([0], (1, 2, 2), "meta")().device.type == "meta"
    assert ImageNoise([0], (1, 2, 2))().device.type == "cpu"


def test_noise_without_seeds_is_refused():
    with pytest.raises(ValueError, match=r"^seeds: at least one is needed, one for each image$"):
        ImageNoise([], (1, 2, 2))


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.0, "3", None])
def test_impossible_seeds_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed=.*2\^63 - 1") as refused:
        ImageNoise([0, seed], (1, 4, 4))
    assert repr(seed) in str(refused.value) and "\n" not in str(refused.value)


def test_noise_between_two_seeds_stays_standard_normal_and_ends_in_theirs():
    shape = (1, 100, 100)
    shares = (0.0, 0.25, 0.5, 1.0)
    noise, one, other = (
        ImageNoise([Between(3, 8, a) for a in shares], shape),
        ImageNoise([3], shape),
        ImageNoise([8], shape),
    )
    for _ in range(2):
        sampled, first, last = noise(), one()[0], other()[0]
        torch.testing.assert_close(sampled[0], first, atol=0, rtol=0)
        torch.testing.assert_close(sampled[3], last)
        assert (sampled.std(dim=(1, 2, 3)) - 1).abs().max() < 0.03  # three standard errors of 10,000 numbers are 0.02
        torch.testing.assert_close(sampled[1], math.cos(math.pi / 8) * first + math.sin(math.pi / 8) * last)
        torch.testing.assert_close(sampled[2], (first + last) / 2**0.5)


def test_between_a_seed_and_itself_is_that_seed():
    assert torch.equal(ImageNoise([Between(3, 3, 0.4)], (1, 4, 4))(), ImageNoise([3], (1, 4, 4))())
