"""Curves as they are plotted."""

import numpy as np
import pytest

from dashboard.curves import smoothed, thinned


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_smoothing_keeps_a_constant_and_starts_at_the_first_value(share):
    np.testing.assert_allclose(smoothed(np.full(20, 3.0), share), 3.0)
    assert smoothed(np.array([5.0, 1.0, 1.0]), share)[0] == pytest.approx(5.0)
    assert len(smoothed(np.array([]), share)) == 0


def test_smoothing_by_hand():
    """(0.5 * 1 + 4 * 1) / (0.5 + 1) at the second point: weights 1 and share."""
    assert smoothed(np.array([1.0, 4.0]), 0.5)[1] == pytest.approx((0.5 * 1 + 4) / 1.5)


def test_long_curves_are_thinned_and_keep_their_ends():
    rows = thinned(10_000, 100)
    assert len(rows) == 100 and (rows[0], rows[-1]) == (0, 9_999)
    assert list(thinned(5)) == [0, 1, 2, 3, 4]
