"""Components of variance of a nested sample: cells, cycles of a cell, readings of a cycle.

The standard estimate from mean squares (random-effects analysis of variance): what lies inside is
subtracted from what lies outside. Each component is a mean over cells of something that each cell
has, and so its error is that of a mean: it holds whatever the distribution is, and for cells that
share a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.numeric import FloatArray

__all__ = ["Component", "Components", "mean_component", "variance_components"]


@dataclass(frozen=True)
class Component:
    """A variance and its standard error. Where there is none, the estimate may be negative."""

    variance: float
    error: float

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 where the estimate of the variance is negative."""
        return float(max(self.variance, 0.0) ** 0.5)

    @property
    def deviation_error(self) -> float:
        """Its standard error; near 0 the largest deviation that would go unnoticed."""
        if self.variance > self.error:
            return self.error / (2.0 * self.deviation)
        return float(self.error**0.5)


@dataclass(frozen=True)
class Components:
    """The parts of the spread of one state.

    Parameters
    ----------
    mean, mean_error
        Over all cells.
    cell, cycle, reading
        Variances from cell to cell, from cycle to cycle, from reading to reading.
    of_cell_mean
        Variance that the mean of a cell has from its cycles and readings.
    cycle_of_cells
        The variance from cycle to cycle of each cell, shape (cells,); their mean is `cycle`.
    """

    mean: float
    mean_error: float
    cell: Component
    cycle: Component
    reading: Component
    of_cell_mean: float
    cycle_of_cells: FloatArray


def mean_component(of_cells: FloatArray, lines: Lines) -> Component:
    """Return a variance that is the mean of numbers that cells have, shape (cells,)."""
    return Component(*mean_over_cells(of_cells, lines, scale=0.0, step=0.0))


def variance_components(values: FloatArray, lines: Lines | None = None) -> Components:
    """Split the variance of values of shape (cycles, readings, cells), at least 2 of each.

    Parameters
    ----------
    values
        The sample.
    lines
        Where the cells lie; by default each on lines of its own.
    """
    cycles, readings, cells = values.shape
    lines = lines or Lines(np.arange(cells), np.arange(cells))
    inside = values.var(axis=1, ddof=1).mean(axis=0)
    means = values.mean(axis=1)
    within = means.var(axis=0, ddof=1)
    cell_means = means.mean(axis=0)
    mean, mean_error = mean_over_cells(cell_means, lines)
    between = (cell_means - mean) ** 2 * cells / (cells - 1)
    cycle = within - inside / readings
    return Components(
        mean=mean,
        mean_error=mean_error,
        cell=mean_component(between - within / cycles, lines),
        cycle=mean_component(cycle, lines),
        reading=mean_component(inside, lines),
        of_cell_mean=float(within.mean()) / cycles,
        cycle_of_cells=cycle,
    )
