"""How well pictures show what is asked for, as a classifier reads them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from conditions.requests import Request, expected
from inference.classifier import Classifier


def adherence(classifier: Classifier | None, requests: Sequence[Request], images: Tensor) -> Tensor | None:
    """(N,) float32 in [0, 1] for (N, C, H, W) uint8: how well each picture shows what is asked for.

    What has a weight below 0 counts by its absence. None where nothing is asked, or no classifier can tell.
    """
    parts = expected(requests)
    if classifier is None or not parts:
        return None
    scores = [(classifier.agreement(images, label), wanted) for label, wanted in parts]
    return torch.stack([score if wanted else 1 - score for score, wanted in scores]).mean(dim=0)
