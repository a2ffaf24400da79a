"""What is wrong with a cell, as its users name it, told from rounds of SET and RESET.

Every cell is SET and RESET in several rounds and read after each. The cells that switch say where
the two states lie. Wires leave less of a window far from drivers and amplifiers, so that the usual
window of a cell is that of its row times that of its column (medians), over that of the chip. The
threshold lies half-way up that window. Then, as a memory tester does,

    stuck high      above the threshold in every round, after RESET too, and not moving
    stuck low       below it in every round, after SET too, and not moving
    write fails     below it after a SET at least once
    erase fails     above it after a RESET at least once
    noisy           switches, but repeated reads of the SET state scatter
    short row, column   nearly no cell of the line switches, and the line conducts

A cell moves if its conductance falls by at least `MOVES` of the usual window in each round.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from memlab.numeric import BoolArray, FloatArray

__all__ = ["Cycles", "Fault", "classify", "find_shorts", "usual_window"]


MOVES = 0.3
"""Part of the usual window; telegraph noise of a stuck cell is smaller."""

SHORT_SHARE = 0.9
"""Part of the cells of a shorted line that do not switch."""

SHORTEST_LINE = 8
"""Cells of a line that must be known before anything is said about the line."""


class Fault(IntEnum):
    """What a cell is; the codes of the map `fault` in a run file."""

    PASS = 0
    STUCK_HIGH = 1
    STUCK_LOW = 2
    WRITE_FAILS = 3
    ERASE_FAILS = 4
    NOISY = 5
    SHORT_ROW = 6
    SHORT_COLUMN = 7
    NOT_TESTED = 8

    @property
    def label(self) -> str:
        """The name as people write it."""
        return self.name.replace("_", " ").lower()


@dataclass(frozen=True, eq=False)
class Cycles:
    """What the rounds have shown of each cell.

    Parameters
    ----------
    high, low
        Conductance (S) after SET and after RESET, mean of the repeated reads, shape
        (rounds, cells).
    scatter
        Standard deviation (S) of repeated reads after SET, shape (cells,).
    """

    high: FloatArray
    low: FloatArray
    scatter: FloatArray


def usual_window(window: FloatArray, minimum: float) -> FloatArray:
    """Return the window (S) that a cell at each place has if nothing is wrong with it.

    Parameters
    ----------
    window
        Conductance after SET less that after RESET, in S, shape (rows, columns); NaN where a cell
        was not tested.
    minimum
        A cell with a smaller window does not switch, in S. No usual window is smaller.
    """
    switches = np.where(window > minimum, window, np.nan)
    if np.isnan(switches).all():
        return np.full(window.shape, minimum)
    chip = float(np.nanmedian(switches))
    of_row, of_column = (_line_medians(switches, axis, chip) for axis in (1, 0))
    return np.maximum(np.outer(of_row, of_column) / chip, minimum)


def _line_medians(values: FloatArray, axis: int, otherwise: float) -> FloatArray:
    """Median along an axis, NaN left out; `otherwise` on lines with few values."""
    known = np.isfinite(values).sum(axis=axis) >= SHORTEST_LINE
    medians = np.full(known.shape, otherwise)
    medians[known] = np.nanmedian(values.compress(known, axis=1 - axis), axis=axis)
    return medians


def classify(
    cycles: Cycles, threshold: FloatArray, window: FloatArray, noise_limit: float
) -> npt.NDArray[np.uint8]:
    """Return the `Fault` of each cell by itself, shape (cells,).

    Parameters
    ----------
    threshold, window
        Conductance between the two states, and the usual window, of each cell in S.
    noise_limit
        Largest scatter of repeated reads, relative to the conductance.
    """
    is_high, stays_high = cycles.high > threshold, cycles.low > threshold
    moves = (cycles.high - cycles.low).min(axis=0) > MOVES * window
    fault = np.full(moves.shape, Fault.PASS, np.uint8)
    # Later ones win.
    fault[cycles.scatter > noise_limit * cycles.high.mean(axis=0)] = Fault.NOISY
    fault[stays_high.any(axis=0)] = Fault.ERASE_FAILS
    fault[~is_high.all(axis=0)] = Fault.WRITE_FAILS
    fault[~moves & ~is_high.any(axis=0) & ~stays_high.any(axis=0)] = Fault.STUCK_LOW
    fault[~moves & is_high.all(axis=0) & stays_high.all(axis=0)] = Fault.STUCK_HIGH
    return fault


def find_shorts(
    low: FloatArray, faulty: BoolArray, tested: BoolArray, threshold: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Return which rows and which columns are shorted, shapes (rows,) and (columns,).

    Parameters
    ----------
    low
        Conductance (S) after RESET, shape (rows, columns).
    faulty, tested
        Cells that do not switch, and cells that were tested, same shape.
    threshold
        Between the two states, in S, same shape. A line is judged by its mean: with wires, the far
        end of a shorted line conducts little.
    """
    count = tested.astype(float)
    shorts = []
    for axis in (1, 0):
        cells = count.sum(axis=axis)
        known = np.maximum(cells, 1.0)
        share = (faulty & tested).sum(axis=axis) / known
        above = np.where(tested, low - threshold, 0.0).sum(axis=axis)
        shorts.append((cells >= SHORTEST_LINE) & (share >= SHORT_SHARE) & (above > 0.0))
    return shorts[0], shorts[1]
