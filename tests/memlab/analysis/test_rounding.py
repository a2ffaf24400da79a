"""Rounding of noisy readings, against readings that are drawn and rounded."""

import numpy as np
import pytest

from memlab.analysis.rounding import mean_rounding, rounded_variance, unrounded_variance


@pytest.mark.parametrize("noise", [0.03, 0.1, 0.2, 0.35, 0.7, 3.0])
def test_the_variance_of_rounded_readings_is_told_and_undone(noise: float) -> None:
    rng = np.random.default_rng(1)
    step = 76e-9
    place = rng.random(4000) * step
    read = np.rint((place + noise * step * rng.standard_normal((24, 4000))) / step) * step
    variance = read.var(axis=0, ddof=1)
    error = 4.5 * variance.std() / variance.size**0.5
    told = rounded_variance((noise * step) ** 2, step)
    assert told == pytest.approx(variance.mean(), abs=error)
    assert unrounded_variance(told, step) == pytest.approx((noise * step) ** 2, rel=1e-4)


def test_without_noise_or_without_steps_nothing_is_added() -> None:
    assert rounded_variance(0.0, 1.0) == pytest.approx(0.0, abs=1e-15)
    assert unrounded_variance(0.0, 1.0) == 0.0
    assert rounded_variance(2.0, 0.0) == unrounded_variance(2.0, 0.0) == 2.0
    assert mean_rounding(0.0, 0.0) == 0.0


def test_no_number_of_readings_that_are_alike_takes_the_rounding_of_their_mean_away() -> None:
    rng = np.random.default_rng(2)
    for scatter in (0.0, 0.1, 0.2):
        off = [
            np.rint(x + scatter * rng.standard_normal(20_000)).mean() - x for x in rng.random(300)
        ]
        # What is stated is never less; at most, where single terms count, by 28 % more.
        assert 0.9 * np.std(off) < mean_rounding(scatter, 1.0) < 1.4 * np.std(off)
    assert mean_rounding(1.0, 1.0) < 1e-8
