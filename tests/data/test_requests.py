"""Requests with weights: what is read, what is refused, and what the branches add up to."""

import pytest
import torch

from data.conditions import UNKNOWN
from data.cryptopunks import SCHEMA as PUNKS
from data.requests import branches, described, parse_requests


def labels(requests):
    return [PUNKS.names(request.label) for request in requests]


def test_a_plain_request_is_one_condition_without_weights():
    (request,) = parse_requests(PUNKS, "male, glasses,-hat")
    assert torch.equal(request.label, PUNKS.encode("male,glasses,-hat"))
    assert request.w is None and request.fields == {}
    assert [weight for _, weight in branches([request], 3.0)] == [3.0]


@pytest.mark.parametrize("nothing", [None, "any", ["any"]])
def test_no_request_is_one_condition_of_unknowns(nothing):
    (request,) = parse_requests(PUNKS, nothing)
    assert (request.label == UNKNOWN).all()


def test_bars_separate_conditions_and_stars_weigh_them():
    requests = parse_requests(PUNKS, "male,hat | glasses * 2 | -beard*0.5")
    assert labels(requests) == [["Male", "hat"], ["glasses"], ["-beard"]]
    assert [request.w for request in requests] == [None, 2.0, 0.5]
    assert [weight for _, weight in branches(requests, 3.0)] == [3.0, 2.0, 0.5]


def test_a_colon_strengthens_the_difference_that_one_field_makes():
    """3 (full - ref) + (5 - 3) (full - without hat), as weights of the branches."""
    requests = parse_requests(PUNKS, "male,hat:5,glasses")
    parts = branches(requests, 3.0)
    assert [(PUNKS.names(label), weight) for label, weight in parts] == [
        (["Male", "hat", "glasses"], 5.0),
        (["Male", "glasses"], -2.0),
    ]


def test_own_weights_equal_to_the_common_one_change_nothing():
    parts = branches(parse_requests(PUNKS, "male,hat:3"), 3.0)
    assert [weight for _, weight in parts] == [3.0, 0.0]


@pytest.mark.parametrize("text", ["any", "Male,glasses", "Male,hat:5", "Male | glasses * 2 | Top Hat:0.5,-beard * 1.5"])
def test_what_is_described_is_read_again(text):
    assert described(PUNKS, parse_requests(PUNKS, text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("male,hat:strong", "'strong' is no weight"),
        ("male * ", "'' is no weight"),
        ("hat:nan", "'nan' is no weight"),
        ("male |", "a name is missing"),
        ("male | glases", "'glases'; closest: glasses"),
        ("male,female:2", "exclude each other"),
    ],
)
def test_what_cannot_be_read_is_refused(text, told):
    with pytest.raises(ValueError, match=r"^attrs=") as refused:
        parse_requests(PUNKS, text)
    assert told in str(refused.value) and "\n" not in str(refused.value)
