"""Requests with weights: what is read, what is refused, and what the branches add up to."""

import pytest
import torch

from conditions.requests import branches, described, expected, parse_requests, without_guidance
from conditions.schema import UNKNOWN
from data.cryptopunks import SCHEMA as PUNKS
from data.mnist import SCHEMA as DIGITS


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


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        (["male", "hat:5"], "male,hat:5"),
        (("male", " hat : 5 ", "-beard:2"), "male,hat:5,-beard:2"),
        (["male", "hat:5 | glasses * 2"], "male,hat:5 | glasses * 2"),
        (["any"], "any"),
    ],
)
def test_a_list_of_names_is_read_as_the_same_names_with_commas(listed, text):
    requests, expected = parse_requests(PUNKS, listed), parse_requests(PUNKS, text)
    assert labels(requests) == labels(expected)
    assert [request[1:] for request in requests] == [request[1:] for request in expected]


def test_a_number_is_a_name():
    (request,) = parse_requests(DIGITS, 7)
    assert torch.equal(request.label, DIGITS.encode("7"))


def test_minus_signs_and_commas_at_the_end_are_read_as_in_names():
    (request, other) = parse_requests(PUNKS, "male,\u2212hat:\u22122, | \u2013beard, * 2")
    assert labels([request, other]) == [["Male", "-hat"], ["-beard"]]
    assert (list(request.fields.values()), other.w) == ([-2.0], 2.0)


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


@pytest.mark.parametrize(
    ("text", "w", "cap", "parts"),
    [
        ("male,hat:5", 3.0, [1.0], [(["Male", "hat"], 1.0), (["Male"], 0.0)]),  # the plain model
        ("male,hat:1", 3.0, [1.0], [(["Male", "hat"], 1.0), (["Male"], 0.0)]),
        ("male,hat:0.5", 3.0, [1.0], [(["Male", "hat"], 0.5), (["Male"], 0.5)]),
        ("male,hat:-2", 3.0, [1.0], [(["Male", "hat"], 0.0), (["Male"], 1.0)]),
        ("male,hat:0.8", 0.5, [0.5], [(["Male", "hat"], 0.8), (["Male"], -0.3)]),  # nothing exceeds 1
        ("male,hat:5 | beard * 1", 3.0, [0.75, 0.25], [(["Male", "hat"], 0.75), (["Male"], 0.0), (["beard"], 0.25)]),
        ("male | hat * -2", 3.0, [1.0, 0.0], [(["Male"], 1.0), (["hat"], 0.0)]),
    ],
)
def test_without_guidance_no_weight_exceeds_that_of_the_plain_model(text, w, cap, parts):
    found = branches(without_guidance(parse_requests(PUNKS, text), w, cap), w)
    assert [PUNKS.names(label) for label, _ in found] == [names for names, _ in parts]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in parts])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("any", []),
        ("male,hat:5", [("male,hat", True)]),
        ("male,hat:0,beard:-2", [("male", True), ("beard", False)]),
        ("male | glasses * -3 | hat * 0", [("male", True), ("glasses", False)]),
        ("male,hat:2 * -1", [("hat", True), ("male", False)]),
    ],
)
def test_what_pictures_are_expected_to_show_depends_on_the_sign_of_its_weight(text, parts):
    found = expected(parse_requests(PUNKS, text))
    assert [(PUNKS.names(label), wanted) for label, wanted in found] == [
        (PUNKS.names(PUNKS.encode(names)), wanted) for names, wanted in parts
    ]


@pytest.mark.parametrize(
    "text",
    [
        "any", "Male,glasses", "Male,hat:5", "Male | glasses * 2 | Top Hat:0.5,-beard * 1.5",
        "Male * 0.3333333333333333 | hat:1.0000001",
    ],
)  # fmt: skip
def test_what_is_described_is_read_again(text):
    assert described(PUNKS, parse_requests(PUNKS, text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("male,hat:strong", "'strong' is no weight"),
        ("male * ", "'' is no weight"),
        ("hat:nan", "'nan' is no weight"),
        ("male,hat:9999", "9999 is too great a weight; take one from -20 to 20"),
        ("hat:-20.5", "-20.5 is too great a weight"),
        ("male | hat * 21", "21 is too great a weight"),
        ("male |", "a name is missing"),
        ("male | glases", "'glases'; closest: glasses"),
        ("male,female:2", "exclude each other"),
        ("any:5", "'any' asks for nothing that has a weight"),
        ("hat:5,hat:2", "'hat' asked for twice, with different weights"),
        (["male", "hat:strong"], "'strong' is no weight"),
        ([], "a name is missing"),
        (["male", "glases:2"], "'glases'; closest: glasses"),
        ("-any", "'any' leaves everything open"),
        ("male | -any * 2", "'any' leaves everything open"),
        ("-", "a name is missing"),
        ("male,--hat:2", "'--hat' has more than one minus"),
        ("-unknown:2", "unknown attribute 'unknown'"),
    ],
)
def test_what_cannot_be_read_is_refused(text, why):
    with pytest.raises(ValueError, match=r"^attrs=") as refused:
        parse_requests(PUNKS, text)
    assert str(refused.value).startswith(f"attrs={text!r}: ")
    assert why in str(refused.value) and "\n" not in str(refused.value)
