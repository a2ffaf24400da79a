"""Components of variance of a nested sample: cells, cycles of a cell, readings of a cycle.

The standard estimate from mean squares (random-effects analysis of variance): what lies inside is
subtracted from what lies outside. The errors are those of normal deviates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Component", "Components", "variance_components"]

FloatArray = npt.NDArray[np.float64]


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
    """

    mean: float
    mean_error: float
    cell: Component
    cycle: Component
    reading: Component
    of_cell_mean: float


def variance_components(values: FloatArray) -> Components:
    """Split the variance of values of shape (cycles, readings, cells), at least 2 of each."""
    cycles, readings, cells = values.shape
    inside = float(values.var(axis=1, ddof=1).mean())
    inside_error = inside * (2.0 / (cells * cycles * (readings - 1))) ** 0.5
    means = values.mean(axis=1)
    within = float(means.var(axis=0, ddof=1).mean())
    within_error = within * (2.0 / (cells * (cycles - 1))) ** 0.5
    cell_means = means.mean(axis=0)
    between = float(cell_means.var(ddof=1))
    between_error = between * (2.0 / (cells - 1)) ** 0.5
    return Components(
        mean=float(cell_means.mean()),
        mean_error=(between / cells) ** 0.5,
        cell=Component(
            between - within / cycles, float(np.hypot(between_error, within_error / cycles))
        ),
        cycle=Component(
            within - inside / readings, float(np.hypot(within_error, inside_error / readings))
        ),
        reading=Component(inside, inside_error),
        of_cell_mean=within / cycles,
    )
