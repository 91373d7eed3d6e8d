"""The VAE: its terms against closed forms of others, and what gradients and labels reach."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Independent, Normal, kl_divergence
from torch.testing import assert_close

from baselines import vae
from baselines.vae import VAESettings
from diffusion.gaussian import DiffusionSettings

SHAPE, CARDINALITIES = (3, 8, 8), (3, 2)
COND = torch.tensor([[0, 1], [2, -1], [-1, -1], [1, 0]])
COLOURS = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], dtype=torch.uint8)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def made(**settings):
    """A small VAE, its objective, and four pictures."""
    settings = VAESettings(channels=8, latent=5, **settings)
    diffusion = settings.one_step.build(COLOURS)
    outputs = len(COLOURS) if settings.likelihood == "palette" else None
    return settings.build(SHAPE, CARDINALITIES, outputs), settings.objective(diffusion), torch.rand(4, *SHAPE) * 2 - 1


def test_kl_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(6, 5), torch.randn(6, 5)
    ours = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    prior = Independent(Normal(torch.zeros(6, 5), torch.ones(6, 5)), 1)
    assert_close(vae.kl_divergence(mean, log_variance), kl_divergence(ours, prior))
    assert not vae.kl_divergence(torch.zeros(2, 5), torch.zeros(2, 5)).any()


def test_gaussian_likelihood_is_that_of_torch():
    x_0, mean, log_sigma = torch.randn(4, *SHAPE), torch.randn(4, *SHAPE), torch.tensor(-0.7)
    reference = -Independent(Normal(mean, log_sigma.exp()), 3).log_prob(x_0)
    assert_close(vae.gaussian_nll(x_0, mean, log_sigma), reference)


def test_reparameterised_latents_have_the_moments_and_pass_gradients_as_torch_samples_them():
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.4, -1.0]])
    z = vae.reparameterised(mean, log_variance, torch.randn(50_000, 2))
    assert_close(z.mean(dim=0), mean[0], atol=0.02, rtol=0)
    assert_close(z.var(dim=0), log_variance[0].exp(), atol=0.03, rtol=0)

    mean, log_variance = mean.requires_grad_(), log_variance.requires_grad_()
    ours = torch.autograd.grad(vae.reparameterised(mean, log_variance, torch.tensor([[0.3, -0.8]])).sum(), log_variance)
    scale = (0.5 * log_variance).exp()
    assert_close(ours[0], 0.5 * scale * torch.tensor([[0.3, -0.8]]))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("likelihood", ["gaussian", "palette"])
def test_the_loss_is_reconstruction_and_beta_kl_per_number_or_pixel(likelihood, beta):
    network, objective, x_0 = made(likelihood=likelihood, beta=beta)
    draws = objective.draws(x_0, torch.Generator().manual_seed(0))
    losses = objective.losses("model", network, x_0, COND, *draws)
    size = 64 if likelihood == "palette" else 192
    assert_close(losses["loss/train"], (losses["vae/reconstruction"] + beta * losses["vae/kl"]) / size)
    assert next(iter(losses)) == "loss/train"
    assert all(values.shape == (4,) for values in losses.values())
    assert (losses["vae/kl"] > 0).all()


def test_palette_reconstruction_is_the_cross_entropy_of_the_colours():
    """Of pictures in the palette's own colours, by hand."""
    network, objective, _ = made(likelihood="palette")
    numbers = torch.randint(len(COLOURS), (4, 8, 8))
    x_0 = (COLOURS[numbers].float() / 127.5 - 1).permute(0, 3, 1, 2)
    (eps,) = objective.draws(x_0, torch.Generator().manual_seed(0))
    mean, log_variance = network.encode(x_0, COND)
    log_p = F.log_softmax(network.decoder(mean + (0.5 * log_variance).exp() * eps, COND), dim=1)
    expected = torch.stack(
        [-sum(log_p[i, numbers[i, y, x], y, x] for y in range(8) for x in range(8)) for i in range(4)]
    )
    assert_close(objective.losses("model", network, x_0, COND, eps)["vae/reconstruction"], expected)


def test_every_parameter_is_trained():
    network, objective, x_0 = made()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(3):  # residual branches begin at zero
        optimizer.zero_grad()
        draws = objective.draws(x_0, torch.Generator().manual_seed(0))
        objective.losses("model", network, x_0, COND, *draws)["loss/train"].mean().backward()
        optimizer.step()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("likelihood", ["gaussian", "palette"])
def test_sampling_decodes_the_first_numbers_of_the_noise_and_depends_on_the_label(likelihood):
    network, _, _ = made(likelihood=likelihood)
    noise, t = torch.randn(4, *SHAPE), torch.ones(4).long()
    decoded = network.decoder(noise.flatten(1)[:, :5], COND)
    sampled = network(noise, t, COND)
    if likelihood == "palette":
        assert torch.equal(sampled.argmax(dim=1), decoded.argmax(dim=1))
        predicted = DiffusionSettings(prediction="palette", schedule="cosine", T=1).build(COLOURS)
        colours = predicted.predict(sampled, noise, 1).x_0
        assert_close(colours, (COLOURS[decoded.argmax(dim=1)].float() / 127.5 - 1).permute(0, 3, 1, 2))
    else:
        assert torch.equal(sampled, decoded)
    later = noise.clone().flatten(1)
    later[:, 5:] = 0
    assert torch.equal(network(later.view_as(noise), t, COND), sampled)
    assert not torch.equal(network.decoder(noise.flatten(1)[:, :5], COND.flip(0)), decoded)


def test_a_learned_sigma_is_the_error_that_is_left():
    """Where the mean cannot be improved, the likeliest sigma is the root mean square error (Rybkin et al. 2021)."""
    error, log_sigma = 0.2 * torch.randn(1000, 1, 4, 4), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([log_sigma], 0.05)
    for _ in range(300):
        optimizer.zero_grad()
        (vae.gaussian_nll(error, torch.zeros_like(error), log_sigma).mean() / 16).backward()
        optimizer.step()
    assert log_sigma.exp().item() == pytest.approx(math.sqrt(error.square().mean().item()), rel=1e-2)
