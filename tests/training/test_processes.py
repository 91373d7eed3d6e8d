"""Several processes train one network: what each sees, and what they exchange; test_resume.py starts real ones."""

import torch

from data import PixelFaces
from runtime.distributed import Processes
from tests.conftest import TINY
from training.trainer import Trainer

CPU = torch.device("cpu")


def test_they_see_different_pictures_and_together_the_batch_of_one(compose):
    """Two that saw the same ones would train at half the batch size, and nothing would say so."""
    settings, splits = compose("train", TINY), PixelFaces(count=120).load()
    orders = [Trainer(settings, splits, Processes(r, n, CPU)).order for r, n in ((0, 1), (0, 2), (1, 2))]
    whole, first, second = (order.indices(3).tolist() for order in orders)
    assert len(first) == len(second) == 4 and sorted(first + second) == sorted(whole)
    other = Trainer(compose("train", [*TINY, "seed=1"]), splits, Processes(0, 1, CPU)).order
    assert other.indices(3).tolist() != whole


def test_they_exchange_gradients_once_a_step_with_the_last_part(compose):
    """With every part it would take `accumulate` times as long; with none, each would train a network of its own."""
    asked = []

    class Recorded(Processes):
        def gradients(self, model, last):
            asked.append((model, last))
            return super().gradients(model, last)

    trainer = Trainer(
        compose("train", [*TINY, "train.accumulate=3"]), PixelFaces(count=120).load(), Recorded(0, 1, CPU)
    )
    trainer.step(0, 100)
    assert asked == [(trainer.model, False), (trainer.model, False), (trainer.model, True)]
