"""Straight lines through many columns at once, with standard errors and a weak prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.numeric import BoolArray, FloatArray

__all__ = ["QUANTISATION", "Line", "fit_lines"]


QUANTISATION = 1.0 / 12.0
"""Variance of rounding to a whole code, in codes squared."""

_ROUNDING_BIAS = 0.01**2
"""Codes squared. Readings that move over a few codes only are rounded in like ways, so that a mean
is never as good as its number of readings suggests."""


@dataclass(frozen=True, eq=False)
class Line:
    """y = y0 + slope (x - x0) in each column; x0 is where slope and y0 err independently.

    Parameters
    ----------
    x0, y0, slope
        Shape (columns,).
    y0_variance, slope_variance
        Of their errors, same shape.
    noise
        Variance of y about the line, same shape.
    """

    x0: FloatArray
    y0: FloatArray
    slope: FloatArray
    y0_variance: FloatArray
    slope_variance: FloatArray
    noise: FloatArray

    def at(self, x: FloatArray, x_variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return y at x and the variance of its error."""
        y = self.y0 + self.slope * (x - self.x0)
        variance = (
            self.y0_variance + self.slope_variance * (x - self.x0) ** 2 + self.slope**2 * x_variance
        )
        return y, variance


def fit_lines(
    x: FloatArray, y: FloatArray, valid: BoolArray, block: npt.NDArray[np.intp], slope: float
) -> Line:
    """Fit y = y0 + slope (x - x0) in each column by least squares.

    Parameters
    ----------
    x, y
        Codes, shape (n, columns); both are rounded.
    valid
        Samples to use, same shape.
    block
        Samples of one block have noise of one size, shape (n,), numbers from 0.
    slope
        Expected slope; where a column has nothing to say, its line has this slope +/- 10 %.
    """
    weight = valid / QUANTISATION
    for _ in range(2):  # the second time with the noise that the first has found
        line, weight = _fit(x, y, valid, weight, block, slope)
    return line


def _fit(
    x: FloatArray,
    y: FloatArray,
    valid: BoolArray,
    weight: FloatArray,
    block: npt.NDArray[np.intp],
    expected: float,
) -> tuple[Line, FloatArray]:
    """Fit once; returns the line and the weights that its residuals suggest."""
    total = weight.sum(axis=0)
    safe = np.where(total > 0.0, total, 1.0)
    x0 = (weight * x).sum(axis=0) / safe
    y0 = (weight * y).sum(axis=0) / safe
    dx = np.where(valid, x - x0, 0.0)
    prior = 1.0 / (0.1 * expected) ** 2
    information = (weight * dx**2).sum(axis=0) + prior
    slope = ((weight * dx * (y - y0)).sum(axis=0) + prior * expected) / information
    residual = np.where(valid, y - y0 - slope * dx, 0.0)
    new, noise = np.zeros_like(weight), np.zeros(x.shape[1])
    for number in range(int(block.max()) + 1):
        of_block = block == number
        count = valid[of_block].sum(axis=0)
        # Two numbers are fitted to all blocks together; most lie in the largest.
        freedom = np.maximum(count - 2, 1)
        noise = np.maximum((residual[of_block] ** 2).sum(axis=0) / freedom, QUANTISATION)
        new[of_block] = valid[of_block] / noise
    y0_variance = np.where(total > 0.0, 1.0 / safe + _ROUNDING_BIAS, np.inf)
    return Line(x0, y0, slope, y0_variance, 1.0 / information, noise), new
