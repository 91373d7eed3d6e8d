"""The ceiling of adherence: real pictures, of which a rare value has few, however often it is asked for."""

import pytest
import torch

from conditions.fields import Field
from conditions.schema import ConditionSchema
from evaluation.adherence import figures_of
from evaluation.intervals import wilson
from evaluation.requests import Requests

SCHEMA = ConditionSchema((Field("type", ("cat", "dog")), Field("hat", ("none", "cap"))))
NOTHING = torch.zeros(4, 4, dtype=torch.bool)
DOG, CAP = 1, 3  # places among all values


@pytest.fixture
def figures():
    """Twenty requests for dogs are all of one picture, read right; two for caps are of two, one of them read wrong."""
    labels = torch.tensor([[1, -1]] * 20 + [[-1, 1]] * 2)
    requests = Requests(
        labels, torch.ones(22, dtype=torch.int64), torch.tensor([DOG] * 20 + [CAP] * 2), torch.tensor([7] * 20 + [3, 4])
    )
    read = torch.tensor([[1, 0]] * 20 + [[0, 1], [0, 0]])
    return {alike: figures_of(requests, read, SCHEMA, NOTHING, torch.ones(4), alike) for alike in (False, True)}


def test_a_picture_counts_once_for_each_value_however_many_requests_are_about_it(figures):
    dog, cap = (figures[True]["values"][name]["met"] for name in ("dog", "cap"))
    assert dog == wilson(1, 1) and cap == wilson(1, 2)
    assert figures[False]["values"]["dog"]["met"] == wilson(20, 20)  # of samples, each is another picture
    assert figures[True]["present"].value == figures[False]["present"].value == 0.75


def test_whole_requests_are_counted_by_picture(figures):
    """Two of three pictures meet what is asked of them; 21 of 22 requests would hide that only three were seen."""
    whole = figures[True]["whole"]
    assert (whole.value, whole.n) == (pytest.approx(2 / 3), 3) and whole.low < 0.4
    assert figures[False]["whole"] == wilson(21, 22)
    assert figures[True]["whole_by_size"]["1"] == whole
