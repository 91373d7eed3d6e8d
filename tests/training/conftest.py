"""Fixtures of the tests of training."""

import pytest

from runtime.distributed import CPU, Processes
from tests.conftest import TINY
from training.trainer import Trainer

ALONE = Processes(0, 1, CPU)  # one process


@pytest.fixture
def trainer(compose):
    """A trainer of small settings: trainer("cfg.drop_prob=1") -> Trainer."""

    def build(*overrides):
        settings = compose("train", [*TINY, *overrides])
        return Trainer(settings, settings.dataset.load(""), ALONE)

    return build
