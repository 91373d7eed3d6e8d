"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small tensors gain nothing from more, and threads that wait for one another stall on busy cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The data_root with the published files; tests that need them are skipped where they are not."""
    root = Path(os.environ.get("DATA_ROOT", ROOT / "datasets"))
    root = root if root.is_absolute() else ROOT / root
    if not (root / "cryptopunks" / "punks.png").exists() or not (root / "MNIST" / "raw").exists():
        pytest.skip(f"no published data in {root}; set DATA_ROOT to a folder that has them")
    return root
