"""The network of the classifier: shapes, and what its features are made into."""

import pytest
import torch
from torch.testing import assert_close

from models.classifier import FEATURES, ClassifierNetwork


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(3, 24, 24), (1, 28, 28), (4, 9, 14)], ids=str)
def test_features_and_scores_have_their_shapes(shape):
    network = ClassifierNetwork(shape, [3, 2, 5]).eval()
    features = network(torch.randn(2, *shape))
    assert features.shape == (2, FEATURES)
    assert [scores.shape for scores in network.scores(features)] == [(2, 3), (2, 2), (2, 5)]


def test_features_are_shifted_and_scaled_as_a_whole():
    network, features = ClassifierNetwork((3, 8, 8), [2]), torch.randn(50, FEATURES)
    assert torch.equal(network.standardised(features), features)
    network.centre.copy_(features.mean(dim=0))
    network.scale.fill_(3.0)
    assert_close(network.standardised(features), (features - features.mean(dim=0)) / 3)


def test_scores_use_the_positive_part_of_the_features():
    network, features = ClassifierNetwork((3, 8, 8), [2, 3]), torch.randn(4, FEATURES)
    for head, scores in zip(network.heads, network.scores(features), strict=True):
        assert_close(scores, features.clamp(min=0) @ head.weight.T + head.bias)
