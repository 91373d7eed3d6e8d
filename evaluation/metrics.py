"""Distances between two sets of pictures, in the feature space of a classifier.

They say nothing beside figures from another feature space, such as Inception's; compare them with the floor that
two halves of the real pictures give. Everything is computed in float64.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

ALONE = {"sync_on_compute": False}  # one process has all features; the others would wait for each other for ever
NEIGHBOURS = 3  # k of precision and recall


class Given(nn.Module):
    """What torchmetrics takes for a network: here the features are there already."""

    def __init__(self, features: int):
        super().__init__()
        self.num_features = features

    def forward(self, features: Tensor) -> Tensor:
        return features


def refuse_few(n: int, features: int) -> None:
    """Raises ValueError where a covariance of so many features cannot be estimated from n pictures."""
    if n < 2 * features:
        raise ValueError(f"n={n}: too few pictures for a distance in {features} dimensions; at least {2 * features}")


def fid(real: Tensor, samples: Tensor) -> float:
    """Frechet distance (Heusel et al. 2017, equation 6) between features (N, D) and (M, D)."""
    metric = FrechetInceptionDistance(feature=Given(real.shape[1]), **ALONE).set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(samples.double(), real=False)
    return max(metric.compute().item(), 0.0)


def kid(real: Tensor, samples: Tensor) -> float:
    """Squared MMD with the kernel (x y / D + 1)^3, unbiased (Binkowski et al. 2018), of features (N, D), (M, D).

    From all of both sets at once rather than a mean over random subsets. It can fall below zero.
    """
    size = min(len(real), len(samples))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it keeps the features: these are few
        metric = KernelInceptionDistance(feature=Given(real.shape[1]), subsets=1, subset_size=size, **ALONE)
    metric.set_dtype(torch.float64)
    metric.update(real.double()[:size], real=True)
    metric.update(samples.double()[:size], real=False)
    with torch.random.fork_rng(devices=[]):  # it shuffles, which changes the last digits
        torch.manual_seed(0)
        return metric.compute()[0].item()


def precision_recall(real: Tensor, samples: Tensor, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Precision and recall (Kynkaanniemi et al. 2019, equations 1-2) of features (N, D) and (M, D).

    precision : share of samples that lie among the real pictures, within the distance from some real picture to its
                k-th nearest real neighbour
    recall    : share of real pictures that lie among the samples, likewise
    """
    real, samples = real.double(), samples.double()
    between = torch.cdist(real, samples)  # (N, M)
    precision = (between <= radii(real, k)[:, None]).any(dim=0).double().mean().item()
    recall = (between <= radii(samples, k)[None, :]).any(dim=1).double().mean().item()
    return precision, recall


def radii(features: Tensor, k: int) -> Tensor:
    """(N, D) -> (N,): the distance from each point to its k-th nearest neighbour, itself not counted."""
    return torch.cdist(features, features).kthvalue(k + 1, dim=1).values


def compare(real: Tensor, samples: Tensor) -> dict[str, float]:
    """All of the above."""
    refuse_few(min(len(real), len(samples)), real.shape[1])
    precision, recall = precision_recall(real, samples)
    return {"fid": fid(real, samples), "kid": kid(real, samples), "precision": precision, "recall": recall}
