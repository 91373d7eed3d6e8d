"""Intervals against the equations that define them, exact binomial sums, simulation and counts by hand."""

import math

import numpy as np
import pytest
import torch

from evaluation.intervals import Estimate, bootstrap, mean, mean_of_shares, rate_ratio, share, wilson

Z = 1.959963984540054  # of 95 %, from tables
NAN = math.nan


def binomial(n: int, p: float) -> np.ndarray:
    """(n + 1,) the probabilities of 0 to n hits."""
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])


def ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def half_width(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2


# -- shares ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "n"), [(1, 2), (1, 10), (5, 10), (37, 50), (999, 1000), (3, 100_000)])
def test_the_ends_of_a_share_solve_the_score_equation(hits, n):
    """(hits / n - p)^2 = z^2 p (1 - p) / n; catches another z, a lost n or 1/4, and the Wald interval."""
    estimate = wilson(hits, n)
    assert estimate.value == hits / n and estimate.n == n
    assert 0 < estimate.low < estimate.value < estimate.high < 1
    for p in ends(estimate):
        assert (hits / n - p) ** 2 == pytest.approx(Z**2 * p * (1 - p) / n, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 9, 61, 5000])
def test_none_and_all_of_n_have_a_closed_form(n):
    """One end is 0 or 1 exactly, whatever is lost to rounding; catches the Wald interval, of no width."""
    none, every = wilson(0, n), wilson(n, n)
    assert ends(none) == (0.0, pytest.approx(Z**2 / (n + Z**2)))
    assert ends(every) == (pytest.approx(n / (n + Z**2)), 1.0)


def test_no_share_is_below_zero_or_above_one():
    """Catches rounding that shows as "-0.0 %"."""
    for n in range(1, 600):
        none, every = wilson(0, n), wilson(n, n)
        assert none.low == 0 and every.high == 1, n
        assert none.percent.startswith("0.0 % (0.0 to ") and every.percent.endswith(" to 100.0)"), n


@pytest.mark.parametrize("n", [10, 40])
def test_nineteen_of_twenty_intervals_contain_the_true_share(n):
    """Summed over all outcomes and averaged over true shares; catches a one-sided z (90 %) and a half width doubled."""
    estimates = [wilson(hits, n) for hits in range(n + 1)]
    coverage = [
        sum(pmf for pmf, e in zip(binomial(n, p), estimates, strict=True) if e.low <= p <= e.high)
        for p in np.linspace(0.005, 0.995, 199)
    ]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
    assert min(coverage) > 0.8


def test_shares_leave_out_what_is_nan():
    """Catches NaN counted as a miss, or spreading to the sum."""
    assert share(torch.tensor([1.0, NAN, 0.0, 1.0, NAN])) == wilson(2, 3)
    assert share(torch.tensor([True, False])) == wilson(1, 2)


# -- means -----------------------------------------------------------------------------------------------------


def test_every_group_counts_the_same_however_large():
    """By hand: (1/2 + 1 + 0) / 3 of 6 entries; catches pooling, and groups of nothing but NaN taken for 0."""
    groups = [[1, 0], [1, 1, 1], [NAN, NAN], [0, NAN], []]
    estimate = bootstrap([torch.tensor(group, dtype=torch.float32) for group in groups])
    assert estimate.value == pytest.approx(0.5) and estimate.n == 6


def test_the_interval_of_a_mean_is_that_of_normal_theory():
    """1.96 standard errors, for a large skewed sample; catches entries that are not resampled, and another level."""
    values = torch.from_numpy(np.random.default_rng(0).exponential(2.0, 2000))
    estimate = mean(values)
    assert estimate.value == pytest.approx(values.mean().item()) and estimate.n == 2000
    assert half_width(estimate) == pytest.approx(Z * values.std().item() / math.sqrt(2000), rel=0.1)
    assert sum(ends(estimate)) / 2 == pytest.approx(estimate.value, rel=0.01)


def test_the_interval_of_groups_adds_the_variance_between_them_to_that_within():
    """Normal theory for groups of 4 and of 64 entries, both parts about as large.

    Without either part the interval would be a third too narrow; resampling as many entries of each group as the
    largest one has would lose most of the part within.
    """
    rng, sizes = np.random.default_rng(1), [4, 64] * 40
    groups = [torch.from_numpy(rng.normal(rng.normal(0, 1), math.sqrt(size), size)) for size in sizes]
    between = torch.stack([group.mean() for group in groups]).var(correction=0)
    within = torch.stack([group.var(correction=0) / len(group) for group in groups]).mean()
    expected = Z * math.sqrt((between + within) / len(groups))
    assert 0.25 < within / (between + within) < 0.75
    assert half_width(bootstrap(groups)) == pytest.approx(expected, rel=0.1)


def test_few_groups_that_disagree_leave_a_wide_interval():
    """Each group is certain of its own mean: what is uncertain is which groups there are."""
    assert bootstrap([torch.zeros(1000), torch.ones(1000)]) == (0.5, 0.0, 1.0, 2000)
    assert bootstrap([torch.ones(5), torch.ones(3)]) == (1.0, 1.0, 1.0, 8)


def test_nan_leaves_the_interval_as_if_it_were_not_there():
    """Catches NaN resampled as 0, and counts of entries that include it."""
    whole = [torch.tensor([1.0, 0.0, 1.0]), torch.tensor([0.0, 0.0, 1.0, 1.0])]
    holed = [torch.tensor([1.0, NAN, 0.0, 1.0]), torch.tensor([NAN]), torch.tensor([0.0, 0.0, 1.0, NAN, 1.0])]
    assert bootstrap(holed) == bootstrap(whole)


def test_the_seed_moves_the_ends_a_little_and_nothing_else():
    """Two runs report the same figures; catches a generator that is shared or not seeded."""
    values = [torch.rand(50, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    one, same, other = bootstrap(values), bootstrap(values), bootstrap(values, seed=1)
    assert one == same and one != other
    assert one.value == other.value and ends(one) == pytest.approx(ends(other), abs=0.2 * half_width(one))


# -- ratios ----------------------------------------------------------------------------------------------------


def tail(n: int, k: int, p: float) -> float:
    """The probability of k hits or more."""
    return binomial(n, p)[k:].sum()


def clopper_pearson(hits: int, n: int) -> tuple[float, float]:
    """The exact interval of a binomial share, by bisection of both tails."""

    def root(k: int, level: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(n, k, middle) < level else (low, middle)
        return low

    return root(hits, 0.025), root(hits + 1, 0.975)


def test_a_ratio_is_of_hits_per_member():
    """By hand: 30 of 1000 over 10 of 500 is 1.5; catches sizes left out or turned round."""
    estimate = rate_ratio(30, 1000, 10, 500)
    assert estimate.value == pytest.approx(1.5) and estimate.n == 40
    assert estimate.low < 1.5 < estimate.high


def test_the_ends_of_a_ratio_are_those_of_the_exact_conditional_interval():
    """Given 100 hits in all, those of the first set are binomial; Clopper-Pearson is a little wider than the score."""
    estimate = rate_ratio(60, 900, 40, 1200)
    for end, p in zip(ends(estimate), clopper_pearson(60, 100), strict=True):
        assert end == pytest.approx(p / (1 - p) * 1200 / 900, rel=0.05)


def test_a_ratio_turned_round_is_the_inverse():
    """Also its ends change places; catches an interval that favours one of the sets."""
    one, other = rate_ratio(12, 300, 31, 4000), rate_ratio(31, 4000, 12, 300)
    assert one[:3] == pytest.approx((1 / other.value, 1 / other.high, 1 / other.low))


def test_nineteen_of_twenty_ratios_contain_the_true_one():
    """Of simulated hits, three times as often per member of a set a fifth as large."""
    rng, size, other = np.random.default_rng(0), 2000, 10_000
    hits, other_hits = rng.binomial(size, 0.03, 3000), rng.binomial(other, 0.01, 3000)
    estimates = [rate_ratio(int(h), size, int(o), other) for h, o in zip(hits, other_hits, strict=True)]
    assert np.mean([e.low <= 3 <= e.high for e in estimates]) == pytest.approx(0.95, abs=0.015)


def test_ratios_of_no_hits():
    """Catches a division by zero, and a bound given where there is none."""
    none, only = rate_ratio(0, 100, 7, 100), rate_ratio(7, 100, 0, 100)
    assert (none.value, none.low) == (0.0, 0.0) and 0 < none.high < 1
    assert (only.value, only.high) == (math.inf, math.inf) and only.low == pytest.approx(1 / none.high)
    for hits in (9, 26, 61):  # whose intervals of p are rounded beyond 0 and 1
        assert rate_ratio(0, 1, hits, 1).low == 0 and rate_ratio(hits, 1, 0, 1).high == math.inf


# -- text ------------------------------------------------------------------------------------------------------


def test_text_has_the_interval_behind_the_figure():
    """Catches ends in another unit, or in the wrong order."""
    assert Estimate(0.881, 0.86, 0.9, 100).percent == "88.1 % (86.0 to 90.0)"
    assert Estimate(1.25, 0.914, 1.726, 9).number == "1.25 (0.91 to 1.73)"
    assert rate_ratio(7, 100, 0, 100).number.startswith("inf (") and rate_ratio(7, 100, 0, 100).number.endswith("inf)")


@pytest.mark.parametrize(
    "estimate",
    [
        wilson(0, 0), share(torch.tensor([])), share(torch.tensor([NAN])), mean(torch.tensor([NAN])), bootstrap([]),
        bootstrap([torch.tensor([])]), rate_ratio(0, 100, 0, 100),
    ],
)  # fmt: skip
def test_of_nothing_all_is_nan_and_the_text_empty(estimate):
    """Catches 0 %, or "nan %", in a table where nothing was measured."""
    assert all(map(math.isnan, estimate[:3])) and estimate.n == 0
    assert estimate.percent == estimate.number == ""


def test_shares_of_nothing_but_hits_are_not_certain():
    """The bootstrap of equal entries has no width; that 20 of 20 requests are met does not show that all would be."""
    for value in (0.0, 1.0):
        found = mean_of_shares([torch.full((12,), value), torch.full((8,), value)])
        assert found == wilson(20 * value, 20) and found.high > found.low
