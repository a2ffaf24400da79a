"""The Array seam: volts and siemens in, amperes and siemens out.

`Array` is what scripts, layers and procedures use. `BoardArray` is the one implementation on top of
any Board, and `IdealArray` the plain float64 reference. Slicing gives a view that owns a partition
of the lines and shares the board (`view`); what lies under an array, and how it goes back to an
earlier state, is for those who record and resume runs (`underneath`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import AUTO_GAIN
from memlab.array.arguments import as_mask, as_numbers, as_row
from memlab.array.measurement import Measurement, note_saturation
from memlab.array.set_control import SetControl
from memlab.array.switching_law import SwitchingLaw
from memlab.array.underneath import Underneath
from memlab.errors import SettingError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Array", "as_arrays"]


class Array(Underneath):
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
    gate_voltage_step, input_voltage_step
        Steps in V on which gate and row voltages must lie, because the board's wire carries no
        others; 0 where any voltage will do. Whoever chooses voltages chooses them there.
    """

    on_vmm: Callable[[Measurement], None] | None
    code_types = ("u2", "u2")
    gate_voltage_step = 0.0
    input_voltage_step = 0.0

    @property
    def control(self) -> SetControl:
        """Which voltage chooses where a SET ends."""
        return SetControl.GATE

    @property
    def control_step(self) -> float:
        """Step in V on which that voltage must lie; 0 where any will do."""
        return self.gate_voltage_step if self.control.gates else 0.0

    def control_range(
        self, gates: tuple[float, float], amplitudes: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[float, float]:
        """Return lowest and highest voltage (V) that `program_to` is to use.

        Parameters
        ----------
        gates
            Of gate voltages, in V.
        amplitudes
            Of SET amplitudes in V, where cells have no gates. 0 stands for half of the operating
            point's, which cells that are half-selected see, and for all of it.
        """
        return gates

    @property
    def stated_law(self) -> SwitchingLaw | None:
        """What full pulses do to these cells, where that is known without asking them.

        Over the voltage that chooses (`control`).
        """
        simulation = self.simulation
        return None if simulation is None else SwitchingLaw.of(simulation.law)

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
        if given := {name: width for name, width in widths.items() if width is not None}:
            self.with_operating_point(**given).program(
                gate_voltage,
                reset=reset,
                set=set,
                set_voltage=set_voltage,
                reset_voltage=reset_voltage,
            )
            return
        gate = as_numbers(gate_voltage, "gate_voltage", self.shape)
        none, every = np.zeros(self.shape, bool), np.ones(self.shape, bool)
        reset_mask = none if reset is None else as_mask(reset, self.shape, "reset")
        set_mask = every if set is None else as_mask(set, self.shape, "set")
        amplitudes = self._amplitudes(set_voltage, reset_voltage)
        stopping.check()
        with self._owner.turn():
            self._program(gate, reset_mask, set_mask, **amplitudes)
            self.counts.reset += int(np.count_nonzero(reset_mask))
            self.counts.set += int(np.count_nonzero(set_mask))

    def program_to(
        self,
        control: npt.ArrayLike,
        *,
        reset: npt.ArrayLike | None = None,
        set: npt.ArrayLike | None = None,  # noqa: A002 - the field's own word
    ) -> None:
        """Program with the voltages (V) that choose where SETs end here; else as `program`.

        These are gate voltages, or where cells have no gates SET amplitudes (`control`).
        """
        if self.control.gates:
            self.program(control, reset=reset, set=set)
        else:
            self.program(0.0, reset=reset, set=set, set_voltage=control)

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
        every = np.ones(self.shape, bool)
        mask = every if cells is None else as_mask(cells, self.shape, "cells")
        gate = np.full(self.shape, gate_voltage)
        self._check_program(gate, ~every, mask, **self._amplitudes(set_voltage))

    def check_set_to(self, control: float, cells: npt.ArrayLike | None = None) -> None:
        """Check as `check_set`, for a voltage (V) as `program_to` takes it."""
        if self.control.gates:
            self.check_set(control, cells)
        else:
            self.check_set(0.0, cells, set_voltage=control)

    def _amplitudes(
        self, set_voltage: npt.ArrayLike | None, reset_voltage: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the amplitudes that are given, of the shape of the view."""
        amplitudes = {"set_voltage": set_voltage, "reset_voltage": reset_voltage}
        return {
            name: as_numbers(volts, name, self.shape)
            for name, volts in amplitudes.items()
            if volts is not None
        }

    writable = False
    """Whether cells can be put at a conductance (`write`), as no device can be."""

    def write(self, conductance: npt.ArrayLike) -> None:
        """Put every cell of this view at a conductance in S, where the array is `writable`.

        Raises
        ------
        TypeError
            If it is not.
        """
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
    def _check_program(
        self,
        gate_voltage: FloatArray,
        reset: BoolArray,
        set_: BoolArray,
        set_voltage: FloatArray | None = None,
        reset_voltage: FloatArray | None = None,
    ) -> FloatArray:
        """Return the gate voltages (V) as the chip will see them, or raise `LimitError`."""

    @abstractmethod
    def _program(
        self,
        gate_voltage: FloatArray,
        reset: BoolArray,
        set_: BoolArray,
        set_voltage: FloatArray | None = None,
        reset_voltage: FloatArray | None = None,
    ) -> None: ...


def as_arrays(arrays: Array | Sequence[Array]) -> list[Array]:
    """Return the arrays that a caller gave, one or several.

    Raises
    ------
    SettingError
        If one is no open array, or two of them are parts of one.
    """
    found = [arrays] if isinstance(arrays, Array) else list(arrays)
    if not all(isinstance(one, Array) for one in found):
        raise SettingError(f"{arrays!r} is no open array; open it by memlab.open_array first")
    if len({id(one.counts) for one in found}) < len(found):
        raise SettingError("two of the arrays are parts of one; give one view of its lines")
    return found
