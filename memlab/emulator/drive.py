"""From row codes to row voltages: ideal lines, or lines with static errors that must settle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.converter import CodeRange, Codes, Converter
from memlab.emulator.chip import MAX_CONDUCTANCE
from memlab.emulator.front_end import DacLines
from memlab.emulator.grid import VOLT_GRID, coarser_bits
from memlab.numeric import FloatArray

__all__ = ["ExactDrive", "RealDrive"]


class ExactDrive:
    """Lines that make their nominal voltage; the unit is one step of the DAC.

    Parameters
    ----------
    span
        Range of the row DACs.
    allowed
        Codes that may be driven.
    """

    def __init__(self, span: Converter, allowed: CodeRange):
        self.unit = span.step
        zero = -span.minimum / span.step
        self._zero = np.array(zero)  # which numpy takes faster than Python's float
        self.largest = max(1.0, abs(allowed.minimum - zero), abs(allowed.maximum - zero))

    def fill(self, code: Codes, out: FloatArray) -> None:
        """Write the voltages of a block of codes to `out`, in units."""
        out[...] = code  # in two steps: a subtraction that converts, too, is slower than both
        np.subtract(out, self._zero, out=out)


class RealDrive:
    """Lines with static errors, on the grid of voltages, and first-order settling between vectors.

    Settling starts from what the vector before asked for; what that one had not reached itself is
    of second order.

    Parameters
    ----------
    lines
        Errors of all row lines.
    span, allowed
        As in `ExactDrive`.
    rows
        The lines driven.
    unsettled
        exp(-t_settle / tau): the part of a step that is missing when the vector is sampled.
    before
        Voltages of all lines before the first vector, in units; kept up to date.
    """

    def __init__(
        self,
        lines: DacLines,
        span: Converter,
        allowed: CodeRange,
        rows: npt.NDArray[np.intp],
        unsettled: float,
        before: FloatArray,
    ):
        self._lines, self._span, self._rows = lines, span, rows
        self._unsettled, self._before = unsettled, before
        # The grid follows from all lines, so that a selection has the voltages of the whole array.
        everywhere = np.arange(lines.offset.size)
        most = self._most(everywhere, allowed) / VOLT_GRID
        self._bits = coarser_bits(everywhere.size * MAX_CONDUCTANCE * most)
        self.unit = 2.0**self._bits / VOLT_GRID
        # A line that is still on its way lies between two voltages that it may have.
        self.largest = max(1.0, np.ceil(self._most(rows, allowed) * 2.0**-self._bits))

    def _most(self, rows: npt.NDArray[np.intp], allowed: CodeRange) -> float:
        """Return the largest magnitude that these lines make of allowed codes, in 2^-20 V."""
        ends = np.array([[allowed.minimum], [allowed.maximum]], np.uint16).repeat(rows.size, 1)
        return float(np.abs(self._lines.grid_volts(ends, self._span, rows)).max())

    def fill(self, code: Codes, out: FloatArray) -> None:
        """Write the voltages of a block of codes to `out`, in units."""
        target = self._lines.grid_volts(code, self._span, self._rows)
        if self._bits:
            target *= 2.0**-self._bits
            np.rint(target, out=target)
        out[...] = target
        # The longest step is some 2^24 units: below this, nothing would be left after rounding.
        if self._unsettled < 2.0**-25:
            return
        missing = np.empty_like(target)
        np.subtract(self._before[self._rows], target[0], out=missing[0])
        np.subtract(target[:-1], target[1:], out=missing[1:])
        missing *= self._unsettled
        np.rint(missing, out=missing)
        out += missing
        self._before[...] = 0.0
        self._before[self._rows] = target[-1]
