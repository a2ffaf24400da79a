"""Estimates that several procedures need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from memlab.numeric import BoolArray, FloatArray

__all__ = [
    "LineFit",
    "fit_line",
    "mean_with_error",
    "on_map",
    "responding_cells",
    "shared_rounding",
    "standard_error",
]


_LEAST_MOVE = 10e-9
"""S: some steps of the converter at the highest gain. What moves less does not switch."""

_ENOUGH, _CLEAR = 10, 4.0
"""Cells that tell their noise; its standard errors by which the middle must move."""
_Value = TypeVar("_Value", np.float64, np.bool_)


CONVERTER_ERROR = 22e-9
"""Error of a mean that no number of cells takes away, in S: a step at gain 2, evenly spread."""


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


def responding_cells(moved: FloatArray) -> BoolArray:
    """Return which cells move by at least a fifth of what those in the middle do.

    None where those in the middle do not move by more than noise and rounding.

    Parameters
    ----------
    moved
        By how much each cell conducts more after SET than after RESET, in S, shape (cells,). With
        its sign: behind wires a stuck cell seems to move the other way when others are SET.
    """
    middle = float(np.median(moved))
    least = _LEAST_MOVE
    if moved.size >= _ENOUGH:
        # Standard error of a median of normal values, from the median deviation.
        least = max(
            least, _CLEAR * 1.86 * float(np.median(np.abs(moved - middle))) / moved.size**0.5
        )
    responds: BoolArray = (moved > 0.2 * middle) & (middle > least)
    return responds


def mean_with_error(values: FloatArray) -> tuple[float, float]:
    """Return the mean and its standard error; NaN where there are too few values for one."""
    mean, error = float(values.mean()) if values.size else np.nan, standard_error(values)
    return mean, np.nan if error is None else error


def shared_rounding(step: float, variance: float) -> float:
    """Return the standard error that rounding to a step leaves in a mean of many values.

    Values that lie still on a step are all rounded alike, and no number of them takes it away; of
    normal ones of this variance (square of the unit of the step) the mean of the rounding errors is
    less by exp(-2 pi^2 variance / step^2).
    """
    if not step:
        return 0.0
    # From two steps on it is nothing, and no number so small that its square would be none.
    scatter = min(math.sqrt(variance) / step, 2.0)
    return step / math.sqrt(12.0) * math.exp(-2.0 * (math.pi * scatter) ** 2)


def on_map(mask: BoolArray, values: npt.NDArray[_Value]) -> npt.NDArray[_Value]:
    """Return maps of the shape of `mask` with the values of its cells, shape (..., cells).

    Elsewhere they are NaN, or False where the values are booleans.
    """
    outside = False if values.dtype == np.bool_ else np.nan
    whole = np.full((*values.shape[:-1], *mask.shape), outside, values.dtype)
    whole[..., mask] = values
    return whole
