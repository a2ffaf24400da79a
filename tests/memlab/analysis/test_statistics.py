"""Estimates of several procedures, against numbers worked out by hand."""

import math

import numpy as np
import pytest

from memlab.analysis.statistics import (
    CONVERTER_ERROR,
    fit_line,
    mean_with_error,
    on_map,
    responding_cells,
    shared_rounding,
    standard_error,
)

FOUR = np.array([2.0, 4.0, 4.0, 10.0])
"""Mean 5; squares of the deviations 9 + 1 + 1 + 25 = 36, over 3: standard deviation sqrt(12)."""


def test_the_error_of_a_mean_falls_with_the_root_of_how_many_there_are() -> None:
    assert standard_error(FOUR) == pytest.approx(math.sqrt(12.0) / 2.0, rel=1e-12)
    # Four times as many of the same: 144 / 15, over 16.
    assert standard_error(np.tile(FOUR, 4)) == pytest.approx(math.sqrt(144.0 / 15.0 / 16.0))
    assert mean_with_error(FOUR) == (5.0, pytest.approx(math.sqrt(3.0)))


def test_two_values_are_the_fewest_that_have_an_error() -> None:
    assert standard_error(np.array([1.0, 4.0])) == pytest.approx(1.5)
    assert standard_error(np.array([1.0])) is None
    mean, error = mean_with_error(np.array([7.0]))
    assert mean == 7.0
    assert math.isnan(error)
    assert all(map(math.isnan, mean_with_error(np.zeros(0))))


def test_a_line_through_many_cells_has_a_slope_an_offset_and_a_residual_of_each() -> None:
    x = np.array([1.0, 2.0, 4.0, 7.0])  # deviations -2.5, -1.5, 0.5, 3.5: squares 21
    off = np.array([1.0, -1.0, -1.0, 1.0])  # times the deviations 2: slope 2/21
    y = np.stack([3.0 * x - 2.0, -0.5 * x + 4.0, off], axis=1)
    fit = fit_line(x, y)
    np.testing.assert_allclose(fit.slope, [3.0, -0.5, 2.0 / 21.0], rtol=1e-12)
    np.testing.assert_allclose(fit.offset, [-2.0, 4.0, -7.0 / 21.0], rtol=1e-12)
    # Squares 4 of the third, less slope^2 times 21; two of four degrees of freedom are left.
    left = math.sqrt((4.0 - 4.0 / 21.0) / 2.0)
    np.testing.assert_allclose(fit.residual, [0.0, 0.0, left], atol=1e-12)
    assert np.isnan(fit_line(x[:2], y[:2]).residual).all()
    assert np.isfinite(fit_line(x[:3], y[:3]).residual).all()


def test_a_cell_responds_if_it_moves_by_more_than_a_fifth_of_the_median() -> None:
    moved = np.array([10.0, 11.0, 2.0, 2.1, -30.0, 10.0, 12.0])
    assert responding_cells(moved).tolist() == [True, True, False, True, False, True, True]
    assert not responding_cells(-moved).any(), "the median moves the wrong way"
    assert not responding_cells(np.zeros(3)).any()


@pytest.mark.parametrize(("middle", "responds"), [(9e-9, False), (11e-9, True)])
def test_what_moves_by_less_than_steps_of_the_converter_does_not_respond(
    middle: float, responds: bool
) -> None:
    assert responding_cells(np.full(3, middle)).tolist() == [responds] * 3


@pytest.mark.parametrize(
    ("cells", "middle", "responds"),
    # Four errors of a median: 4 x 1.86 x 1 uS / sqrt(16) = 1.86 uS; few cells do not tell theirs.
    [
        (16, 1.8e-6, False),
        (16, 1.9e-6, True),
        (10, 2.3e-6, False),
        (10, 2.4e-6, True),
        (8, 1.8e-6, True),
    ],
)
def test_cells_of_which_the_middle_does_not_move_beyond_its_noise_do_not_respond(
    cells: int, middle: float, responds: bool
) -> None:
    moved = middle + 1e-6 * np.resize([-1.0, 1.0], cells)
    assert responding_cells(moved).tolist() == [responds] * cells


def test_what_rounding_leaves_in_a_mean_falls_with_the_scatter_and_not_with_the_number() -> None:
    # Of a step the root of a 12th is left; a scatter of a quarter step takes exp(-pi^2 / 8) of it.
    assert shared_rounding(0.4, 0.0) == pytest.approx(0.4 / math.sqrt(12.0))
    assert shared_rounding(0.4, 0.01) == pytest.approx(0.4 / math.sqrt(12.0) * 0.291213, rel=1e-5)
    assert shared_rounding(0.0, 0.01) == 0.0
    assert 0.0 < shared_rounding(0.4, 0.64) == shared_rounding(0.4, 9.0) < 1e-30


def test_the_error_of_the_converter_is_that_of_a_step_at_gain_2() -> None:
    # 10 V in 2^16 steps behind 10 kohm, from 0.2 V on the cell; evenly spread.
    step = 10.0 / 2**16 / 10e3 / 0.2
    assert pytest.approx(step / math.sqrt(12.0), rel=0.01) == CONVERTER_ERROR


def test_values_of_cells_become_maps_at_their_places() -> None:
    mask = np.array([[False, True, False, True], [True, False, False, False]])
    whole = on_map(mask, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    nan = np.nan
    expected = [[[nan, 1, nan, 2], [3, nan, nan, nan]], [[nan, 4, nan, 5], [6, nan, nan, nan]]]
    np.testing.assert_array_equal(whole, expected)
    flags = on_map(mask, np.array([True, False, True]))
    assert flags.dtype == bool
    np.testing.assert_array_equal(flags, [[False, True, False, False], [True, False, False, False]])
