"""Losses and errors against closed forms."""

import pytest
import torch

from conditions.schema import UNCONDITIONAL
from data import CryptoPunks
from data.base import InMemoryDataset
from data.images import to_float
from diagnosis.probe import Probe
from diffusion.gaussian import DiffusionSettings

CPU = torch.device("cpu")


def probe_of(images, n, prediction="eps"):
    rows = torch.arange(len(images))
    data = InMemoryDataset("x", images, torch.zeros(len(images), 0, dtype=torch.int64), UNCONDITIONAL, None, rows)
    return Probe.of(data, n, DiffusionSettings(prediction=prediction).build(), CPU)


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_the_best_guess_by_pixel_has_the_error_of_a_gaussian_posterior(prediction):
    """Of Gaussian pixels of variance s^2 it is s^2 noise^2 / (signal^2 s^2 + noise^2); nothing linear does better."""
    normal = torch.randn(4000, 1, 4, 4, generator=torch.Generator().manual_seed(1))  # 0 is that of the noise
    images = (127.5 + 40 * normal).round().clamp(0, 255)
    probe, x = probe_of(images.byte(), 4000, prediction), to_float(images)
    mean, variance = x.mean(dim=0), x.var(dim=0)
    a = probe.diffusion.schedule.alpha_bar[probe.t].double()
    expected = (variance.mean() * (1 - a) / (a * variance.mean() + 1 - a)).mean().item()
    found = probe.errors_by_pixel(mean, variance).mean().item()
    assert found == pytest.approx(expected, rel=0.02)
    assert found < probe.errors_by_pixel(mean, 2 * variance).mean().item()
    assert found < probe.errors_by_pixel(mean, variance / 2).mean().item()


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_a_denoiser_that_knows_the_picture_has_no_error_and_no_loss(prediction):
    images = torch.randint(256, (40, 3, 4, 4), generator=torch.Generator().manual_seed(0)).byte()
    probe = probe_of(images, 40, prediction)
    done = iter(torch.arange(40).split(64))

    def knowing(x_t, t, cond):
        rows = next(done)
        return probe.diffusion.target(probe.x_0[rows], t, probe.eps[rows])

    assert probe.errors(knowing).max() < 1e-6
    done = iter(torch.arange(40).split(64))
    assert probe.losses(knowing).max() < 1e-10


def test_two_splits_have_the_same_noise_at_the_same_places_and_few_pictures_come_again():
    images = torch.randint(256, (7, 1, 4, 4), generator=torch.Generator().manual_seed(0)).byte()
    one, other = probe_of(images, 50), probe_of(images[:2], 50)
    assert torch.equal(one.t, other.t) and torch.equal(one.eps, other.eps)
    assert one.picture.bincount().tolist() == [8] + [7] * 6 and other.picture.bincount().tolist() == [25, 25]


def test_the_interval_is_that_of_pictures_and_not_of_noise():
    """Two pictures whose values differ: however often each is noised, the mean lies anywhere between them."""
    images = torch.zeros(2, 1, 4, 4).byte()
    probe = probe_of(images, 200)
    found = probe.mean(probe.picture.double())
    assert found.value == 0.5 and (found.low, found.high) == (0, 1)


def test_on_punks_it_has_the_losses_that_the_page_on_troubleshooting_names(real_data):
    """As loss of eps the error times SNR, as that of v times SNR + 1."""
    train = CryptoPunks().load(str(real_data)).train
    probe, x = Probe.of(train, 1000, DiffusionSettings().build(), CPU), to_float(train.images)
    errors = probe.errors_by_pixel(x.mean(dim=0), x.var(dim=0))
    snr = probe.diffusion.schedule.snr[probe.t].double()
    assert (errors * snr).mean().item() == pytest.approx(0.098, rel=0.05)
    assert (errors * (snr + 1)).mean().item() == pytest.approx(0.209, rel=0.05)
