"""An array whose every measurement and pulse is recorded, so that a killed procedure goes on.

A procedure is plain code that calls `read`, `vmm`, `program` and `wait_until`, and whose next step
depends on nothing but its settings and what these calls returned. To resume it, it is simply run
again: calls that are in the record return what is there and touch nothing; the first call that is
not is the first that reaches the board. A batch of pulses that had been entered and not confirmed
is settled first: what was fired stays fired, what certainly was not is sent, and what is in doubt
is never sent again (the next reading shows what it did). The array counts what is in the record as
done, so that the counts of a run are those of all its processes.

An emulated chip in this process ended with the process. There, resuming makes the same chip again
from its seed and repeats every call on it; what is recorded is not recorded twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import AUTO_GAIN, Outcome
from memlab.array import Measurement, nearest_step
from memlab.array.board_array import BoardArray
from memlab.characterize.clock import RunClock
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.passport.fate import Outcomes, attempts
from memlab.runs import ProcedureLog, Record

__all__ = ["Bench", "formable_cells"]

LOGGER = logging.getLogger("memlab.resume")


class Bench:
    """A view of an array, with the cells that a procedure is about and the record it fills.

    Parameters
    ----------
    array
        The view to read; its lines are those of the record.
    log
        Where everything is recorded; it may hold the beginning already.
    origin
        Start of the procedure: simulated seconds of an emulator in process, else s since 1970.
    clock, sleep
        Seconds since the procedure began, and how to wait, for boards whose time is real.
    on_step
        Called after every reading with the number of readings so far.
    zeros
        Whether readings go with vectors of zeros (see `offsets`); by default as the record began,
        and at its beginning, where the board is not calibrated.

    Attributes
    ----------
    array
        The view.
    mask
        Cells that the procedure is about, shape (rows, columns): only these may be pulsed.
    measures_zeros
        Whether readings go with vectors of zeros.
    """

    def __init__(
        self,
        array: BoardArray,
        log: ProcedureLog,
        *,
        origin: float = 0.0,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = stopping.sleep,
        on_step: Callable[[int], None] | None = None,
        zeros: bool | None = None,
    ):
        self.array = array
        self.mask: BoolArray = log.record.mask
        self._log = log
        self._origin, self._sleep = origin, sleep
        self._on_step = on_step
        self._simulation = array.simulation
        self._clock = clock if clock or self._simulation else RunClock(origin)
        self._views: dict[tuple[tuple[str, float], ...], BoardArray] = {}
        self._readings = self._vectors = self._programs = 0
        self.worst = {"set": 0.0, "set_gate": 0.0, "reset": 0.0}
        """Largest voltages (V) that any pulse has asked for."""
        self._past = [len(log.record.readings), len(log.record.vectors)]
        if zeros is None:
            # A file of before has none; one that was killed at its first reading has none yet.
            began = len(log.record.readings) > 1
            zeros = bool(self._past[1]) if began else array.calibration is None
        self.measures_zeros = zeros and len(log.record.vectors.coordinates) > 1

    @property
    def record(self) -> Record:
        """Everything so far."""
        return self._log.record

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the view."""
        return self.array.shape

    @property
    def readings(self) -> int:
        """How many readings were asked for so far."""
        return self._readings

    @property
    def now(self) -> float:
        """Seconds since the procedure began: simulated on an emulator in process, else real."""
        if self._simulation is not None:
            return self._simulation.clock - self._origin
        assert self._clock is not None
        return self._clock()

    @property
    def formable(self) -> BoolArray:
        """Cells of the view that could be formed when the procedure began (see `formable_cells`).

        From the record: a resumed procedure finds its own formings in the passport already.
        """
        return self.record.formable

    def mark_formed(self, cells: BoolArray) -> None:
        """Enter cells of the view as formed in the chip's passport, each once in a procedure.

        At once, and not at the end: a procedure that is killed, and not resumed, has formed them.
        """
        passport = self.array.passport
        if passport is None:
            return
        new = cells & ~passport.formed_in_this_run[np.ix_(self.array.rows, self.array.columns)]
        if new.any():
            passport.mark_formed(new, self.array.rows, self.array.columns)

    def on_pulse_steps(self, voltage: FloatArray) -> FloatArray:
        """Return the nearest gate and pulse voltages (V) that the board's wire carries.

        For voltages that a procedure chooses itself; what the user asked for is never rounded.
        """
        return nearest_step(voltage, self.array.gate_voltage_step)

    def on_input_steps(self, voltage: FloatArray) -> FloatArray:
        """Return the nearest row voltages (V) of a vector that the board's wire carries."""
        return nearest_step(voltage, self.array.input_voltage_step)

    def read(
        self, *, gain: int = AUTO_GAIN, read_voltage: float | None = None, **coordinates: float
    ) -> FloatArray:
        """Measure the conductance (S) of every cell of the view, shape (rows, columns).

        Parameters
        ----------
        gain, read_voltage
            As for the array; its own read voltage (V) by default.
        coordinates
            Those that the procedure declares.
        """
        point = {} if read_voltage is None else {"read_voltage": read_voltage}
        k = self._readings
        self._readings += 1
        recorded = k < self._past[0]
        if recorded and self._simulation is None:
            return self._counted(self.record.readings.measurements[k]).value
        measurement = self._at(point).measure_conductance(gain=gain)
        if not recorded:
            self._log.add_reading(measurement, {**coordinates, "time": self.now})
            if self._on_step is not None:
                self._on_step(k + 1)
        return measurement.value

    def vmm(
        self,
        voltage: npt.ArrayLike,
        *,
        gain: int = AUTO_GAIN,
        **coordinates: float | FloatArray,
    ) -> Measurement:
        """Multiply vectors, row voltages in V of shape (n, rows); currents (A) are (n, columns).

        A coordinate is a number, or one for each vector.
        """
        vectors = np.atleast_2d(np.asarray(voltage, np.float64))
        n, k = len(vectors), self._vectors
        self._vectors += n
        past = max(0, min(n, self._past[1] - k))
        if past and self._simulation is None:
            recorded = self.record.vectors.measurements[k : k + past]
            measurement = self._counted(_joined(recorded), vectors=past)
            if past == n:
                return measurement
            fresh = self.array.measure_vmm(vectors[past:], gain=gain)
            measurement = _joined([*recorded, *(fresh[j] for j in range(n - past))])
        else:
            measurement = self.array.measure_vmm(vectors, gain=gain)
        each = {name: np.broadcast_to(value, n) for name, value in coordinates.items()}
        where = [
            {**{name: float(value[j]) for name, value in each.items()}, "time": self.now}
            for j in range(n)
        ]
        if past < n:
            self._log.add_vectors(measurement[past:], where[past:])
        return measurement

    def program(
        self,
        gate_voltage: npt.ArrayLike,
        *,
        reset: BoolArray | None = None,
        set: BoolArray | None = None,  # noqa: A002 - the field's own word
        amplitude: FloatArray | None = None,
        **point: float,
    ) -> None:
        """RESET, then SET cells of the view once each, as `Array.program`; never outside `mask`.

        Parameters
        ----------
        gate_voltage
            Gate voltage (V) of each SET, a scalar or shape (rows, columns); where cells have no
            gates it counts for nothing.
        reset, set
            Cells to RESET first and to SET; none and all of `mask` by default.
        amplitude
            Of each SET in V, shape (rows, columns); by default that of `point`.
        point
            Other voltages and widths than the array's: set_voltage, set_width, reset_voltage, ...

        Raises
        ------
        LimitError
            If a voltage is outside its limit; nothing is pulsed.
        """
        reset_mask = np.zeros(self.shape, bool) if reset is None else reset & self.mask
        set_mask = self.mask if set is None else set & self.mask
        if not (reset_mask.any() or set_mask.any()):
            return
        k = self._programs
        self._programs += 1
        array = self._at(point)
        if not array.control.gates:
            gate_voltage = 0.0
        past = self.record.programs[k] if k < len(self.record.programs) else None
        masks: dict[str, Any] = {"reset": reset_mask, "set": set_mask, "set_voltage": amplitude}
        pulses = array.pulse_batch(gate_voltage, **masks)
        if past is not None and past.pulses != len(pulses):
            # It may have begun when rows were not yet pulsed in groups.
            pulses = array.pulse_batch(gate_voltage, **masks, whole_rows=True)
        total = len(pulses)
        if past is not None and past.pulses != total:
            raise DataError(
                f"the record does not belong to this procedure: batch {k} had {past.pulses} "
                f"pulses, now it has {total}"
            )
        confirmed = past is not None and past.fired is not None
        if confirmed and self._simulation is None:
            array.count_pulses(pulses)
            return
        high = array.operating_point.set_voltage if amplitude is None else amplitude
        gate = np.asarray(gate_voltage, np.float64)
        self._note_voltages(array, gate, np.asarray(high), reset_mask, set_mask)
        outcome, ticket = self._fate(k, total, entered=past is not None)
        left = pulses.only(outcome == Outcome.NOT_FIRED)
        if len(left):
            ticket = array.board.ticket(left, ticket) or ticket
        if past is None:
            self._log.entering(total)
        array.fire(left, ticket)
        array.count_pulses(pulses.only(outcome != Outcome.NOT_FIRED))
        # Only now: whatever ends the call before leaves the batch open, to be settled by a resume.
        if not confirmed:
            unknown = int(np.count_nonzero(outcome == Outcome.UNKNOWN))
            if unknown:
                LOGGER.warning(
                    "%d of %d row pulses of batch %d may or may not have been fired; they are not "
                    "sent again, and the readings after them show what they did",
                    unknown,
                    total,
                    k,
                )
            self._log.programmed(total - unknown, unknown)

    def program_to(
        self,
        control: npt.ArrayLike,
        *,
        reset: BoolArray | None = None,
        set: BoolArray | None = None,  # noqa: A002 - the field's own word
    ) -> None:
        """Program with the voltages (V) that choose levels here, as `Array.program_to`."""
        if self.array.control.gates:
            self.program(control, reset=reset, set=set)
        else:
            amplitude = np.broadcast_to(np.asarray(control, np.float64), self.shape)
            self.program(0.0, reset=reset, set=set, amplitude=amplitude)

    def wait_until(self, seconds: float) -> None:
        """Let time pass until this long after the procedure began, unless it is later already.

        On an emulator in process simulated time is advanced; on a board the host waits, and calls
        it now and then so that it does not take the host for dead.
        """
        if self._readings < self._past[0] and self._simulation is None:
            return
        if self._simulation is not None:
            self._simulation.advance(max(0.0, seconds - self.now))
            return
        while (left := seconds - self.now) > 0.0:
            self._sleep(min(left, 1.0))
            self.array.ground()

    def _counted(self, measurement: Measurement, vectors: int = 0) -> Measurement:
        """Count what an earlier process of this run has measured."""
        self.array.counts.vmm += vectors
        self.array.counts.saturated += int(np.count_nonzero(measurement.saturated))
        return measurement

    def _note_voltages(
        self,
        array: BoardArray,
        gate: FloatArray,
        amplitude: FloatArray,
        reset: BoolArray,
        set_: BoolArray,
    ) -> None:
        point = array.operating_point
        if reset.any():
            self.worst["reset"] = max(self.worst["reset"], point.reset_voltage)
        if set_.any():
            highest = float(np.broadcast_to(gate, self.shape)[set_].max())
            most = float(np.broadcast_to(amplitude, self.shape)[set_].max())
            self.worst["set"] = max(self.worst["set"], most)
            self.worst["set_gate"] = max(self.worst["set_gate"], highest)

    def _fate(self, k: int, pulses: int, *, entered: bool) -> tuple[Outcomes, str]:
        """Return what became of batch k so far, and under which ticket the rest of it goes out.

        What this board never heard of was not fired, if the record has not entered it; else nobody
        knows, and it is never sent.
        """
        outcome, ticket = attempts(self.array.board, self._log.ticket(k), pulses)
        if self._simulation is not None or (outcome is None and not entered):
            return np.full(pulses, Outcome.NOT_FIRED, np.uint8), ticket
        if outcome is None:
            return np.full(pulses, Outcome.UNKNOWN, np.uint8), ticket
        if not entered and (outcome != Outcome.NOT_FIRED).any():
            raise DataError(
                f"batch {k} of this run was fired already, and {self._log.run.path} does not have "
                "it: another copy of the file has gone on. Resume that one; nothing was pulsed"
            )
        return outcome, ticket

    def _at(self, point: Mapping[str, float]) -> BoardArray:
        """Return the view with other voltages or widths; each is made once."""
        if not point:
            return self.array
        key = tuple(sorted(point.items()))
        if key not in self._views:
            self._views[key] = self.array.with_operating_point(**point)
        return self._views[key]


def formable_cells(array: BoardArray) -> BoolArray:
    """Return which cells of a view may be formed: a chip with a passport forms a cell once."""
    if array.passport is None:
        return np.ones(array.shape, bool)
    return array.passport.formable[np.ix_(array.rows, array.columns)]


def _joined(measurements: list[Measurement]) -> Measurement:
    fields: dict[str, Any] = {}
    for name in vars(measurements[0]):
        parts = [getattr(one, name) for one in measurements]
        fields[name] = None if parts[0] is None else np.array(parts)
    fields["load"] = measurements[0].load
    return Measurement(**fields)
