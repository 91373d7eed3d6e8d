"""Distances between sets of features: against closed forms, other implementations, and for their direction."""

import math

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from evaluation.metrics import compare, fid, kid, precision_recall, refuse_few


def normal(n: int, features: int = 16, seed: int = 0, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return shift + scale * torch.randn(n, features, generator=generator, dtype=torch.float64)


@pytest.fixture(params=[(300, 300), (300, 500)], ids=["as many", "fewer"])
def sets(request):
    n, m = request.param
    mixing = normal(16, seed=9)
    return normal(n, seed=1), 0.2 + normal(m, seed=2) @ mixing / 4


def test_fid_of_gaussians_with_known_moments():
    """For moments m, S and n, R that commute, FID is |m - n|^2 + the sum of (sqrt(s_i) - sqrt(r_i))^2."""
    base = normal(400, 8)
    base = base - base.mean(0)
    _, axes = torch.linalg.eigh(base.T @ base / (len(base) - 1))
    factors = torch.linspace(0.5, 2.0, 8, dtype=torch.float64)
    other = (base @ axes * factors) @ axes.T + 0.3
    deviations = (base @ axes).std(0)
    expected = 8 * 0.3**2 + ((factors - 1) * deviations).square().sum().item()
    assert fid(base, other) == pytest.approx(expected, rel=1e-9)


def test_fid_agrees_with_torch_fidelity(sets):
    moments = [fid_features_to_statistics(features) for features in sets]
    expected = fid_statistics_to_metric(*moments, False)["frechet_inception_distance"]
    assert fid(*sets) == pytest.approx(expected, rel=1e-6)


def test_kid_agrees_with_torch_fidelity_and_with_its_definition(sets):
    real, samples = sets
    size = min(map(len, sets))
    x, y = real[:size].numpy(), samples[:size].numpy()
    settings = {"kid_subsets": 1, "kid_subset_size": size, "kid_degree": 3, "kid_gamma": None, "kid_coef0": 1}
    more = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "rng_seed": 0}
    more |= {"kid_kernel_poly_coef0": 1.0, "verbose": False}
    found = kid_features_to_metric(real[:size], samples[:size], **settings, **more)["kernel_inception_distance_mean"]
    kernel = [(a @ b.T / 16 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    within = sum((k.sum() - np.trace(k)) / (size * (size - 1)) for k in kernel[:2])
    assert kid(real, samples) == pytest.approx(within - 2 * kernel[2].mean(), rel=1e-9)
    assert kid(real, samples) == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_agree_with_torch_fidelity(sets, k):
    real, samples = sets
    expected = prc_features_to_metric(
        samples, real, prc_neighborhood=k, prc_batch_size=100, save_cpu_ram=False, verbose=False
    )
    assert precision_recall(real, samples, k) == pytest.approx((expected["precision"], expected["recall"]))


def test_identical_sets_have_no_distance():
    features = normal(300)
    figures = compare(features, features.clone())
    assert figures["fid"] == pytest.approx(0.0, abs=1e-9)
    assert abs(figures["kid"]) < 0.1  # unbiased, so that it may fall below zero
    assert (figures["precision"], figures["recall"]) == (1.0, 1.0)


def test_mode_collapse_costs_recall_and_not_precision():
    """Copies of a few real pictures, a little changed, look real and show hardly anything of the variety."""
    real = normal(600)
    collapsed = real[:10].repeat(60, 1) + normal(600, seed=3, scale=1e-3)
    precision, recall = precision_recall(real, collapsed)
    assert precision > 0.95 and recall < 0.05
    figures = compare(real, collapsed)
    assert (figures["precision"], figures["recall"]) == (precision, recall)


def test_pictures_beside_the_real_ones_cost_precision():
    real = normal(600)
    samples = torch.cat([normal(300, seed=1), normal(300, seed=2, shift=50.0)])
    precision, recall = precision_recall(real, samples)
    assert 0.3 < precision < 0.55
    assert precision_recall(real, normal(600, seed=1))[0] > 0.8
    assert recall < 1.0


def test_a_distance_grows_with_the_shift():
    real = normal(400)
    fids, kids = zip(*((fid(real, real + s), kid(real, real + s)) for s in (0.0, 0.5, 1.0, 2.0)), strict=True)
    assert list(fids) == sorted(fids) and list(kids) == sorted(kids)
    assert fids[2] == pytest.approx(16.0, rel=1e-6)  # a shift alone: the squared distance of the means
    assert all(map(math.isfinite, fids + kids))


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match=r"n=255: too few pictures .* at least 256"):
        refuse_few(255, 128)
    refuse_few(256, 128)  # as many as the message says
    with pytest.raises(ValueError, match="too few"):
        compare(normal(31), normal(400))


def test_figures_do_not_depend_on_what_was_sampled_before():
    sets = normal(300, seed=1), normal(300, seed=2)
    first = compare(*sets)
    torch.rand(7)
    assert compare(*sets) == first
