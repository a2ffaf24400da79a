"""The Array seam: volts and siemens in, amperes and siemens out.

`Array` is what scripts, layers and procedures use. `BoardArray` is the one implementation on top of
any Board, and `IdealArray` the plain float64 reference. Slicing gives a view that owns a partition
of the lines and shares the board.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import AUTO_GAIN, Board
from drivers.owner import Owner
from drivers.simulation import Simulation
from memlab.array.arguments import as_mask, as_numbers, as_row
from memlab.array.batches import NamedBatches
from memlab.array.measurement import Counts, Measurement, Traffic
from memlab.array.switching_law import SwitchingLaw
from memlab.array.view import View
from memlab.errors import SaturationWarning, SettingError
from memlab.numeric import BoolArray, FloatArray
from memlab.passport import Passport
from memlab.storage import State

__all__ = ["Array"]


class Array(View, ABC):
    """A crossbar array, or a view of some of its lines. Indices are [row, column].

    Use it as a context manager: however the block ends, every line is grounded and the board is
    released.

    An array and its views are used in the process that opened them, by one thread at a time: what
    several threads ask is done one after the other, each once, and a forked child is refused
    (`InUseError`). Only `ground` and `close` do not wait.

    Attributes
    ----------
    counts
        What has been done so far, shared by all views of one array.
    traffic
        What has crossed the Board seam so far, where there is one; shared as well.
    on_vmm
        Called with the `Measurement` of every VMM of this view; observers record what passes.
    url
        By which it was opened, without a token; '' where it was made by hand.
    code_types
        numpy's types, without byte order, of the codes of rows and of what is sensed.
    gate_voltage_step, input_voltage_step
        Steps in V on which gate and row voltages must lie, because the board's wire carries no
        others; 0 where any voltage will do. Whoever chooses voltages chooses them there.
    """

    counts: Counts
    traffic: Traffic
    on_vmm: Callable[[Measurement], None] | None
    url = ""
    code_types = ("u2", "u2")
    gate_voltage_step = 0.0
    input_voltage_step = 0.0

    def __init__(self, rows: int, columns: int, owner: Owner | None = None):
        self.counts = Counts()
        self.traffic = Traffic()
        self._owner = owner or Owner()
        super().__init__(rows, columns)

    def __repr__(self) -> str:
        """Return what it is, how large, where, and what was done; asks no device."""
        rows, columns = self.shape
        whole = "" if self.shape == self._chip_shape else " of {} x {}".format(*self._chip_shape)
        where = f", {self.url}" if self.url else ""
        done = f"{self.counts.vmm} VMM, {self.counts.set} SETs, {self.counts.reset} RESETs"
        return f"<{type(self).__name__} {rows} x {columns}{whole}{where}; {done}>"

    @property
    def passport(self) -> Passport | None:
        """The passport of the chip; None where there is no chip, or it has none."""
        return None

    @property
    def simulation(self) -> Simulation | None:
        """Time, energy and state of a chip that is simulated in this process; else None."""
        return None

    @property
    def board(self) -> Board:
        """The board below; it speaks in codes.

        Raises
        ------
        SettingError
            If there is none.
        """
        raise SettingError("this array has no board; use serial://, socket:// or emulator:")

    @property
    def stated_law(self) -> SwitchingLaw | None:
        """What full pulses do to these cells, where that is known without asking them."""
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
            self._note_saturation(measurement)
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
            self._note_saturation(measurement)
            if self.on_vmm is not None:
                self.on_vmm(measurement)
            return measurement

    def _note_saturation(self, measurement: Measurement) -> None:
        clipped = int(np.count_nonzero(measurement.saturated))
        if clipped:
            # The first warning says how many, the others have one text, so that Python shows it
            # once per place and not per VMM.
            what = f"{clipped} of {measurement.saturated.size}"
            if self.counts.saturated:
                what = "more"
            self.counts.saturated += clipped
            warnings.warn(
                f"{what} readings are saturated: the true magnitudes are larger; lower the voltage "
                "or choose a smaller gain (how many in all: counts.saturated; which: measure_vmm)",
                SaturationWarning,
                stacklevel=4,
            )

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
    ) -> None:
        """Update many rows with at most two pulses per cell, in one batch.

        First every cell in `reset` is RESET, row by row; then every cell in `set` is SET, row by
        row, with its gate voltage.

        Parameters
        ----------
        gate_voltage
            Gate voltage (V) of each SET, a scalar or shape (rows, columns).
        reset
            Boolean mask, shape (rows, columns), of the cells to RESET first; none by default.
        set
            Boolean mask of the cells to SET; all of them by default.

        Raises
        ------
        LimitError
            If a voltage is outside its limit; nothing is pulsed.
        """
        gate = as_numbers(gate_voltage, "gate_voltage", self.shape)
        none, every = np.zeros(self.shape, bool), np.ones(self.shape, bool)
        reset_mask = none if reset is None else as_mask(reset, self.shape, "reset")
        set_mask = every if set is None else as_mask(set, self.shape, "set")
        stopping.check()
        with self._owner.turn():
            self._program(gate, reset_mask, set_mask)
            self.counts.reset += int(np.count_nonzero(reset_mask))
            self.counts.set += int(np.count_nonzero(set_mask))

    def check_set(self, gate_voltage: float, cells: npt.ArrayLike | None = None) -> None:
        """Raise `LimitError` unless cells may be SET together with this gate voltage (V).

        Nothing is pulsed. `cells` is a boolean mask, shape (rows, columns); all of them by default.
        """
        every = np.ones(self.shape, bool)
        mask = every if cells is None else as_mask(cells, self.shape, "cells")
        self._check_program(np.full(self.shape, gate_voltage), ~every, mask)

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

    # -- going back ---------------------------------------------------------------------------

    @property
    def batches(self) -> NamedBatches | None:
        """The names of the present run's batches of pulses, where it has named them."""
        return None

    @property
    def restorable(self) -> bool:
        """Whether `restore` brings the cells back too: they live in this process."""
        return True

    def state(self) -> State:
        """Return what the array, its counts and, where `restorable`, its chip remember; copies.

        That of a passport is its own (`Passport.state`).
        """
        return {"counts": asdict(self.counts)}

    def name_batches(self, run: str) -> None:
        """Have the board know the batches of pulses to come by a run's identity, in order.

        Asked for in a program that goes on with the run, a batch that was fired is not fired again.
        Where the chip lives in this process there is no need: it goes back with the run.
        """

    def restore(self, state: State) -> None:
        """Go back to a `state` of an array that was opened alike; all views of it do.

        Raises
        ------
        DeviceError
            If it is the state of another one.
        """
        for field in fields(Counts):
            setattr(self.counts, field.name, state["counts"][field.name])

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def ground(self) -> None:
        """Put every line of the chip to 0 V now."""

    @abstractmethod
    def close(self) -> None:
        """Ground every line and release the board; calling it again does nothing."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return identity and settings, as plain values for a run file."""

    @abstractmethod
    def _measure_conductance(self, gain: int) -> Measurement: ...

    @abstractmethod
    def _measure_vmm(self, voltage: FloatArray, gain: int) -> Measurement: ...

    @abstractmethod
    def _check_program(
        self, gate_voltage: FloatArray, reset: BoolArray, set_: BoolArray
    ) -> FloatArray:
        """Return the gate voltages (V) as the chip will see them, or raise `LimitError`."""

    @abstractmethod
    def _program(self, gate_voltage: FloatArray, reset: BoolArray, set_: BoolArray) -> None: ...
