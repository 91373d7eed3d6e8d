"""The WGAN-GP: the penalty of critics whose gradient is known, and which part each loss trains."""

import pytest
import torch
from torch.testing import assert_close

from baselines.wgan_gp import WGANGPSettings, frozen, gradient_penalty

SHAPE, CARDINALITIES = (3, 8, 8), (3, 2)
COND = torch.tensor([[0, 1], [2, -1], [-1, -1], [1, 0]])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def made():
    """A small network, its objective, and four pictures."""
    settings = WGANGPSettings(channels=8, latent=5, critic_steps=2)
    network = settings.build(SHAPE, CARDINALITIES)
    return network, settings.objective(settings.one_step.build()), torch.rand(4, *SHAPE) * 2 - 1


def losses_of(made, update):
    network, objective, x_0 = made
    return objective.losses(update, network, x_0, COND, *objective.draws(x_0, torch.Generator().manual_seed(0)))


def test_the_penalty_of_a_linear_critic_is_known():
    """Its gradient is its weight, wherever it is taken."""
    weight = torch.randn(192)
    penalty = gradient_penalty(lambda x, cond: x.flatten(1) @ weight, torch.randn(4, *SHAPE), COND)
    assert_close(penalty, ((weight.norm() - 1) ** 2).expand(4))
    unit = weight / weight.norm()
    assert_close(gradient_penalty(lambda x, cond: x.flatten(1) @ unit, torch.randn(4, *SHAPE), COND), torch.zeros(4))


def test_the_penalty_of_a_quadratic_critic_is_known_for_each_picture_by_itself():
    """The gradient of a |x|^2 / 2 is a x, so that the norm differs for each picture; and so it does for each label."""
    x = torch.randn(4, *SHAPE)
    penalty = gradient_penalty(lambda x, cond: cond[:, 1] * x.square().flatten(1).sum(1) / 2, x, COND)
    assert_close(penalty, (COND[:, 1].abs() * x.flatten(1).norm(dim=1) - 1).square())


def test_the_penalty_is_differentiable_by_the_parameters_of_the_critic():
    """For a linear critic, d(|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|."""
    weight = torch.randn(192, requires_grad=True)
    gradient_penalty(lambda x, cond: x.flatten(1) @ weight, torch.randn(4, *SHAPE), COND).mean().backward()
    norm = weight.detach().norm()
    assert_close(weight.grad, 2 * (norm - 1) * weight.detach() / norm)


def test_the_penalty_can_be_measured_where_no_gradients_are_kept(made):
    with torch.no_grad():
        assert (losses_of(made, "critic")["gan/gradient_penalty"] > 0).all()


def test_the_losses_are_those_of_the_paper(made):
    """Gulrajani et al. 2017, algorithm 1, from scores that are taken here."""
    network, objective, x_0 = made
    z, share = objective.draws(x_0, torch.Generator().manual_seed(0))
    generated = network.generate(z, COND).detach()
    real, fake = network.critic(x_0, COND), network.critic(generated, COND)
    between = (share * x_0 + (1 - share) * generated).requires_grad_()
    (gradient,) = torch.autograd.grad(network.critic(between, COND).sum(), between)
    penalty = (gradient.flatten(1).norm(dim=1) - 1) ** 2
    found = losses_of(made, "critic")
    assert_close(found["loss/train"], fake - real + 10 * penalty)
    assert_close(found["gan/wasserstein"], real - fake)
    assert_close(losses_of(made, "generator")["gan/generator"], -fake)
    assert share.shape == (4, 1, 1, 1) and len(share.unique()) == 4


def test_the_critic_is_updated_more_often_than_the_generator(made):
    assert made[1].updates == ("critic", "critic", "generator")


@pytest.mark.parametrize("update", ["critic", "generator"])
def test_an_update_trains_its_part_and_no_other(made, update):
    network, objective, _ = made
    for _ in range(2):
        network.zero_grad()
        next(iter(losses_of(made, update).values())).mean().backward()
        with torch.no_grad():  # residual branches begin at zero
            for p in network.parameters():
                p.sub_(0.01 * p.grad if p.grad is not None else 0)
    trained = set(objective.part(network, update).parameters())
    bias = network.critic.head.bias  # cancels in the difference of two scores
    for name, p in network.named_parameters():
        has_gradient = p.grad is not None and bool(p.grad.any())
        assert has_gradient == (p in trained) or p is bias, name
    assert all(p.requires_grad for p in network.parameters())


def test_a_critic_judges_the_label_with_the_picture(made):
    network, _, x_0 = made
    scores = network.critic(x_0, COND)
    assert (network.critic(x_0, COND.flip(0)) != scores).all()
    unknown = network.critic(x_0, torch.full_like(COND, -1))
    torch.nn.init.normal_(network.critic.attributes.table.weight[1:])
    assert torch.equal(network.critic(x_0, torch.full_like(COND, -1)), unknown)


def test_frozen_parameters_are_as_before_also_after_an_error(made):
    network = made[0]
    network.generator.requires_grad_(False)
    with pytest.raises(RuntimeError), frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
        raise RuntimeError
    assert all(p.requires_grad for p in network.critic.parameters())
    assert not any(p.requires_grad for p in network.generator.parameters())


def test_generated_pictures_lie_in_their_range_and_follow_noise_and_label(made):
    network = made[0]
    noise, t = 30 * torch.randn(4, *SHAPE), torch.ones(4).long()
    pictures = network(noise, t, COND)
    assert pictures.abs().max() <= 1
    assert not torch.equal(network(noise, t, COND.flip(0)), pictures)
    assert not torch.equal(network(noise.flip(0), t, COND), pictures)
