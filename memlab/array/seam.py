"""The Array seam: volts and siemens in, amperes and siemens out.

`Array` is what scripts, layers and procedures use. `BoardArray` is the one implementation on top of
any Board, and `IdealArray` the plain float64 reference. Slicing gives a view that owns a partition
of the lines and shares the board.
"""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import AUTO_GAIN
from drivers.owner import Owner
from drivers.simulation import Simulation
from memlab.array.arguments import as_mask, as_numbers, as_row, refuse_masked
from memlab.array.batches import NamedBatches
from memlab.array.switching_law import SwitchingLaw
from memlab.chip.load import Load
from memlab.errors import SaturationWarning, SettingError
from memlab.passport import Passport
from memlab.storage import State

if TYPE_CHECKING:
    from memlab.array.board_array import BoardArray

__all__ = ["Array", "Counts", "Measurement", "Traffic", "nearest_step"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass
class Counts:
    """What an array has been asked to do: vectors multiplied, cells pulsed, readings clipped."""

    vmm: int = 0
    set: int = 0
    reset: int = 0
    saturated: int = 0


@dataclass
class Traffic:
    """Payload that crossed the Board seam, in bytes of MLP/1 without framing.

    A code takes 2 bytes, a gain 2 bits, a row-parallel pulse 142 bytes.
    """

    calls: int = 0
    up: float = 0.0
    down: float = 0.0

    def add(self, up: float, down: float) -> None:
        """Count one call."""
        self.calls += 1
        self.up += up
        self.down += down


@dataclass(frozen=True, eq=False)
class Measurement:
    """One read or VMM, in SI units and in raw codes.

    Parameters
    ----------
    value
        Conductance in S or current in A; the last axis is the columns of the view.
    saturated
        True where the amplifier clipped, so that the true magnitude is larger; same shape.
    adc_code, gain
        Raw offset-binary ADC codes and gain numbers, same shape; None on an array without codes.
    dac_code
        Row DAC codes of a VMM, the last axis is the rows of the view; None for a read.
    load
        What all lines of the chip did meanwhile; None where it is not recorded.
    """

    value: FloatArray
    saturated: BoolArray
    adc_code: npt.NDArray[np.uint16] | None = None
    gain: npt.NDArray[np.uint8] | None = None
    dac_code: npt.NDArray[np.uint16] | None = None
    load: Load | None = None

    def __getitem__(self, which: int | slice) -> Measurement:
        """Return some of several vectors, or one of them: every field at these places."""
        return Measurement(
            self.value[which],
            self.saturated[which],
            None if self.adc_code is None else self.adc_code[which],
            None if self.gain is None else self.gain[which],
            None if self.dac_code is None else self.dac_code[which],
            self.load,
        )


class Array(ABC):
    """A crossbar array, or a view of some of its lines. Indices are [row, column].

    Use it as a context manager: however the block ends, every line is grounded and the board is
    released.

    An array and its views are used in the process that opened them, by one thread at a time: what
    several threads ask is done one after the other, each once, and a forked child is refused
    (`InUseError`). Only `ground` and `close` do not wait.

    Attributes
    ----------
    rows, columns
        Line numbers on the chip of this view's rows and columns.
    counts
        What has been done so far, shared by all views of one array.
    traffic
        What has crossed the Board seam so far, where there is one; shared as well.
    on_vmm
        Called with the `Measurement` of every VMM of this view; observers record what passes.
    url
        By which it was opened, without a token; '' where it was made by hand.
    gate_voltage_step, input_voltage_step
        Steps in V on which gate and row voltages must lie, because the board's wire carries no
        others; 0 where any voltage will do. Whoever chooses voltages chooses them there.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    counts: Counts
    traffic: Traffic
    on_vmm: Callable[[Measurement], None] | None
    url = ""
    gate_voltage_step = 0.0
    input_voltage_step = 0.0

    def __init__(self, rows: int, columns: int, owner: Owner | None = None):
        self.counts = Counts()
        self.traffic = Traffic()
        self._owner = owner or Owner()
        self._chip_shape = rows, columns
        self._under: Load | None = None
        self._own: Load | None = None
        self._select_lines(np.arange(rows), np.arange(columns))

    def __repr__(self) -> str:
        """Return what it is, how large, where, and what was done; asks no device."""
        rows, columns = self.shape
        whole = "" if self.shape == self._chip_shape else " of {} x {}".format(*self._chip_shape)
        where = f", {self.url}" if self.url else ""
        done = f"{self.counts.vmm} VMM, {self.counts.set} SETs, {self.counts.reset} RESETs"
        return f"<{type(self).__name__} {rows} x {columns}{whole}{where}; {done}>"

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of this view."""
        return self.rows.size, self.columns.size

    @property
    def passport(self) -> Passport | None:
        """The passport of the chip; None where there is no chip, or it has none."""
        return None

    @property
    def simulation(self) -> Simulation | None:
        """Time, energy and state of a chip that is simulated in this process; else None."""
        return None

    @property
    def device(self) -> BoardArray:
        """The view itself, where there is a board below it.

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

    @property
    def load(self) -> Load:
        """What all lines of the chip do while this view is read, or vectors are multiplied.

        By default its own lines take part and no others: other rows float, other gates are at 0 V.
        """
        return self._under or self._own_load()

    def _own_load(self) -> Load:
        """Return the load of this view's lines alone; made once."""
        if self._own is None:
            self._own = Load.of(self.rows, self.columns, self._chip_shape)
        return self._own

    def under(self, load: Load | Array | None) -> Self:
        """Return this view, read and multiplied under the load of other lines too.

        `array[0:8, 0:8].under(array)` reads the 8 x 8 cells as a map of the whole array has them;
        `array[0:8, 0:8].under(array[:, 0:8])` holds all rows at 0 V and leaves the other gates
        closed. Views of the new view have the same load. Pulses are not changed by it.

        Parameters
        ----------
        load
            A load, or the view whose load it is; None for that of the view's own lines.

        Raises
        ------
        SettingError
            If it is of another chip, leaves out lines of this view, or takes parts.
        """
        wanted = replace(load.load, parts=1) if isinstance(load, Array) else load
        if wanted is not None:
            if wanted.shape != self._chip_shape or not wanted.holds(self.rows, self.columns):
                raise SettingError(
                    f"the load ({wanted}) does not hold all lines of this view ({self.load}); "
                    "choose one that does, for example that of the whole array"
                )
            if wanted.parts != 1:
                raise SettingError(
                    f"the load ({wanted}) is that of a board's own read in parts and cannot be "
                    "chosen; choose one with parts=1"
                )
        view = copy.copy(self)
        view._under = wanted
        view._select_lines(self.rows, self.columns)
        return view

    def __getitem__(self, key: Any) -> Self:
        """Return a view of some rows and columns; it pulses and reads only those.

        While it is read or multiplied, all other rows float and all other gates are at 0 V (see
        `load`), so on a chip with wires its cells conduct more than the same cells do in the whole
        array; `under` reads them under the load of others.

        Each index may be a slice, a list of line numbers, a boolean mask or one number; the view
        is always two-dimensional. `array[good_rows, good_columns]` takes the outer product.

        Raises
        ------
        IndexError
            If a line does not exist, is named twice, or none is left.
        """
        keys = key if isinstance(key, tuple) else (key, slice(None))
        if len(keys) != 2:
            raise IndexError(f"an array has rows and columns, {key!r} has {len(keys)} indices")
        row_key, column_key = keys
        view = copy.copy(self)
        view._select_lines(
            _pick_lines(self.rows, row_key, "row"), _pick_lines(self.columns, column_key, "column")
        )
        return view

    def _select_lines(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
        self.rows, self.columns = rows, columns
        self.on_vmm = None
        self._own = None

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

    def name_batches(self, run: str) -> None:  # noqa: B027 - most have nothing to do
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


def nearest_step(voltage: FloatArray, step: float) -> FloatArray:
    """Return voltages rounded to whole steps in V; unchanged where the step is 0."""
    return np.round(voltage / step) * step if step else voltage


def _pick_lines(lines: npt.NDArray[np.intp], key: Any, what: str) -> npt.NDArray[np.intp]:
    """Apply one index to a list of lines; always returns a list, without repeats, not empty."""
    refuse_masked(key, f"{what} index", "leave the masked ones out (`.compressed()`)")
    picked: npt.NDArray[np.intp] = np.atleast_1d(lines[key])
    if picked.ndim != 1 or picked.size == 0:
        raise IndexError(f"{what} index {key!r} selects no {what} of {lines.size}")
    if np.unique(picked).size != picked.size:
        raise IndexError(f"{what} index {key!r} names a {what} twice")
    return picked
