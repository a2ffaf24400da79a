"""Robust statistics of cells, and how far random halves of the cells are apart.

A twin that was fitted to half of the cells of a table predicts the other half. It cannot be
expected to come nearer than one random half comes to the other: the 95th percentile of that
distance, over random splits by cell, is its tolerance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from memlab.twin.tables import half_of

__all__ = ["SPLITS", "quartile_spread", "split_tolerance"]

FloatArray = npt.NDArray[np.float64]

SPLITS = 400
_LEVEL = 0.95

_NORMAL_QUARTILES = 1.3489795
"""Distance of the quartiles of a normal distribution, in its standard deviations."""


def quartile_spread(sample: FloatArray, axis: int = -1) -> FloatArray:
    """Return the distance of the quartiles, scaled to a standard deviation of normal deviates."""
    low, high = np.quantile(sample, [0.25, 0.75], axis=axis)
    return np.asarray((high - low) / _NORMAL_QUARTILES)


def split_tolerance(
    statistic: Callable[[npt.NDArray[np.bool_]], FloatArray],
    cells: int,
    seed: int,
    splits: int = SPLITS,
) -> tuple[FloatArray, FloatArray]:
    """Return how far a statistic of random halves of the cells is apart.

    Parameters
    ----------
    statistic
        Takes which cells, shape (cells,); returns numbers, shape (n,), NaN where it has none.
    cells
        How many there are.
    seed, splits
        Of the random splits.

    Returns
    -------
    95th percentile of the absolute difference of each number, shape (n,); and all differences,
    shape (splits, n).
    """
    rng = np.random.default_rng(seed)
    differences = []
    for _ in range(splits):
        half = half_of(cells, rng)
        differences.append(statistic(half) - statistic(~half))
    apart = np.array(differences)
    with np.errstate(all="ignore"):
        usable = np.isfinite(apart).mean(axis=0) > 0.5
    tolerance = np.full(apart.shape[1], np.nan)
    tolerance[usable] = np.nanquantile(np.abs(apart[:, usable]), _LEVEL, axis=0)
    return tolerance, apart
