"""Cells whose conductance jumps between two states (random telegraph noise).

The reads of a cell are sorted and cut in two where the scatter within the parts is smallest. The
distance d of the two means in units of that scatter tends to sqrt(8 / pi) / sqrt(1 - 2 / pi) = 2.65
for normal noise, which is cut in the middle, and to the true distance for two states. With n reads,

    d > 2.65 + 10 / sqrt(n) (1 + 6 / n)

is reached by chance in about one of 10,000 cells. What is not found, by simulation:

- jumps that are small against the other noise: of jumps that are larger than the limit by
  5.5 / sqrt(n) standard deviations nine in ten are found, and few of smaller ones: see
  `smallest_jump`;
- cells that are slow: with a mean dwell time of 0.25 T in both states, T being the length of the
  series, 95 in 100 are found, with 1.3 T half of them, and then fewer (`SLOWEST`).

So the share of cells that are found is a lower bound of the share that has traps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from memlab.numeric import BoolArray, FloatArray

__all__ = ["SLOWEST", "TwoStates", "find_two_states"]


_SMALLEST_PART = 0.05
"""Of the reads, that each state must have."""

SLOWEST = 0.25
"""Mean dwell time, in lengths of the series, up to which 95 in 100 cells are found."""


@dataclass(frozen=True, eq=False)
class TwoStates:
    """The best cut of every cell, shape (cells,).

    Parameters
    ----------
    reads
        Number of reads of each cell.
    separation
        Distance of the means over the scatter within.
    amplitude
        Distance of the means relative to the upper one.
    occupancy
        Share of the reads in the lower state.
    noise
        Standard deviation of the reads, relative to their mean.
    """

    reads: int
    separation: FloatArray
    amplitude: FloatArray
    occupancy: FloatArray
    noise: FloatArray

    @property
    def found(self) -> BoolArray:
        """Cells that have two states."""
        found: BoolArray = self.separation > self._limit
        return found

    @property
    def _limit(self) -> float:
        return 2.65 + 10.0 / math.sqrt(self.reads) * (1.0 + 6.0 / self.reads)

    @property
    def smallest_jump(self) -> float:
        """Relative amplitude from which nine in ten are found; NaN where all cells have two states.

        For the middle of the cells that have one state.
        """
        noise = self.noise[~self.found]
        if not noise.size:
            return np.nan
        return float(np.median(noise)) * (self._limit + 5.5 / math.sqrt(self.reads))


def find_two_states(series: FloatArray) -> TwoStates:
    """Cut the reads of every cell in two.

    Parameters
    ----------
    series
        Conductance in S, shape (reads, cells).
    """
    n, cells = series.shape
    # Reads that are all equal have no scatter, not that of rounding.
    order = np.sort(series - series[0], axis=0)
    middle = order.mean(axis=0)
    centre = series[0] + middle
    sums = np.cumsum(order - middle, axis=0)
    squares = np.cumsum((order - middle) ** 2, axis=0)
    first = max(2, int(np.ceil(_SMALLEST_PART * n)))
    low = np.arange(first, n - first + 1)[:, np.newaxis]
    lower = sums[low[:, 0] - 1] / low
    upper = (sums[-1] - sums[low[:, 0] - 1]) / (n - low)
    within = squares[-1] - low * lower**2 - (n - low) * upper**2
    best = within.argmin(axis=0)
    cell = np.arange(cells)
    scatter = np.sqrt(np.maximum(within[best, cell], 0.0) / (n - 2))
    distance = upper[best, cell] - lower[best, cell]
    top = centre + upper[best, cell]
    nothing = np.zeros(cells)
    return TwoStates(
        n,
        np.divide(distance, scatter, out=nothing.copy(), where=scatter > 0.0),
        np.divide(distance, top, out=nothing.copy(), where=top > 0.0),
        low[best, 0] / n,
        np.divide(order.std(axis=0, ddof=1), centre, out=nothing.copy(), where=centre > 0.0),
    )
