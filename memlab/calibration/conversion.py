"""Codes to volts, amperes and siemens: the one place where a calibration acts.

Without a calibration every board is taken for ideal: V = span formula, I = -V_adc / R. With one,

    VMM    the row codes are those that make the wanted voltages; from the currents is taken what
           the amplifiers' offsets drive through the chip, V_os G_column
    read   what one row adds to the currents of all rows at 0 V, over what its line really rose by

G_column is the summed conductance of the rows in use. A VMM needs it, so it is remembered from the
last read of each cell, and forgotten where a cell is pulsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from drivers.blocks import BLOCK, fill_in_blocks
from drivers.board import Capabilities
from drivers.converter import Codes, Converter
from memlab.calibration.static_errors import CalibrationRecord
from memlab.calibration.stored import Calibration
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Calibrated", "Conversion", "Nominal", "make_conversion", "read_range"]

Lines = npt.NDArray[np.intp]
Gains = npt.NDArray[np.uint8]

_ZERO_VECTORS = 8
"""Vectors at 0 V of a read; they are averaged, as every cell of a column shares their error."""


class Conversion(Protocol):
    """Turns voltages into row codes and ADC codes into currents, for the lines of one view."""

    calibration: Calibration | None
    """What it undoes."""

    @property
    def knows_cells(self) -> bool:
        """False where a VMM must read the cells of the view first."""
        ...

    def of(self, rows: Lines, columns: Lines) -> Conversion:
        """Return the conversion of other lines of the same board."""
        ...

    def row_code(self, voltage: FloatArray) -> Codes:
        """Return the codes that make row voltages (V), shape (..., rows).

        They lie within the read limit: whoever asks has checked that.
        """
        ...

    def current(self, code: Codes, gain: Gains) -> FloatArray:
        """Return what flows in the columns (A) of ADC codes of a VMM, shape (..., columns)."""
        ...

    def read_vectors(self, voltage: float) -> Codes | None:
        """Return the row codes of the vectors that measure conductances at a voltage (V).

        Shape (n, rows); vector i of the first `rows` drives row i. None: the board's own read does.
        """
        ...

    def conductance(self, code: Codes, gain: Gains, row_code: Codes) -> FloatArray:
        """Return conductances (S), shape (rows, columns).

        Parameters
        ----------
        code, gain
            Of the vectors, shape (n, columns), or of the board's own read, shape (rows, columns).
        row_code
            Those vectors, or the one code with which the board has driven each row.
        """
        ...

    def forget(self, cells: npt.NDArray[np.bool_]) -> None:
        """Note that these cells of the view, shape (rows, columns), are about to be pulsed."""
        ...

    def state(self) -> State:
        """Return what is known of the cells of the chip; a copy."""
        ...

    def restore(self, state: State) -> None:
        """Go back to a `state`; all views do."""
        ...


class Nominal(Conversion):
    """An ideal board.

    Parameters
    ----------
    row, sense
        Codes of the row DACs, and of what is sensed.
    current_per_code
        A of a code of `sense`, by gain.
    """

    calibration = None
    knows_cells = True

    def __init__(self, row: Converter, sense: Converter, current_per_code: Sequence[float]):
        self._span, self._zero = row, np.array(float(sense.zero_code))
        # I = -V_adc / R (board reference 0.1); index 0 is unused, gains count from 1.
        self._current_per_code = np.concatenate([[np.nan], current_per_code])

    def of(self, rows: Lines, columns: Lines) -> Nominal:
        """Return the conversion of other lines: all are alike."""
        return self

    def row_code(self, voltage: FloatArray) -> Codes:
        """Return the nearest codes."""
        # A board takes no read limit that has no codes (`board_config`).
        return self._span.nearest(voltage)

    def current(self, code: Codes, gain: Gains) -> FloatArray:
        """Return I = -V_adc / R."""
        if code.size <= BLOCK:
            return self._current(code, gain)
        current = np.empty(code.shape)
        fill_in_blocks(current, self._current, code, gain)
        return current

    def _current(self, code: Codes, gain: Gains) -> FloatArray:
        current = code.astype(np.float64)
        np.subtract(current, self._zero, out=current)
        np.multiply(self._current_per_code.take(gain), current, out=current)
        return current

    def read_vectors(self, voltage: float) -> Codes | None:
        """Leave it to the board, which needs less of the wire."""
        return None

    def conductance(self, code: Codes, gain: Gains, row_code: Codes) -> FloatArray:
        """Return current over the voltage that the DAC makes, not the one asked for."""
        return self.current(code, gain) / float(self._span.decode(row_code).item())

    def forget(self, cells: npt.NDArray[np.bool_]) -> None:
        """Remember nothing, so forget nothing."""

    def state(self) -> State:
        """Return nothing: nothing is remembered."""
        return {}

    def restore(self, state: State) -> None:
        """Do nothing."""


class Calibrated(Conversion):
    """A board whose static errors are known.

    Parameters
    ----------
    calibration
        The errors of all lines.
    row, sense
        Codes of the row DACs, and of what is sensed.
    step
        Voltages on the wire are whole numbers of it (V), or 0.
    """

    def __init__(self, calibration: Calibration, row: Converter, sense: Converter, step: float):
        self.calibration: Calibration | None = calibration
        self._all = self._record = calibration.record
        self._span, self._sense, self._step = row, sense, step
        rows, columns = self._all.row_offset.size, self._all.amplifier_offset.size
        self._cells = np.full((rows, columns), np.nan)
        """Conductance (S) as last read, shared by all views; NaN where not known."""
        self._place = np.ix_(np.arange(rows), np.arange(columns))

    def of(self, rows: Lines, columns: Lines) -> Calibrated:
        """Return the conversion of other lines; what is read through any is known to all."""
        view = object.__new__(Calibrated)
        view.__dict__.update(self.__dict__)
        view._record = self._all.part(rows, columns)
        view._place = np.ix_(rows, columns)
        return view

    @property
    def knows_cells(self) -> bool:
        """Whether every cell of the view has been read since it was last pulsed."""
        return not np.isnan(self._cells[self._place]).any()

    def row_code(self, voltage: FloatArray) -> Codes:
        """Return the codes whose true voltages are nearest to the wanted ones."""
        request = self._record.request(voltage)
        if self._step:
            request = np.round(request / self._step) * self._step
        return self._span.encode(request)

    def current(self, code: Codes, gain: Gains) -> FloatArray:
        """Return currents with the errors of amplifiers and ADCs undone."""
        return self._record.current(code, gain, self._sense, self._cells[self._place].sum(axis=0))

    def read_vectors(self, voltage: float) -> Codes | None:
        """Return one vector for each row, and some at 0 V.

        Not the board's own read: some boards connect only half of the rows for it, and then
        nothing would be known of what the other rows add.
        """
        rows = self._record.row_offset.size
        wanted = np.zeros((rows + _ZERO_VECTORS, rows))
        np.fill_diagonal(wanted, voltage)
        return self.row_code(wanted)

    def conductance(self, code: Codes, gain: Gains, row_code: Codes) -> FloatArray:
        """Return the rise of the current over that of the line; the cells are then known."""
        record, rows = self._record, self._record.row_offset.size
        current = record.input_current(code, gain, self._sense)
        made = record.row_voltage(self._span.decode(row_code))
        rise = np.diagonal(made) - made[rows]
        at_zero = current[rows:].mean(axis=0)
        conductance: FloatArray = (current[:rows] - at_zero) / rise[:, np.newaxis]
        self._cells[self._place] = conductance
        return conductance

    def forget(self, cells: npt.NDArray[np.bool_]) -> None:
        """Forget the conductance of cells that are pulsed."""
        known = self._cells[self._place]
        known[cells] = np.nan
        self._cells[self._place] = known

    def state(self) -> State:
        """Return the conductances (S) of all cells as they were read, NaN where they were not."""
        return {"cells": self._cells.copy()}

    def restore(self, state: State) -> None:
        """Go back to a `state`; all views do."""
        self._cells[...] = state["cells"]


def make_conversion(calibration: Calibration | None, capabilities: Capabilities) -> Conversion:
    """Return the conversion of all lines of a board.

    Raises
    ------
    SettingError
        If the calibration is not one of this board.
    """
    if calibration is None:
        return Nominal(capabilities.row, capabilities.sense, capabilities.current_per_code)
    calibration.check(capabilities)
    step = capabilities.input_voltage_step
    return Calibrated(calibration, capabilities.row, capabilities.sense, step)


def read_range(limit: float, records: Iterable[CalibrationRecord]) -> tuple[float, float]:
    """Return the nominal voltages (V) that rows may be asked for, so that none exceeds +/- limit.

    A line that makes less than its nominal voltage is asked for more. With several records the
    range is that of all.
    """
    ends = np.array([[-limit], [limit]])
    asked = np.concatenate([ends.ravel(), *(record.request(ends).ravel() for record in records)])
    return float(asked.min()), float(asked.max())
