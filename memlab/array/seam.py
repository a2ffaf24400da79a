"""The Array seam: volts and siemens in, amperes and siemens out.

`Array` is what scripts, layers and procedures use. `BoardArray` is the one implementation on top of
any Board, and `IdealArray` the plain float64 reference. Slicing gives a view that owns a partition
of the lines and shares the board (`view`); choosing levels is for those who train and write
(`level_control`); what lies under an array, and how it goes back to an earlier state, is for those
who record and resume runs (`underneath`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import AUTO_GAIN
from memlab.array.arguments import as_mask, as_numbers, as_row
from memlab.array.level_control import LevelControl
from memlab.array.measurement import Measurement, note_saturation
from memlab.array.two_pulses import TwoPulses
from memlab.numeric import FloatArray

__all__ = ["Array"]


class Array(LevelControl):
    """A crossbar array, or a view of some of its lines. Indices are [row, column].

    Use it as a context manager: however the block ends, every line is grounded and the board is
    released.

    An array and its views are used in the process that opened them, by one thread at a time: what
    several threads ask is done one after the other, each once, and a forked child is refused
    (`InUseError`). Only `ground` and `close` do not wait.

    Attributes
    ----------
    on_vmm
        Called with the `Measurement` of every VMM of this view; observers record what passes.
    code_types
        numpy's types, without byte order, of the codes of rows and of what is sensed.
    """

    on_vmm: Callable[[Measurement], None] | None
    code_types = ("u2", "u2")

    def _select_lines(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
        super()._select_lines(rows, columns)
        self.on_vmm = None

    # -- what is measured ---------------------------------------------------------------------

    def read_conductance(self, *, gain: int = AUTO_GAIN) -> FloatArray:
        """Measure the conductance (S) of every cell, shape (rows, columns).

        Each row of the view in turn is driven at the read voltage, its other rows are at 0 V, and
        the gates of its columns are open; rows and gates outside of it take no part (`load`). What
        is measured is current over the voltage at the drivers: with wires, it depends on that
        load. The device is not changed. Warns with `SaturationWarning` where a cell is beyond the
        range of its gain.
        """
        return self.measure_conductance(gain=gain).value

    def vmm(self, voltage: npt.ArrayLike, *, gain: int = AUTO_GAIN) -> FloatArray:
        """Multiply voltage vectors by the conductances: measure the column currents (A).

        The conductances are those of `read_conductance` under the same load (`load`): rows and
        gates outside of the view take no part.

        Parameters
        ----------
        voltage
            Row voltages in V, shape (..., rows), within the read limit.
        gain
            1..4 for a fixed transimpedance of 1e3..1e6 V/A, 0 to choose for each reading.

        Returns
        -------
        Currents in A, shape (..., columns); positive when it flows from row to column.

        Raises
        ------
        LimitError
            If a voltage is outside the read limit; nothing is driven.
        """
        return self.measure_vmm(voltage, gain=gain).value

    def measure_conductance(self, *, gain: int = AUTO_GAIN) -> Measurement:
        """Measure as `read_conductance` does, and return codes, gains and saturation too."""
        stopping.check()
        with self._owner.turn():
            measurement = self._measure_conductance(gain)
            self._know(measurement.value)
            note_saturation(self.counts, measurement)
            return measurement

    def measure_vmm(self, voltage: npt.ArrayLike, *, gain: int = AUTO_GAIN) -> Measurement:
        """Multiply as `vmm` does, and return codes, gains and saturation too."""
        vectors = as_numbers(voltage, "voltage", advice="put 0 V where nothing shall be driven")
        if vectors.ndim == 0 or vectors.shape[-1] != self.rows.size:
            raise ValueError(
                f"voltage has shape {vectors.shape}; the last axis must be the "
                f"{self.rows.size} rows of this array"
            )
        stopping.check()
        with self._owner.turn():
            measurement = self._measure_vmm(vectors, gain)
            self.counts.vmm += vectors.size // self.rows.size
            note_saturation(self.counts, measurement)
            if self.on_vmm is not None:
                self.on_vmm(measurement)
            return measurement

    # -- what changes the device --------------------------------------------------------------

    def program_row(
        self, row: int, gate_voltage: npt.ArrayLike, *, columns: npt.ArrayLike | None = None
    ) -> None:
        """SET the selected cells of one row once, in parallel.

        Parameters
        ----------
        row
            Row of this view, one whole number.
        gate_voltage
            Gate voltage (V) of each column, a scalar or shape (columns,), 0 to 2.5 V by default.
            It limits the current, so a larger one leaves a larger conductance.
        columns
            Boolean mask, shape (columns,), of the cells to pulse; all of them by default.

        Raises
        ------
        LimitError
            If a voltage is outside its limit; nothing is pulsed.
        SettingError
            If an argument is not what it should be, a masked array among others.
        """
        view = self[as_row(row)]
        mask = None if columns is None else as_mask(columns, view.shape, "columns")
        gate = as_numbers(gate_voltage, "gate_voltage", (self.columns.size,))
        view.program(gate, set=mask)

    def reset_row(self, row: int, *, columns: npt.ArrayLike | None = None) -> None:
        """RESET the selected cells of one row once, in parallel; arguments as `program_row`."""
        view = self[as_row(row)]
        every = np.ones(view.shape, bool)
        mask = every if columns is None else as_mask(columns, view.shape, "columns")
        view.program(0.0, reset=mask, set=~every)

    def program(
        self,
        gate_voltage: npt.ArrayLike,
        *,
        reset: npt.ArrayLike | None = None,
        set: npt.ArrayLike | None = None,  # noqa: A002 - the field's own word
        set_voltage: npt.ArrayLike | None = None,
        reset_voltage: npt.ArrayLike | None = None,
        set_width: float | None = None,
        reset_width: float | None = None,
    ) -> None:
        """Update many rows with at most two pulses per cell, in one batch.

        First every cell in `reset` is RESET, row by row; then every cell in `set` is SET, row by
        row, with its gate voltage.

        Parameters
        ----------
        gate_voltage
            Gate voltage (V) of each SET, a scalar or shape (rows, columns); 0 where cells have no
            gates.
        reset
            Boolean mask, shape (rows, columns), of the cells to RESET first; none by default.
        set
            Boolean mask of the cells to SET; all of them by default.
        set_voltage, reset_voltage
            Amplitude (V) of each SET and of each RESET, a scalar or shape (rows, columns); by
            default that of the operating point. Cells of a row with different ones are pulsed one
            after the other.
        set_width, reset_width
            Width (s) of all SETs and of all RESETs; by default that of the operating point.

        Raises
        ------
        LimitError
            If a voltage or a width is outside its limit; nothing is pulsed.
        """
        widths = {"set_width": set_width, "reset_width": reset_width}
        given = {name: width for name, width in widths.items() if width is not None}
        view = self.with_operating_point(**given) if given else self
        amplitudes = {"set_voltage": set_voltage, "reset_voltage": reset_voltage}
        asked = TwoPulses.of(self.shape, gate_voltage, reset=reset, set=set, **amplitudes)
        stopping.check()
        with self._owner.turn():
            view._program(asked)
            self.counts.reset += int(np.count_nonzero(asked.reset))
            self.counts.set += int(np.count_nonzero(asked.set))

    def check_set(
        self,
        gate_voltage: float,
        cells: npt.ArrayLike | None = None,
        *,
        set_voltage: float | None = None,
    ) -> None:
        """Raise `LimitError` unless cells may be SET together with this gate voltage (V).

        Nothing is pulsed. `cells` is a boolean mask, shape (rows, columns); all of them by default.
        """
        mask = None if cells is None else as_mask(cells, self.shape, "cells")
        asked = TwoPulses.of(self.shape, gate_voltage, set=mask, set_voltage=set_voltage)
        self._check_program(asked)

    writable = False
    """Whether cells can be put at a conductance (`write`), as no device can be."""

    def write(self, conductance: npt.ArrayLike) -> None:
        """Put every cell of this view at a conductance in S; `TypeError` where none can be."""
        raise TypeError("only an ideal array can be written directly; use a OneShotUpdate")

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def with_operating_point(self, **changes: float) -> Self:
        """Return a view with other voltages or widths, for example `read_voltage=0.1`.

        Raises
        ------
        LimitError
            If one is outside its limit.
        """

    @abstractmethod
    def ground(self) -> None:
        """Put every line of the chip to 0 V now."""

    @abstractmethod
    def close(self) -> None:
        """Ground every line and release the board; calling it again does nothing."""

    @abstractmethod
    def _measure_conductance(self, gain: int) -> Measurement: ...

    @abstractmethod
    def _measure_vmm(self, voltage: FloatArray, gain: int) -> Measurement: ...

    @abstractmethod
    def _check_program(self, asked: TwoPulses) -> None:
        """Raise `LimitError` unless the chip may see these pulses, as it will see them."""

    @abstractmethod
    def _program(self, asked: TwoPulses) -> None:
        """Pulse, or raise `LimitError` and leave everything as it is."""
