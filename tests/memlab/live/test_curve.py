"""A curve of any length keeps ends, means and its last value in a bounded number of points."""

import numpy as np
import pytest

from memlab.live.curve import Curve

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("most", [2, 6, 16])
@pytest.mark.parametrize("sizes", [[1], [3, 1, 4], [16, 1], [100], [1] * 33, [7, 90, 2]])
def test_points_stand_for_all_items_however_they_came(sizes: list[int], most: int) -> None:
    values = RNG.normal(size=sum(sizes))
    curve = Curve(most)
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        curve.extend(part)
    points = curve.points()
    assert points.count == values.size
    assert points.mean.size <= most
    assert (points.last, points.least, points.most) == (
        values[-1],
        values.min(),
        values.max(),
    )
    width = 1
    while values.size > most * width:
        width *= 2
    parts = [values[k : k + width] for k in range(0, values.size, width)]
    assert np.allclose(points.mean, [one.mean() for one in parts])
    assert np.array_equal(points.low, [one.min() for one in parts])
    assert np.array_equal(points.high, [one.max() for one in parts])
    middles = [np.mean(1 + np.arange(k * width, k * width + len(p))) for k, p in enumerate(parts)]
    assert np.allclose(points.number, middles)


def test_what_is_no_number_leaves_a_gap_and_no_trace_elsewhere() -> None:
    curve = Curve(4)
    curve.extend(np.array([np.nan, np.nan, 2.0, np.nan, 5.0, 1.0, np.inf, 3.0]))
    points = curve.points()
    assert np.array_equal(points.mean, [np.nan, 2.0, 3.0, 3.0], equal_nan=True)
    assert (points.least, points.most, points.last) == (1.0, 5.0, 3.0)


def test_a_curve_without_a_number_has_no_ends() -> None:
    curve = Curve()
    curve.extend(np.full(3, np.nan))
    points = curve.points()
    assert points.count == 3
    assert np.isnan([points.least, points.most, points.last]).all()
