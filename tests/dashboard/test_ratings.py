"""Blind ratings: every picture once, no order that tells, and figures that can be checked by hand."""

import csv
import math
import random
from collections import Counter

import pytest
import torch

from dashboard import ratings

SETTINGS = (("w=1",), ("w=3", "attrs=male"))


def begin(way, n=4, seed=0):
    images = tuple(torch.full((n, 3, 2, 2), value, dtype=torch.uint8) for value in (1, 2))
    return ratings.begin(way, SETTINGS, images, range(10, 10 + n), random.Random(seed))


def test_every_picture_is_scored_once_in_mixed_order():
    rating = begin("scores", 20)
    shown = [item.shown[0] for item in rating.items]
    assert Counter(shown) == {(setting, row): 1 for setting in (0, 1) for row in range(20)}
    assert shown != sorted(shown)


def test_pairs_have_the_same_seed_and_either_side():
    rating = begin("pairs", 40)
    assert all({setting for setting, _ in item.shown} == {0, 1} for item in rating.items)
    assert all(item.shown[0][1] == item.shown[1][1] for item in rating.items)
    left = sum(item.shown[0][0] for item in rating.items)
    assert 8 < left < 32


def test_means_by_hand():
    rating = begin("scores", 2)
    rating.answers = [(2, 1, 0) if item.shown[0][0] == 0 else (0, 1, 2 * item.shown[0][1]) for item in rating.items]
    assert rating.done
    found = ratings.means(rating)
    assert found["adherence"] == ((2.0, 0.0, 2), (0.0, 0.0, 2))
    assert found["artefacts"][1] == pytest.approx((1.0, 1.0, 2))  # 0 and 2: variance 2, error sqrt(2 / 2)


def test_a_single_score_has_no_known_spread():
    """Its standard error was reported as 0.00, as if it were certain."""
    found = ratings.mean([2])
    assert (found.mean, found.n) == (2.0, 1) and math.isnan(found.error)


def test_preferences_by_hand():
    rating = begin("pairs", 4)
    rating.answers = [0, 0, 0, None]
    found = ratings.preference(rating)
    assert found[:4] == (3, 0, 1, 1.0)
    z2 = 1.96**2
    assert found.low == pytest.approx(3 / (3 + z2)) and found.high == pytest.approx(1.0)


def test_nothing_decided_says_nothing():
    assert ratings.wilson(0, 0) == (0.0, 1.0)
    assert math.isnan(ratings.preference(begin("pairs")).share)
    assert ratings.mean([]).n == 0


@pytest.mark.parametrize(("way", "answer"), [("scores", (2, 1, 0)), ("pairs", None)])
def test_ratings_are_kept_with_their_settings(tmp_path, way, answer):
    rating = begin(way, 2)
    rating.answers = [answer] * len(rating.items)
    paths = [ratings.save(rating, tmp_path / "ratings") for _ in range(2)]
    assert paths[0] != paths[1]
    rows = list(csv.DictReader(paths[0].open(encoding="utf-8")))
    assert len(rows) == len(rating.items) and {int(row["seed"]) for row in rows} == {10, 11}
    if way == "scores":
        assert {row["overrides"] for row in rows} == {"w=1", "w=3 attrs=male"}
        assert all(row["adherence"] == "2" for row in rows)
    else:
        assert rows[0]["B"] == "w=3 attrs=male" and rows[0]["preferred"] == "neither"
