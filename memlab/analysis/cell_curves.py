"""Curves of single cells: their slope and how they bend, and what wires leave of both.

Every cell gets I = a + G V + c added(V), where added(V) is what a sinh adds (`bending`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memlab.analysis.bending import added_voltage
from memlab.analysis.statistics import shared_rounding
from memlab.numeric import BoolArray, FloatArray

__all__ = ["CellFits", "Curves", "fit_cells", "left_by_wires"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Voltages (V) of a row, shape (points,), and currents (A) of all columns; NaN: clipped.

    A step of the ADC is worth `step` (A).
    """

    voltage: FloatArray
    current: FloatArray
    step: float


@dataclass(frozen=True, eq=False)
class CellFits:
    """Slopes (S), a map of all cells; slope, cubic coefficient (A/V^3) and its error of chosen.

    `cubic_rounding` (A/V^3) is the error that all have in common by steps of the ADC.
    """

    slopes: FloatArray
    conductance: FloatArray
    cubic: FloatArray
    cubic_error: FloatArray
    cubic_rounding: float


def fit_cells(curves: Sequence[Curves], bending_voltage: float, chosen: BoolArray) -> CellFits:
    """Fit the curves of the chosen cells; V0 in V, inf for the cubic alone."""
    fitted = np.full((3, *chosen.shape), np.nan)
    rounding, largest = [], []
    for row, one in enumerate(curves):
        n = one.voltage.size
        design = np.column_stack(
            [np.ones(n), one.voltage, added_voltage(one.voltage, bending_voltage)]
        )
        take = np.linalg.pinv(design)
        coefficients = take @ one.current
        left = one.current - design @ coefficients
        scatter = (take[2] ** 2 @ left**2 * n / (n - 3)) ** 0.5
        fitted[:, row] = coefficients[1], coefficients[2], scatter
        rounding.append(one.step * float(np.linalg.norm(take[2])))
        largest.extend(one.current[-1, chosen[row]])
    spread = float(np.nanvar(largest)) if np.isfinite(largest).any() else 0.0
    step = float(np.median([one.step for one in curves]))
    # Each voltage is rounded by itself, all cells alike unless they lie further apart than a step.
    alike = shared_rounding(step, spread) / step if step else 0.0
    slope, cubic, error = (one[chosen] for one in fitted)
    return CellFits(fitted[0], slope, cubic, error, alike * float(np.median(rounding)))


def left_by_wires(
    slopes: FloatArray, wire_resistance: float, of_row: FloatArray, of_column: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what wires leave of a voltage at each cell, and of its current, shape (rows, columns).

    Parameters
    ----------
    slopes
        Conductance (S) of all cells as read, shape (rows, columns).
    wire_resistance
        Of a segment in ohm.
    of_row, of_column
        Segments of the bit line before each column, and of the TE line behind each row.
    """
    slopes = np.maximum(np.nan_to_num(slopes), 0.0)
    # The current of a column passes all segments before it, and drops in those before the cell.
    before = np.cumsum(of_row)
    dropped = slopes @ np.minimum.outer(before, before) * wire_resistance
    behind = np.cumsum(of_column[::-1])[::-1, np.newaxis]
    left = np.clip(1.0 - dropped, 0.5, 1.0)
    return left, np.clip(1.0 - wire_resistance * behind * slopes, 0.5, 1.0)
