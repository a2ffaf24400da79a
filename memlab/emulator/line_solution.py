"""A crossbar all of whose lines are driven or float: the exact nodal solution.

Geometry and wires are those of `memlab.emulator.wires`: rows are driven at their column-0 end,
columns at their last-row end. In an array without transistors every cell conducts, and current
finds its way through lines that nobody drives (sneak paths); here all of them are in the network.

The bit lines are eliminated as there, which leaves for the TE nodes B of each row a current
b V - K B. Walking along the TE lines, what has been passed is a Norton source J, N:

    J <- X (J + b V)    N <- X (N + K)    X = (1 + r (N + K))⁻¹

At the end the sources U of the columns, behind R, take I = (1 + N R)⁻¹ (J - N U). Walking back,
each segment carries J - N B of the node behind it, and B of the node before it is B + r I.

A line that floats has a source behind `OPEN`: sums of conductances have only positive terms here,
so that what it adds to them vanishes in rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lapack

from memlab.emulator.blas import one_blas_thread
from memlab.emulator.ladders import (
    Crossbar,
    Ladders,
    invert,
    require_regular,
    row_admittances,
    symmetric,
)

__all__ = ["OPEN", "LineSolution", "solve_lines"]

OPEN = 1e30
"""Ohm behind which a line floats: 1e-24 of the smallest conductance that a cell could have."""


@dataclass(frozen=True, eq=False)
class LineSolution:
    """Voltages and currents of a crossbar.

    Parameters
    ----------
    cell_voltage
        TE side minus bit-line side of each cell, in V, shape (rows, columns): positive towards SET.
    row_current, column_current
        From the driver of each row into the array, and out of it at the end of each column, in A,
        shapes (rows,) and (columns,); 0 where a line floats.
    power
        What all drivers give together, in W.
    """

    cell_voltage: NDArray[np.float64]
    row_current: NDArray[np.float64]
    column_current: NDArray[np.float64]
    power: float


def solve_lines(
    conductance: ArrayLike,
    wire_resistance: float | tuple[float, float],
    row_voltage: ArrayLike,
    column_voltage: ArrayLike,
    *,
    driver_resistance: float = 0.0,
    sense_resistance: float = 0.0,
) -> LineSolution:
    """Return voltages and currents of a crossbar with every line driven or floating.

    The exact nodal solution, to rounding; its bits do not depend on the number of BLAS threads.

    Parameters
    ----------
    conductance
        Cells, shape (rows, columns), in S, finite and not negative. Zero is an open cell.
    wire_resistance
        Of one segment in ohm; a pair is (bit line, TE line).
    row_voltage, column_voltage
        Of the drivers, shapes (rows,) and (columns,), in V; NaN where a line floats. Lines that
        float and that no cell joins to a driven one are at 0 V.
    driver_resistance, sense_resistance
        In series with each driver of a row and of a column, in ohm.

    Raises
    ------
    ValueError
        For a wrong shape, an infinite voltage, if all lines float, or a conductance or resistance
        that is negative or not finite.
    """
    rows, columns = np.shape(conductance) if np.ndim(conductance) == 2 else (0, 0)
    row, column = np.array(row_voltage, np.float64), np.array(column_voltage, np.float64)
    if row.shape != (rows,) or column.shape != (columns,):
        raise ValueError(
            f"row_voltage and column_voltage of {rows} x {columns} cells must have shapes "
            f"({rows},) and ({columns},), not {row.shape} and {column.shape}"
        )
    if np.isinf(row).any() or np.isinf(column).any():
        raise ValueError("a line is at a finite voltage, or floats (NaN)")
    floating = np.isnan(row), np.isnan(column)
    if floating[0].all() and floating[1].all():
        raise ValueError("all lines float: drive at least one")
    row[floating[0]], column[floating[1]] = 0.0, 0.0
    crossbar = Crossbar.of(
        conductance,
        wire_resistance,
        driver_resistance=np.where(floating[0], OPEN, driver_resistance),
        sense_resistance=np.where(floating[1], OPEN, sense_resistance),
        row_segments=1.0,
        column_segments=1.0,
    )
    if _nothing_drops(crossbar):
        voltage = column - row[:, np.newaxis]
        column_current = -(crossbar.cells * voltage).sum(axis=0)
    else:
        with one_blas_thread():
            node, column_current = _te_lines(crossbar, row, column)
        voltage = node - Ladders.of(crossbar).voltage((crossbar.cells * node).T, row).T
    row_current = -(crossbar.cells * voltage).sum(axis=1)
    row_current[floating[0]], column_current[floating[1]] = 0.0, 0.0
    power = float((row * row_current).sum() - (column * column_current).sum())
    return LineSolution(voltage, row_current, column_current, power)


def _nothing_drops(crossbar: Crossbar) -> bool:
    """Whether every cell sees just the difference of its drivers: no wire, no driver resists."""
    wires, ends = (crossbar.along_row, crossbar.along_column), (crossbar.driver, crossbar.sense)
    return not any(np.any(part) for part in (*wires, *ends))


def _te_lines(
    crossbar: Crossbar, row: NDArray[np.float64], column: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return voltages of the TE nodes, (rows, columns), and currents out of the columns."""
    rows, columns = crossbar.cells.shape
    segments = crossbar.along_column
    N = np.zeros((columns, columns), order="F")
    J = np.zeros(columns)
    passed = []
    for k, (K, b) in enumerate(row_admittances(crossbar)):
        # Of K, N and the inverse only the lower triangle is meaningful.
        whole = symmetric(N + K)
        J = J + b * row[k]
        if k == rows - 1:
            break
        N = whole
        if segments[k]:
            X = segments[k] * whole
            np.einsum("ii->i", X)[:] += 1.0
            invert(X)
            X = symmetric(X)
            N, J = X @ whole, X @ J
        passed.append((J, N))
    R = segments[-1] + crossbar.sense
    # R is not the same for every column, so 1 + N R is not symmetric: LU instead of Cholesky.
    divided = whole * R
    np.einsum("ii->i", divided)[:] += 1.0
    _, _, current, info = lapack.dgesv(divided, J - whole @ column, overwrite_a=1, overwrite_b=1)
    require_regular(info)
    node = np.empty((rows, columns))
    node[-1] = column + R * current
    for k in range(rows - 2, -1, -1):
        J, N = passed[k]
        node[k] = node[k + 1] + segments[k] * (J - N @ node[k + 1])
    return node, current
