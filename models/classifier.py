"""The network of the classifier, whose last hidden layer is the feature space of FID, KID, precision and recall."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 128


class ClassifierNetwork(nn.Module):
    """(B, C, H, W) in [-1, 1] -> features (B, 128); `heads` turn them into scores of each slot's values."""

    def __init__(self, image_shape: tuple[int, int, int], cardinalities: Sequence[int]):
        super().__init__()
        channels, height, width = image_shape
        self.body = nn.Sequential(
            *conv(channels, 32), *conv(32, 32), *conv(32, 64, stride=2), *conv(64, 64), *conv(64, 128, stride=2),
            *conv(128, 128), nn.Flatten(), nn.Dropout(0.2),
            nn.Linear(128 * math.ceil(height / 4) * math.ceil(width / 4), FEATURES),
        )  # fmt: skip
        self.heads = nn.ModuleList(nn.Linear(FEATURES, count) for count in cardinalities)
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def standardised(self, features: Tensor) -> Tensor:
        """Shifted and scaled as a whole, so that those of real training pictures have mean 0 and mean variance 1."""
        return (features - self.centre) / self.scale

    def scores(self, features: Tensor) -> list[Tensor]:
        return [head(F.relu(features)) for head in self.heads]


def conv(in_channels: int, out_channels: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
