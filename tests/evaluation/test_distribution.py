"""The sets of pictures that are compared."""

import pytest
import torch

from conditions.schema import UNCONDITIONAL, UNKNOWN
from data import pixelfaces
from evaluation.distribution import NOTHING, halves, make_jobs


@pytest.fixture(scope="module")
def data():
    return pixelfaces.load(count=300).train


def test_halves_share_no_picture(data):
    numbered = torch.arange(len(data), dtype=torch.int64)
    marked = torch.stack([numbered // 256, numbered % 256], 1)[:, :, None, None].to(torch.uint8)
    pairs = halves(type(data)(data.name, marked, data.labels, data.schema, None, data.ids), 100, 3, seed=0)
    sets = [[{tuple(p.flatten().tolist()) for p in half} for half in pair] for pair in pairs]
    assert all(len(one) == len(other) == 100 and not one & other for one, other in sets)
    assert sets[0] != sets[1]


def test_the_floor_takes_two_sets_of_real_pictures(data):
    with pytest.raises(ValueError, match=rf"distribution.n=200: .* at most {len(data) // 2}"):
        halves(data, 200, 3, seed=0)


def test_requests_keep_one_to_five_fields_of_real_labels_and_are_the_same_for_each_w(data):
    groups = make_jobs(data, data.schema, 50, 3, [1.0, 3.0])
    assert list(groups) == [NOTHING, "w = 1", "w = 3"]
    assert all((job.labels == UNKNOWN).all() for job in groups[NOTHING])
    for one, three in zip(groups["w = 1"], groups["w = 3"], strict=True):
        assert torch.equal(one.labels, three.labels) and one.seeds == three.seeds
        known = (one.labels != UNKNOWN).sum(1)
        assert known.min() >= 1 and known.max() <= 5 and known.unique().numel() > 2
        for label in one.labels:
            told = label != UNKNOWN
            assert (data.labels[:, told] == label[told]).all(dim=1).any()
    seeds = [seed for job in groups[NOTHING] for seed in job.seeds]
    assert len(set(seeds)) == 150


def test_a_model_without_labels_is_asked_nothing(data):
    assert list(make_jobs(data, UNCONDITIONAL, 50, 3, [1.0])) == [NOTHING]


def test_the_set_without_a_request_can_be_left_out(data):
    asked = make_jobs(data, data.schema, 50, 3, [3.0], unasked=False)
    assert asked.keys() == {"w = 3"}
    both = make_jobs(data, data.schema, 50, 3, [3.0])
    assert all(torch.equal(a.labels, b.labels) for a, b in zip(asked["w = 3"], both["w = 3"], strict=True))
