"""Errors of means over cells that are not independent: those of a line share what belongs to it.

The cells of a column share an amplifier, a feedback resistor and an ADC, those of a row a driver;
wires weaken both. A standard error from the spread of single cells takes no notice: it may be
twenty times too small. Here the residuals are summed over each line before they are squared
(cluster-robust variance, two ways: Cameron, Gelbach, Miller, J. Bus. Econ. Stat. 29, 238, 2011),

    var(mean) = (sum over rows of (sum e)^2 + the same over columns - sum of e^2) / n^2

and what a single line cannot show of itself, its scale, is put in by what such boards have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from memlab.analysis.statistics import CONVERTER_ERROR, shared_rounding
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Lines", "column_share", "jackknife", "mean_over_cells"]

Indices = npt.NDArray[np.intp]

COLUMN_SCALE, ROW_SCALE = 1e-3, 3e-4
"""Relative errors of the scale of one amplifier and of one row driver, assumed: 0.1 % resistors,
and a third of the gain error that the converter's data sheet allows (board reference 1.5)."""

_GROUPS = 16
"""Most groups of columns that a jackknife leaves out in turn."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Row and column of each of some cells, shape (cells,)."""

    row: Indices
    column: Indices

    @classmethod
    def of(cls, mask: BoolArray, cells: BoolArray | None = None) -> Lines:
        """Return the lines of the cells of a mask; `cells` chooses some of these."""
        row, column = np.nonzero(mask)
        return cls(row, column) if cells is None else cls(row[cells], column[cells])

    @property
    def counts(self) -> tuple[int, int]:
        """Rows and columns that have any of the cells."""
        return np.unique(self.row).size, np.unique(self.column).size

    def scale_error(self) -> float:
        """Return the relative error of the scale that the cells have in common."""
        rows, columns = self.counts
        return float(
            np.hypot(ROW_SCALE / max(rows, 1) ** 0.5, COLUMN_SCALE / max(columns, 1) ** 0.5)
        )


def mean_over_cells(
    values: FloatArray, lines: Lines, scale: float | None = None, step: float = CONVERTER_ERROR
) -> tuple[float, float]:
    """Return the mean over cells and its standard error; NaN where there are too few for one.

    Parameters
    ----------
    values
        Of each cell, shape (cells,).
    lines
        Where the cells lie.
    scale
        What the error of a line's scale is relative to; by default the mean.
    step
        Error of quantisation, in the unit of the values: no number of cells takes it away, unless
        they scatter over more than a step.
    """
    n = values.size
    if not n:
        return np.nan, np.nan
    mean = float(values.mean())
    if n < 2:
        return mean, np.nan
    left = values - mean
    alone = float(left @ left) / (n * (n - 1))
    shared = -alone * (n - 1) / n
    for line in (lines.row, lines.column):
        _, member = np.unique(line, return_inverse=True)
        sums = np.bincount(member, weights=left)
        # A single line has no residual to show what it shares with itself.
        shared += float(sums @ sums) * sums.size / max(sums.size - 1, 1) / n**2
    rows, columns = lines.counts
    step = shared_rounding(step * 12.0**0.5, alone * n)
    # With few lines what they share is known badly: by chance alone it comes out as much as this.
    chance = alone * (2.0 / max(rows - 1, 1) + 2.0 / max(columns - 1, 1)) ** 0.5
    excess = max(shared - alone, 0.0)
    known = excess**2 / (excess**2 + chance**2) if excess else 0.0
    variance = alone + known * excess + step**2
    size = mean if scale is None else scale
    if columns < 2:
        variance += (COLUMN_SCALE * size) ** 2
    if rows < 2:
        variance += (ROW_SCALE * size) ** 2
    return mean, variance**0.5


def jackknife(
    estimate: Callable[[BoolArray], FloatArray], lines: Lines
) -> tuple[FloatArray, FloatArray]:
    """Return estimates from all cells, and their errors from leaving out groups of columns in turn.

    Cells of a column are left out together, so that what they share is in the error. With fewer
    than four columns the groups are of rows.

    Parameters
    ----------
    estimate
        Takes the cells to use, bool of shape (cells,); returns numbers, shape (n,).
    lines
        Where the cells lie.

    Returns
    -------
    Numbers and one standard error of each, shape (n,); the error is NaN with fewer than two lines.
    """
    line = lines.column if lines.counts[1] >= 4 else lines.row
    _, member = np.unique(line, return_inverse=True)
    groups = min(int(member.max(initial=-1)) + 1, _GROUPS)
    whole = estimate(np.ones(line.size, bool))
    if groups < 2:
        return whole, np.full(whole.shape, np.nan)
    without = np.array([estimate(member % groups != k) for k in range(groups)])
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return whole, np.sqrt(spread * (groups - 1) / groups)


def column_share(values: FloatArray, lines: Lines) -> tuple[float, float]:
    """Return which part of the variance from cell to cell columns have in common, and by chance p.

    One-way analysis of variance.

    Returns
    -------
    Share, 0 to 1, and the probability of one as large among independent cells; 0 and 1 where there
    are too few cells to tell.
    """
    _, member = np.unique(lines.column, return_inverse=True)
    count = np.bincount(member)
    groups, n = count.size, values.size
    if groups < 2 or n <= groups:
        return 0.0, 1.0
    mean = np.bincount(member, weights=values) / count
    inside = float(((values - mean[member]) ** 2).sum()) / (n - groups)
    between = float((count * (mean - values.mean()) ** 2).sum()) / (groups - 1)
    if not inside > 0.0:
        return (1.0, 0.0) if between > 0.0 else (0.0, 1.0)
    per_group = (n - float((count**2).sum()) / n) / (groups - 1)
    common = max(between - inside, 0.0) / per_group
    p = float(fdtrc(groups - 1, n - groups, between / inside))
    return common / (common + inside), p
