"""Fixtures of the tests of pages."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def tiny(in_tmp, weights) -> str:
    """Weights of a tiny network, as those of a run; chosen on every page."""
    place = Path("runs/faces/tiny/checkpoints/ema.safetensors")
    place.parent.mkdir(parents=True)
    shutil.copy(weights, place)
    import dashboard.state

    dashboard.state._weights.clear()
    return place.as_posix()
