"""Estimates that several procedures need."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LineFit", "fit_line", "on_map", "standard_error"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LineFit:
    """Straight lines y = slope x + offset of many cells.

    Parameters
    ----------
    slope, offset
        Of each cell, shape (cells,).
    residual
        Unbiased standard deviation from the line, shape (cells,); NaN with fewer than 3 points.
    """

    slope: FloatArray
    offset: FloatArray
    residual: FloatArray


def standard_error(values: FloatArray) -> float | None:
    """Return the standard error of a mean, or None where one value alone tells nothing of it."""
    if values.size < 2:
        return None
    deviation = float(values.std(ddof=1))
    return deviation / math.sqrt(values.size)


def fit_line(x: FloatArray, y: FloatArray) -> LineFit:
    """Fit a line to each cell by least squares; x has shape (n,), y has shape (n, cells)."""
    middle = x.mean()
    centred = x - middle
    slope = centred @ y / (centred @ centred)
    offset = y.mean(axis=0) - slope * middle
    left = y - (np.outer(x, slope) + offset)
    freedom = x.size - 2
    residual = (
        np.sqrt((left**2).sum(axis=0) / freedom) if freedom > 0 else np.full(y.shape[1], np.nan)
    )
    return LineFit(slope, offset, residual)


def on_map(mask: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
    """Return a map of the shape of `mask` with the values of its cells, NaN elsewhere."""
    whole = np.full(mask.shape, np.nan)
    whole[mask] = values
    return whole
