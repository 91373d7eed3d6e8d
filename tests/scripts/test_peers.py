"""The peers of the benchmark: as many parameters as this project's network, and the same batch."""

import pytest
import torch

from scripts.speed import training
from scripts.speed.bench import parameters
from scripts.speed.peers import PEERS, how_to_install
from tests.scripts.benches import CARDINALITIES, SHAPE, TINY_NETWORKS, bench_of


@pytest.fixture(params=PEERS, ids=lambda peer: peer.package)
def peer(request):
    if not request.param.is_installed():
        pytest.skip(how_to_install(request.param.package))
    return request.param


def test_a_peer_has_as_many_parameters_as_the_network_it_is_compared_with(peer):
    ours = parameters(bench_of(batch_size=2).trainer(training.NETWORKS[training.FLAGSHIP]).model)
    built = peer.matched(ours, SHAPE, CARDINALITIES).build(SHAPE, CARDINALITIES)
    assert abs(sum(p.numel() for p in built.parameters()) / ours - 1) < 0.1


def test_another_number_of_parameters_gives_another_width(peer):
    small, large = (peer.matched(count, SHAPE, CARDINALITIES) for count in (3_000_000, 9_000_000))
    assert small.width < large.width


def test_a_peer_denoises_pictures_of_its_class_alone(peer):
    """x_t, t and the first field of the label, unknown too, reach the output; the other fields do not."""
    torch.manual_seed(0)
    model = peer(width=peer.widths[0]).build(SHAPE, CARDINALITIES).eval()
    x_t, t, cond = torch.randn(2, *SHAPE), torch.tensor([10, 900]), torch.zeros(2, len(CARDINALITIES)).long()
    with torch.no_grad():
        output = model(x_t, t, cond)
        assert output.shape == x_t.shape
        unknown, another = cond.clone(), cond.clone()
        unknown[:, 0], another[:, 1] = -1, 1
        assert torch.equal(model(x_t, t, another), output)
        assert not torch.allclose(model(x_t, t, unknown), output)
        assert not torch.allclose(model(x_t + 1, t, cond), output)
        assert not torch.allclose(model(x_t, t.flip(0), cond), output)


def test_all_networks_train_on_the_same_batch(monkeypatch):
    monkeypatch.setattr(training, "NETWORKS", TINY_NETWORKS)
    trainers, missing = training.trainings(bench_of(batch_size=3))
    assert set(trainers) | set(missing) == {*TINY_NETWORKS, *(peer.package for peer in PEERS)}
    seen = {}
    for name, trainer in trainers.items():
        trainer.model.register_forward_pre_hook(lambda module, given, name=name: seen.setdefault(name, given))
        trainer.step(0, 100)
    (x_t, t, _), *others = seen.values()
    assert x_t.shape == (3, *SHAPE) and len(others) == len(trainers) - 1
    assert all(torch.equal(x_t, theirs) and torch.equal(t, times) for theirs, times, _ in others)
    assert {trainer.how.precision for trainer in trainers.values()} == {"fp32"}


def test_a_step_changes_the_weights_and_the_ema_of_a_peer(peer):
    trainer = bench_of(batch_size=2).trainer(["optim.warmup=0"], model=peer(width=peer.widths[0]))
    weights, average = (
        [p.detach().clone() for p in model.parameters()] for model in (trainer.model, trainer.ema.model)
    )
    trainer.step(0, 100)
    assert trainer.settings.optim.name == "adamw"
    for before, model in ((weights, trainer.model), (average, trainer.ema.model)):
        changed = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
        assert sum(changed) > 0.8 * len(changed)


def test_how_to_install_a_peer_names_the_versions_that_the_requirements_allow():
    assert how_to_install("diffusers") == 'python -m pip install "diffusers>=0.32,<1"'
    assert all(peer.package in how_to_install(peer.package) for peer in PEERS)
