"""An array on a board: volts and siemens become codes here and nowhere else.

The formulas of reading, with and without a calibration, stand in `memlab.calibration.conversion`.
Programming is not corrected: millivolts do not matter to pulses of volts, and a calibration within
the read limit says little about them.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from drivers.board import AUTO_GAIN, Board, PulseBatch, PulseKind, Samples, Selection
from drivers.capabilities import Rest
from drivers.converter import Codes, Converter
from drivers.extremes import extremes
from drivers.simulation import Simulation
from memlab.array.batches import NamedBatches
from memlab.array.board_session import BoardSession
from memlab.array.measurement import Measurement
from memlab.array.seam import Array
from memlab.array.set_control import SetControl
from memlab.array.switching_law import SwitchingLaw
from memlab.array.two_pulses import TwoPulses
from memlab.array.view import View
from memlab.array.wire_steps import on_steps
from memlab.calibration import Calibration
from memlab.chip.coupled_limits import (
    check_forming,
    check_operating_point,
    check_vmm,
    freely_driven,
)
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits, OperatingPoint
from memlab.chip.load import Load
from memlab.errors import LimitError, SettingError
from memlab.numeric import BoolArray, FloatArray
from memlab.passport import Passport
from memlab.passport.chip_in_file import meet_chip
from memlab.passport.life import is_virtual, meet
from memlab.passport.recording import fire, settle
from memlab.storage import State

__all__ = ["BoardArray", "device_of"]

_PATIENCE = 5.0
"""Seconds for a call of another thread to notice that the board was closed."""


class BoardArray(Array):
    """An array on a board: codes, gains and limits live here and nowhere else.

    Parameters
    ----------
    board
        An open board; the array owns it from now on, and closes it.
    limits, point
        What the chip may see (all of it, or what differs from the defaults), and the voltages and
        widths of reading and programming.
    rounding
        Round voltages to the board's steps (see `gate_voltage_step`) instead of refusing those
        that lie between them. Boards without steps never round.
    passport
        Of the chip on the board; every pulse is entered in it. The array owns it from now on.
    calibration
        The board's static errors, undone in reads and VMMs; without one the board is taken for
        ideal.
    refuse_lost
        Refuse a chip that lacks pulses of its passport, instead of taking them back there.
    """

    _loading: tuple[BoardSession, Self] | None
    """The view of all lines under whose load this one is, and the session it belongs to."""
    _allowed: float
    """Magnitude (V) up to which no limit forbids to drive the columns of this view."""

    def __init__(
        self,
        board: Board,
        limits: Limits | LimitChanges | None = None,
        point: OperatingPoint | None = None,
        *,
        rounding: bool = False,
        passport: Passport | None = None,
        calibration: Calibration | None = None,
        refuse_lost: bool = False,
    ):
        if isinstance(limits, LimitChanges):
            limits = limits.over(Limits())
        self._session = BoardSession(
            board, limits or Limits(), point or OperatingPoint(), rounding, passport, calibration
        )
        if passport is not None:
            meet(board, passport)
            settle(board, passport, final=True)
            meet_chip(board, passport, refuse=refuse_lost)
            passport.calibration = None if calibration is None else calibration.name
        able = board.capabilities
        self.code_types = np.dtype(able.row.dtype).str[1:], np.dtype(able.sense.dtype).str[1:]
        self.gate_voltage_step = board.capabilities.gate_voltage_step
        self.input_voltage_step = board.capabilities.input_voltage_step
        super().__init__(board.capabilities.rows, board.capabilities.columns, board.owner)

    @property
    def board(self) -> Board:
        """The board below; it speaks in codes."""
        return self._session.board

    @property
    def _row(self) -> Converter:
        return self._session.able.row

    @property
    def passport(self) -> Passport | None:
        """The passport of the chip, where it has one; shared by all views."""
        return self._session.passport

    @property
    def simulation(self) -> Simulation | None:
        """The chip, where it is simulated in this process."""
        return self.board.simulation

    @property
    def _mark(self) -> str:
        return "EMULATOR" if is_virtual(self.board) else ""

    @property
    def control(self) -> SetControl:
        """Gate voltages, or the amplitudes of SETs where this board's cells have no gates."""
        if self._session.able.gate is not None:
            return SetControl.GATE
        return SetControl.AMPLITUDE

    def control_range(
        self, gates: tuple[float, float], amplitudes: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[float, float]:
        """Return lowest and highest voltage (V) that `program_to` is to use."""
        full, (low, high) = self.operating_point.set_voltage, amplitudes
        return gates if self.control.gates else (low or 0.5 * full, high or full)

    @property
    def stated_law(self) -> SwitchingLaw | None:
        """What pulses do to these cells, where the chip is simulated in this process."""
        simulation, point = self.simulation, self.operating_point
        if simulation is None or self.control.gates:
            return super().stated_law
        return SwitchingLaw.of_amplitudes(
            simulation.law, self.control_range((0.0, 0.0)), point.set_width
        )

    @property
    def limits(self) -> Limits:
        """What the chip may see."""
        return self._session.limits

    @property
    def saturated_code(self) -> int:
        """ADC codes from the middle at which a reading counts as clipped."""
        return self._session.able.clipped_code

    @property
    def operating_point(self) -> OperatingPoint:
        """The voltages and widths of reading and programming."""
        return self._session.point

    def with_operating_point(self, **changes: float) -> Self:
        """Return a view with other voltages or widths, for example `read_voltage=0.1`.

        The read gate voltage belongs to the board's configuration, so a view cannot change it.
        """
        if "read_gate_voltage" in changes:
            raise ValueError(
                "read_gate_voltage cannot change on an open board; open the array with another "
                "OperatingPoint"
            )
        view = copy.copy(self)
        view._session = copy.copy(self._session)
        view._session.point = replace(self._session.point, **changes)
        gates = self.control.gates
        check_operating_point(view._session.limits, view._session.point, gates=gates)
        return view

    @property
    def calibration(self) -> Calibration | None:
        """What is undone in reads and VMMs; None where the board is taken for ideal."""
        return self._session.calibration

    @property
    def restorable(self) -> bool:
        """Whether `restore` brings the chip back too: it is simulated in this process."""
        return self.simulation is not None

    def state(self) -> State:
        """Return what the array, its counts and, where `restorable`, its chip remember; copies."""
        simulation, board, batches = self.simulation, self.board, self._session.batches
        return {
            **super().state(),
            "traffic": asdict(self.traffic),
            "board": None if simulation is None else simulation.state(),
            "known": self._session.conversion.state(),
            "batches": None if batches is None else batches.state(),
            "identity": {
                "serial": board.capabilities.serial,
                "life": board.life,
                "others": board.others_pulsed,
            },
        }

    @property
    def batches(self) -> NamedBatches | None:
        """The names of the present run's batches of pulses, where it has named them."""
        return self._session.batches

    def name_batches(self, run: str) -> None:
        """Have the board know the batches of pulses to come by a run's identity, in order."""
        if not self.restorable:
            self._session.batches = NamedBatches.begin(self.board, run)

    def restore(self, state: State) -> None:
        """Go back to a `state` of an array that was opened alike; all views of it do."""
        if self.simulation is not None:
            self.simulation.restore(state["board"])
        super().restore(state)
        for name, value in state["traffic"].items():
            setattr(self.traffic, name, value)
        if self.restorable:
            self._session.conversion.restore(state["known"])
        if state["batches"] is not None:
            self._session.batches = NamedBatches.go_on(self.board, state["batches"])
        if self.simulation is not None:
            self.simulation.save()

    def with_calibration(self, calibration: Calibration | None) -> Self:
        """Return a view that undoes other static errors, or none; this one stays as it is.

        The board is configured again, which grounds its lines.

        Raises
        ------
        SettingError
            If the calibration is not one of this board.
        """
        view = copy.copy(self)
        view._session = copy.copy(self._session)
        with self._owner.turn():
            view._session.apply(calibration)
            view._select_lines(self.rows, self.columns)
        return view

    def check_forming(self, gate_voltage: float) -> None:
        """Raise `LimitError` unless cells may be formed at this gate voltage (V)."""
        limits, amplitude = self._session.limits, self._session.point.set_voltage
        if not self.control.gates and self._session.able.compliance is None:
            raise LimitError(
                "the cells of this board have no gates, and it holds no current (capabilities: "
                "compliance): nothing would stop a cell that forms. Form on a board that does, as "
                "smu-matrix:"
            )
        check_forming(limits, gate_voltage, amplitude)
        gate = self._session.maker.gates_on_steps(np.full(1, gate_voltage))
        check_forming(limits, gate, amplitude)

    def ground(self) -> None:
        """Put every line of the chip to 0 V now."""
        self.board.ground()

    def close(self) -> None:
        """Ground every line and release the board; calling it again does nothing."""
        try:
            self.board.close()
        finally:
            # A call of another thread ends with the board's, and enters what is known of it.
            if self.passport is not None and self._owner.wait_turn(_PATIENCE):
                try:
                    self.passport.close()
                finally:
                    self._owner.end_turn()

    def describe(self) -> dict[str, Any]:
        """Return board identity, limits, operating point and calibration as plain values."""
        calibration = self._session.calibration
        return {
            "board": asdict(self.board.capabilities),
            "limits": asdict(self._session.limits),
            "operating_point": asdict(self._session.point),
            "spans": {
                line.name.lower(): self.board.capabilities.converter(line).name
                for line in self.board.capabilities.lines
            },
            "rounding": self._session.rounding,
            "passport": None if self.passport is None else self.passport.describe(),
            "calibration": None if calibration is None else calibration.document(),
        }

    @property
    def load(self) -> Load:
        """What all lines of the chip do while this view is read, or vectors are multiplied.

        By default its own lines take part and no others: other rows float, other gates are at 0 V,
        and where there are no gates lines do what the board says (`memlab.chip.load`). Where the
        board's own read connects a part of the rows at a time, this is its load; that of products
        has one part.
        """
        return self._under or self._load_of_read()

    def _own_load(self) -> Load:
        able = self._session.able
        if self._own is None:
            rows, columns, gates = self.rows, self.columns, able.gate is not None
            if able.unselected is Rest.GROUNDED:
                # Rows that take no part are at 0 V; so are all columns that no gate closes off.
                rows = np.arange(able.rows)
                columns = columns if gates else np.arange(able.columns)
            self._own = Load.of(rows, columns, self._chip_shape, gates=gates)
        return self._own

    def under(self, load: Load | View | None) -> Self:
        """Return this view, read and multiplied under the load of other lines too (`View.under`).

        A board that holds all other lines at 0 V has one load, and refuses others (`SettingError`).
        """
        view = super().under(load)
        fixed = self._session.able.unselected is Rest.GROUNDED
        if fixed and view._under is not None and view._under != view._own_load():
            raise SettingError(
                f"this board holds all lines at 0 V that take no part: it reads under one load "
                f"({view._own_load()}), not under ({view._under})"
            )
        return view

    def _load_of_read(self) -> Load:
        """Return the load of the board's own read of this view's lines."""
        parts = self._parts()
        return self._own_load() if parts == 1 else replace(self._own_load(), parts=parts)

    @property
    def _is_loaded(self) -> bool:
        """Whether it is read under another load than that of the board's own read."""
        return self._under is not None and self._under != self._load_of_read()

    def _parts(self) -> int:
        """Return in how many parts the board's own read goes through the lines of this view."""
        able = self.board.capabilities
        size = able.read_rows
        if not size or self._conversion.calibration is not None or self.columns.size < able.columns:
            return 1
        groups, count = np.unique(self.rows // size, return_counts=True)
        return int(groups.size) if (count == size).all() else 1

    def _whole(self) -> Self:
        """Return the view of all lines under whose load this one is."""
        if self._loading is None or self._loading[0] is not self._session:
            assert self._under is not None
            view = copy.copy(self)
            view._under = None
            view._select_lines(np.array(self._under.rows), np.array(self._under.columns))
            self._loading = self._session, view
        return self._loading[1]

    def _select_lines(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
        super()._select_lines(rows, columns)
        self._loading = None
        self._allowed = freely_driven(self._session.limits, columns.size)
        if self._under is not None:
            self._among = (
                np.searchsorted(self._under.rows, rows),
                np.searchsorted(self._under.columns, columns),
            )
        # The board takes lines in rising order; a view may have them in any order.
        self._row_order = _order(rows)
        self._column_order = _order(columns)
        self._selection = Selection(np.sort(rows), np.sort(columns))
        self._conversion = self._session.conversion.of(rows, columns)

    def _measure_conductance(self, gain: int) -> Measurement:
        if self._is_loaded:
            return self._measure_under(gain)
        session = self._session
        voltage = np.full(1, session.point.read_voltage)
        check_vmm(session.limits, voltage, self.columns.size)
        row_code = self._row.encode(voltage)
        _refuse_zero(self._row, row_code, session.point.read_voltage)
        vectors = self._conversion.read_vectors(session.point.read_voltage)
        if vectors is None:
            code, adc_gain, saturated = self._read(int(row_code[0]), gain)
            value = self._conversion.conductance(code, adc_gain, row_code)
        else:
            code, adc_gain, saturated = self._multiply(vectors, gain)
            value = self._conversion.conductance(code, adc_gain, vectors)
        n = self.rows.size
        load = self._own_load() if vectors is not None else self._load_of_read()
        return self._noted(self._found(value, saturated[:n], code[:n], adc_gain[:n], None, load))

    def _found(
        self,
        value: FloatArray,
        saturated: BoolArray,
        adc_code: Codes,
        gain: npt.NDArray[np.uint8],
        dac_code: Codes | None,
        load: Load | None,
    ) -> Measurement:
        sense = self._session.able.sense
        return Measurement(value, saturated, adc_code, gain, dac_code, load, self._row, sense)

    def _noted(self, reading: Measurement) -> Measurement:
        """Enter a reading of this view in the passport."""
        passport = self._session.passport
        if passport is not None:
            passport.note_reading(self.rows, self.columns, reading.value, reading.load)
        return reading

    def _measure_under(self, gain: int) -> Measurement:
        """Read this view while other lines take part."""
        session, whole = self._session, self._whole()
        rows, columns = self._among
        if self._conversion.calibration is not None:
            # The errors are undone with what all cells of a column add: all of them are read.
            found = whole._measure_conductance(gain)
            return found.part(np.ix_(rows, columns), None)
        voltage = np.zeros((self.rows.size, whole.rows.size))
        voltage[np.arange(self.rows.size), rows] = session.point.read_voltage
        check_vmm(session.limits, voltage, whole.columns.size)
        codes = self._row.encode(voltage)
        driven = codes[0, rows[:1]]
        _refuse_zero(self._row, driven, session.point.read_voltage)
        code, adc_gain, saturated = whole._multiply(codes, gain)
        value = self._conversion.conductance(code, adc_gain, driven)
        found = self._found(value, saturated, code, adc_gain, None, self._under)
        return self._noted(found.part(np.s_[:, columns], None))

    def _read(self, row_code: int, gain: int) -> tuple[Codes, npt.NDArray[np.uint8], BoolArray]:
        """Let the board drive one row after the other; results as of `_decode`."""
        session = self._session
        samples = session.board.read(self._selection, row_code, gain)
        cost = session.able.call_bytes
        self.traffic.add(cost.request, cost.sample * samples.code.size)
        if self._row_order is not None:
            back = np.argsort(self._row_order)
            samples = Samples(code=samples.code[back], gain=samples.gain[back])
        return self._decode(samples, (self.rows.size,))

    def _measure_vmm(self, voltage: FloatArray, gain: int) -> Measurement:
        if self._under is not None and self._under != self._own_load():
            rows, columns = self._among
            whole = self._whole()
            wide = np.zeros((*voltage.shape[:-1], whole.rows.size))
            wide[..., rows] = voltage
            return whole._measure_vmm(wide, gain).part(np.s_[..., columns], np.s_[..., rows])
        session = self._session
        if not session.multiplies:
            raise SettingError(
                "this board multiplies no vectors (capabilities: products); read conductances, and "
                "multiply by them. Nothing was driven"
            )
        self._check_vmm(voltage)
        step = self.input_voltage_step
        if step:
            applied = on_steps(voltage, step, "row voltage", rounding=session.rounding)
            if applied is not voltage:  # rounded: limits hold for what the chip will see, too
                self._check_vmm(applied)
                voltage = applied
        dac_code = self._conversion.row_code(voltage)
        if not self._conversion.knows_cells:
            self._measure_conductance(AUTO_GAIN)
        code, adc_gain, saturated = self._multiply(dac_code, gain)
        current = self._conversion.current(code, adc_gain)
        load = self._own or self._own_load()
        return self._found(current, saturated, code, adc_gain, dac_code, load)

    def _check_vmm(self, voltage: FloatArray) -> None:
        """Raise `LimitError` unless these row voltages (V) may drive the columns of this view."""
        if voltage.size:
            low, high = extremes(voltage)
            if low >= -self._allowed and high <= self._allowed:
                return
        check_vmm(self._session.limits, voltage, self.columns.size)

    def _multiply(
        self, dac_code: Codes, gain: int
    ) -> tuple[Codes, npt.NDArray[np.uint8], BoolArray]:
        """Apply vectors of row codes, shape (..., rows); results as of `_decode`."""
        session, flat = self._session, dac_code
        if flat.ndim != 2:
            flat = dac_code.reshape(-1, self.rows.size)
        if self._row_order is not None:
            flat = flat[:, self._row_order]
        samples = session.board.vmm(self._selection, flat, gain)
        cost = session.able.call_bytes
        self.traffic.add(cost.code * flat.size, cost.sample * samples.code.size)
        return self._decode(samples, dac_code.shape[:-1])

    def _decode(
        self, samples: Samples, vectors: tuple[int, ...]
    ) -> tuple[Codes, npt.NDArray[np.uint8], BoolArray]:
        """Return codes and gains in this view's order, (*vectors, columns), and where they clip."""
        code, gain = samples.code, samples.gain
        if self._column_order is not None:
            back = np.argsort(self._column_order)
            code, gain = code[:, back], gain[:, back]
        if len(vectors) != 1:
            shape = (*vectors, self.columns.size)
            code, gain = code.reshape(shape), gain.reshape(shape)
        low, high = self._session.saturated
        least, greatest = extremes(code) if code.size else (low + 1, low + 1)
        if low < least and greatest < high:
            return code, gain, np.zeros(code.shape, bool)
        return code, gain, (code >= high) | (code <= low)

    def pulse_batch(
        self,
        gate_voltage: npt.ArrayLike,
        *,
        reset: BoolArray,
        set: BoolArray,  # noqa: A002 - the field's own word
        set_voltage: FloatArray | None = None,
        reset_voltage: FloatArray | None = None,
        whole_rows: bool = False,
    ) -> PulseBatch:
        """Return what `program` with these arguments sends, for `fire`; nothing is sent here.

        Parameters
        ----------
        gate_voltage, reset, set, set_voltage, reset_voltage
            As for `program`.
        whole_rows
            One pulse for each row, whatever it may draw: for runs that began before rows were
            pulsed in groups.

        Raises
        ------
        LimitError
            If a voltage is outside its limit.
        """
        amplitudes = {"set_voltage": set_voltage, "reset_voltage": reset_voltage}
        asked = TwoPulses.of(self.shape, gate_voltage, reset=reset, set=set, **amplitudes)
        return self._session.maker.batch(asked, self.rows, self.columns, whole_rows=whole_rows)

    def fire(self, pulses: PulseBatch, ticket: str = "") -> None:
        """Fire pulses of cells of this view, each once; a passport has them before.

        Parameters
        ----------
        pulses
            From `pulse_batch`, or a part of that.
        ticket
            Name of the batch, see `drivers.board.Board.ticket`; by default the board makes one.

        Raises
        ------
        LimitError
            If a budget or the board refuses; nothing was fired.
        PulsesInterruptedError, TransportError
            As the board raises them.
        """
        self._fire(pulses, ticket)
        self.count_pulses(pulses)

    def count_pulses(self, pulses: PulseBatch) -> None:
        """Count pulses: those that `fire` sends, or an earlier process of a run has sent."""
        cells = pulses.columns.sum(axis=1)
        self.counts.reset += int(cells[pulses.kind == PulseKind.RESET].sum())
        self.counts.set += int(cells[pulses.kind == PulseKind.SET].sum())

    def _fire(self, pulses: PulseBatch, ticket: str) -> None:
        session = self._session
        if not len(pulses):
            return
        if self._conversion.calibration is not None:
            pulsed = np.zeros((session.board.capabilities.rows, pulses.columns.shape[1]), bool)
            which, columns = np.nonzero(pulses.columns)
            pulsed[pulses.row[which], columns] = True
            self._conversion.forget(pulsed[np.ix_(self.rows, self.columns)])
        if session.passport is None:
            session.board.pulse(pulses, ticket)
        else:
            fire(session.board, session.passport, pulses, session.maker.in_volts(pulses), ticket)
        cost = session.able.call_bytes
        self.traffic.add((cost.pulse + cost.gate * pulses.columns.shape[1]) * len(pulses), 0)

    def _program(self, asked: TwoPulses) -> None:
        pulses, ticket = self._session.maker.batch(asked, self.rows, self.columns), ""
        if self._session.batches is not None and len(pulses):
            pulses, ticket = self._session.batches.left(pulses)
        self._fire(pulses, ticket)

    def _check_program(self, asked: TwoPulses) -> None:
        self._session.maker.check(asked, self.rows, self.columns)


def device_of(array: Array) -> BoardArray:
    """Return an array that has a board below it as what it is.

    Raises
    ------
    SettingError
        If it has none.
    """
    array.board  # noqa: B018 - or it says that there is none
    return cast(BoardArray, array)


def _refuse_zero(converter: Converter, row_code: Codes, read_voltage: float) -> None:
    """Raise `LimitError` where the DAC makes 0 V of a read voltage (V)."""
    # The voltage that the DAC really makes, not the one asked for: exact to the code.
    if float(converter.decode(row_code)[0]) == 0.0:
        raise LimitError(
            f"read voltage {read_voltage:g} V is below one DAC step of "
            f"{converter.step:.3g} V: nothing would be measured"
        )


def _order(lines: npt.NDArray[np.intp]) -> npt.NDArray[np.intp] | None:
    """Return the order that makes the lines rise, or None where they already do."""
    return None if (np.diff(lines) > 0).all() else np.argsort(lines)
