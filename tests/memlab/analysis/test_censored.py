"""Estimates from intervals, against samples drawn from the distribution itself."""

import numpy as np
import pytest
from scipy.stats import norm

from memlab.analysis.censored import fit_normal, fit_weibull


def test_errors_of_a_normal_fit_are_those_of_repeated_samples() -> None:
    rng = np.random.default_rng(5)
    steps = np.arange(-6.0, 6.1, 0.5)
    fits = []
    for _ in range(100):
        at = np.searchsorted(steps, rng.normal(0.3, 1.0, 200))
        fits.append(fit_normal(steps[at - 1], steps[at]))
    pull = np.array(
        [[(f.location - 0.3) / f.location_error, (f.scale - 1) / f.scale_error] for f in fits]
    )
    # 100 pulls: mean within 4 / sqrt(100), deviation within 4 / sqrt(200) of 1.
    assert np.abs(pull.mean(axis=0)).max() < 0.4
    assert np.abs(pull.std(axis=0) - 1.0).max() < 0.28


def test_a_normal_fit_in_three_bins_solves_the_two_equations_of_their_contents() -> None:
    # Three bins have two free contents: the fit must give exactly these.
    contents = norm.cdf([1.0, 2.0], 1.4, 0.7)
    count = np.array([contents[0], contents[1] - contents[0], 1 - contents[1]]) * 1e5
    count = count.round().astype(int)
    low = np.repeat([-np.inf, 1.0, 2.0], count)
    high = np.repeat([1.0, 2.0, 9.0], count)
    fit = fit_normal(low, high)
    assert fit.location == pytest.approx(1.4, abs=1e-4)
    assert fit.scale == pytest.approx(0.7, abs=1e-4)


def test_errors_of_a_weibull_fit_with_survivors_are_those_of_repeated_samples() -> None:
    rng = np.random.default_rng(6)
    checks = np.concatenate([[0.0], np.geomspace(3.0, 100.0, 12)])
    fits = []
    for _ in range(100):
        life = 80.0 * rng.weibull(1.5, 200)
        at = np.searchsorted(checks, life)
        fits.append(fit_weibull(checks[at - 1], np.append(checks, np.inf)[at]))
    pull = np.array(
        [[(f.location - 80) / f.location_error, (f.scale - 1.5) / f.scale_error] for f in fits]
    )
    assert np.abs(pull.mean(axis=0)).max() < 0.4
    assert np.abs(pull.std(axis=0) - 1.0).max() < 0.28


def test_nothing_is_told_where_intervals_tell_nothing() -> None:
    assert np.isnan(fit_normal(np.array([]), np.array([])).location)
    assert np.isnan(fit_normal(np.array([-np.inf]), np.array([1.0])).location)
    assert np.isnan(fit_weibull(np.array([5.0, 5.0]), np.array([np.inf, np.inf])).location)


def test_lifetimes_that_ended_before_the_test_began_are_not_taken_for_long_ones() -> None:
    rng = np.random.default_rng(6)
    shapes = []
    for _ in range(30):
        life = 100.0 * rng.weibull(0.8, 400)
        seen = life[life >= 5.0]  # a tenth has died before
        shapes.append(fit_weibull(seen - 1e-6, seen, 5.0).scale)
    # Each is known to 4.5 %.
    assert abs(np.mean(shapes) - 0.8) < 4.5 * 0.045 * 0.8 / 30**0.5


def test_few_failures_early_on_tell_no_lifetime() -> None:
    # 3 of 31 cells in six cycles, and nothing later: the shape goes to 0, and the scale with it.
    low = np.array([1.0, 1.0, 3.0, *np.full(28, 11.0)])
    high = np.array([3.0, 3.0, 5.0, *np.full(28, np.inf)])
    found = fit_weibull(low, high, 1.0)
    assert np.isnan([found.location, found.location_error]).all()
