"""The stopwatch of the benchmark, by a clock that only the timed cases move."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scripts.speed.timing import Case, Spread, Stopwatch, number

CPU = torch.device("cpu")


class Clock:
    """Cases that take as long as they say, and a log of them."""

    def __init__(self, monkeypatch):
        self.now, self.log = 0.0, []
        monkeypatch.setattr("scripts.speed.timing.time.perf_counter", lambda: self.now)

    def case(self, name: str, *seconds: float, **more) -> Case:
        """Takes each of `seconds` in turn, the last again and again."""
        left = list(seconds)

        def run():
            self.now += left.pop(0) if len(left) > 1 else left[0]
            self.log.append(name)

        return Case(name, run, **more)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12))
def test_median_and_quartiles_are_those_of_numpy(values):
    found = Spread.of(values)
    low, median, high = np.percentile(values, [25, 50, 75])
    assert (found.low, found.median, found.high) == pytest.approx((low, median, high)) and found.n == len(values)


def test_cases_take_turns(clock):
    cases = [clock.case("a", 2.0), clock.case("b", 3.0), clock.case("c", 4.0)]
    Stopwatch(CPU, 3, 1000.0, 1).time(cases)
    assert "".join(clock.log) == "abc" + 3 * "abc"  # warm-ups, then rounds


def test_seconds_are_of_one_run_in_each_round_without_the_warm_up(clock):
    cases = [clock.case("a", 9.0, 2.0, 5.0, 3.0), clock.case("b", 7.0, 4.0)]
    assert Stopwatch(CPU, 3, 1000.0, 1).time(cases) == {"a": [2.0, 5.0, 3.0], "b": [4.0, 4.0, 4.0]}


def test_what_is_short_is_repeated_and_still_counts_as_one_run(clock):
    found = Stopwatch(CPU, 1, 1000.0, 1).time([clock.case("a", 0.5, 0.03)])  # the first run warms up
    assert found["a"] == pytest.approx([0.03]) and len(clock.log) == 2 + 4  # four times 0.03 s are more than 0.1 s


def test_a_rate_is_what_a_run_counts_in_a_second(clock):
    rate = Stopwatch(CPU, 3, 1000.0, 1).rates([clock.case("a", 9.0, 2.0, 4.0, 8.0, count=64)])["a"]
    assert rate == Spread(16.0, 12.0, 24.0, 3)  # of 32, 16 and 8 a second


def test_what_holds_around_a_case_is_not_timed(clock):
    @contextmanager
    def around():
        clock.now += 100
        clock.log.append("(")
        yield
        clock.now += 100
        clock.log.append(")")

    found = Stopwatch(CPU, 2, 1e6, 1).time([clock.case("a", 2.0, around=around)])
    assert found == {"a": [2.0, 2.0]} and "".join(clock.log) == 3 * "(a)"


def test_rounds_end_before_the_share_of_a_measurement_would_be_exceeded(clock):
    """Of 100 s for two measurements, the first takes 4 s to warm up and may then take 48 s, the second what is left."""
    stopwatch = Stopwatch(CPU, 1000, 100.0, 2)
    assert len(stopwatch.time([clock.case("a", 4.0)])["a"]) == 12  # 52 s with the warm-up
    assert len(stopwatch.time([clock.case("b", 10.0)])["b"]) == 3  # of 48 s; the warm-up is one of four
    assert clock.now == 92.0


def test_a_measurement_has_one_round_even_without_any_time(clock):
    assert len(Stopwatch(CPU, 5, 1e-9, 1).time([clock.case("a", 50.0)])["a"]) == 1


def test_numbers_have_three_digits_and_no_exponent():
    assert [number(x) for x in (0.01234, 1.239, 83.14, 123.4, 12345.6)] == ["0.0123", "1.24", "83.1", "123", "12,346"]
