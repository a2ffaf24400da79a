"""Robust statistics of cells, and how far random halves of the cells are apart.

A twin that was fitted to half of the cells of a table predicts the other half. It cannot be
expected to come nearer than one random half comes to the other: the 95th percentile of that
distance, over random splits by cell, is its tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from memlab.numeric import BoolArray, FloatArray
from memlab.twin.tables import half_of

__all__ = ["LEVEL", "SPLITS", "quantiles", "quartile_spread", "split_tolerance"]


SPLITS = 400
LEVEL = 0.95
"""Part of the random halves that are no further apart than the tolerance."""

_NORMAL_QUARTILES = 1.3489795
"""Distance of the quartiles of a normal distribution, in its standard deviations."""


def quantiles(sample: FloatArray, p: Sequence[float], fewest: int = 1) -> FloatArray:
    """Return quantiles along the last axis, of what is no NaN.

    Parameters
    ----------
    sample
        Shape (..., n).
    p
        Probabilities.
    fewest
        Numbers below which there is no quantile.

    Returns
    -------
    Shape (len(p), ...); NaN where there are too few numbers.
    """
    if not sample.shape[-1]:
        return np.full((len(p), *sample.shape[:-1]), np.nan)
    ordered = np.sort(sample, axis=-1)  # NaN last
    count = np.isfinite(sample).sum(axis=-1)
    found = np.empty((len(p), *count.shape))
    for k, one in enumerate(p):
        place = one * np.maximum(count - 1, 0)
        low = place.astype(np.intp)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        below, above = (
            np.take_along_axis(ordered, at[..., np.newaxis], axis=-1)[..., 0] for at in (low, high)
        )
        found[k] = np.where(count >= fewest, below + (place - low) * (above - below), np.nan)
    return found


def quartile_spread(sample: FloatArray, fewest: int = 2) -> FloatArray:
    """Return the distance of the quartiles along the last axis, as a standard deviation.

    Scaled so that normal deviates have theirs. NaN are left out; arguments as of `quantiles`.
    """
    low, high = quantiles(sample, (0.25, 0.75), fewest)
    return np.asarray((high - low) / _NORMAL_QUARTILES)


def split_tolerance(
    statistic: Callable[[BoolArray], FloatArray],
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
    tolerance[usable] = np.nanquantile(np.abs(apart[:, usable]), LEVEL, axis=0)
    return tolerance, apart
