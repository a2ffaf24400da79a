"""Distributions of quantities of which only an interval is known, between two steps of a test.

A cell that had not formed at 2.1 V and had at 2.2 V has a forming voltage in (2.1, 2.2]. The chance
of that is F(2.2) - F(2.1); the parameters of F that make the whole sample most likely are the
estimate, and the curvature of the likelihood there gives its error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from memlab.numeric import FloatArray

__all__ = ["CensoredFit", "fit_normal", "fit_weibull"]

_FAR = 14.0
"""A most likely scale e^14 times off the data: they do not determine it (log of a million)."""


@dataclass(frozen=True)
class CensoredFit:
    """Two parameters of a distribution, and one standard error of each.

    Parameters
    ----------
    location, scale
        Mean and standard deviation of a normal, scale and shape of a Weibull distribution; NaN
        where the intervals do not tell.
    location_error, scale_error
        Their standard errors.
    """

    location: float
    scale: float
    location_error: float
    scale_error: float


UNKNOWN = CensoredFit(np.nan, np.nan, np.nan, np.nan)


def fit_normal(low: FloatArray, high: FloatArray, end: float = np.inf) -> CensoredFit:
    """Fit mean and standard deviation of a normal distribution.

    Parameters
    ----------
    low, high
        Ends of the interval of each value, shape (n,); low may be -inf.
    end
        Values beyond were not looked for and are not among them.

    Returns
    -------
    Mean and deviation. With fewer than three different intervals the deviation is not known, and
    the mean is that of the middles, with the error of an even distribution.
    """
    low, high, count = _distinct(low, high)
    finite = np.isfinite(low)
    if count.size < 3:
        if not finite.all() or not count.size:
            return UNKNOWN
        mean = float(np.average(0.5 * (low + high), weights=count))
        return CensoredFit(mean, np.nan, float((high - low).max() / 12**0.5), np.nan)

    def chance(mean: float, deviation: float) -> float:
        inside = _log_normal((low - mean) / deviation, (high - mean) / deviation)
        return float(count @ (inside - log_ndtr((end - mean) / deviation)))

    middle = np.where(finite, 0.5 * (np.where(finite, low, high) + high), high)
    mean = float(np.average(middle, weights=count))
    deviation = float(np.average((middle - mean) ** 2, weights=count) ** 0.5)

    def likelihood(x: FloatArray) -> float:
        return chance(mean + deviation * x[0], deviation * float(np.exp(x[1])))

    x, error = _most_likely(likelihood)
    # The most likely deviation of n normal values is too small by 3/4 of an nth on the average.
    scale = deviation * float(np.exp(x[1])) * (1.0 + 0.75 / float(count.sum()))
    return CensoredFit(mean + deviation * x[0], scale, deviation * error[0], scale * error[1])


def fit_weibull(low: FloatArray, high: FloatArray, begin: float = 0.0) -> CensoredFit:
    """Fit scale and shape of P(N < n) = 1 - exp(-(n / scale)^shape).

    The most likely shape is too large by 1.4 over the number of values, relatively, on the average
    (Thoman, Bain, Antle, Technometrics 11, 445, 1969); that is taken off.

    Parameters
    ----------
    low, high
        Ends of the interval of each value, shape (n,), at least 0; high is inf for those that
        outlived the test.
    begin
        Smaller values were not looked at and are not among them.
    """
    low, high, count = _distinct(low, high)
    ended = np.isfinite(high)
    if ended.sum() < 2:
        return UNKNOWN
    middle = 0.5 * (low + high)[ended]
    start = float(np.log(np.average(middle, weights=count[ended])))

    def likelihood(x: FloatArray) -> float:
        scale, shape = np.exp(start + x[0]), np.exp(x[1])
        # Absurd scales, which a search may try, are as unlikely as NaN.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            hazard_low, hazard_high = (low / scale) ** shape, (high / scale) ** shape
            part = np.log(-np.expm1(hazard_low - hazard_high))
            return float(count @ (part - hazard_low) + count.sum() * (begin / scale) ** shape)

    x, error = _most_likely(likelihood)
    if not abs(x[0]) < _FAR:
        return UNKNOWN
    scale, shape = float(np.exp(start + x[0])), float(np.exp(x[1]))
    shape /= 1.0 + 1.4 / float(count[ended].sum())
    return CensoredFit(scale, shape, scale * error[0], shape * error[1])


def _distinct(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the different intervals, and how often each occurs."""
    pairs, count = np.unique(np.column_stack([low, high]), axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], count.astype(np.float64)


def _log_normal(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return log(F(high) - F(low)) of the standard normal, exact in both tails."""
    upper = low > 0.0
    first, last = np.where(upper, -high, low), np.where(upper, -low, high)
    whole = log_ndtr(last)
    with np.errstate(divide="ignore"):
        inside: FloatArray = whole + np.log(-np.expm1(log_ndtr(first) - whole))
    return inside


def _most_likely(likelihood: Callable[[FloatArray], float]) -> tuple[FloatArray, FloatArray]:
    """Maximise over two parameters of order one, from 0; return them and their errors."""

    def cost(x: FloatArray) -> float:
        value = likelihood(x)
        return -value if np.isfinite(value) else 1e300

    x: FloatArray = minimize(
        cost,
        np.zeros(2),
        method="Nelder-Mead",
        options={
            "initial_simplex": [[0.0, 0.0], [0.3, 0.0], [0.0, 0.3]],
            "xatol": 1e-6,
            "fatol": 1e-9,
        },
    ).x
    step = 1e-3
    shift = step * np.eye(2)
    information = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            around = [
                a * b * cost(x + a * shift[i] + b * shift[j]) for a in (1, -1) for b in (1, -1)
            ]
            information[i, j] = sum(around) / (4 * step**2)
    if not np.isfinite(information).all() or np.linalg.det(information) <= 0.0:
        return x, np.full(2, np.nan)
    return x, np.sqrt(np.diag(np.linalg.inv(information)))
