"""An array on a board: volts and siemens become codes here and nowhere else."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers import max11046
from drivers.board import (
    Board,
    BoardConfig,
    CodeRange,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.ltc2668 import Span
from drivers.pulse import PulseTimer
from memlab.array import Array, BoolArray, FloatArray, Measurement, nearest_step
from memlab.errors import LimitError
from memlab.limits import Limits, OperatingPoint

__all__ = ["SPANS", "BoardArray", "Traffic", "board_config"]

SPANS = {
    LineClass.ROW: Span.BIPOLAR_5,
    LineClass.COLUMN: Span.BIPOLAR_5,
    LineClass.GATE: Span.UNIPOLAR_10,
}
"""Spans in use. Gates need 5 V exactly, which lies one step above the 0..5 V span."""

SATURATION_MARGIN = 8
"""ADC codes below the clip level from which a reading counts as saturated (noise is < 2)."""

_MID_CODE = 32768


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


_CODE_BYTES, _SAMPLE_BYTES, _REQUEST_BYTES, _PULSE_BYTES = 2, 2.25, 48, 142


@dataclass
class _Session:
    """What all views of one board share."""

    board: Board
    limits: Limits
    point: OperatingPoint
    rounding: bool
    traffic: Traffic = field(default_factory=Traffic)
    current_per_code: FloatArray = field(init=False)
    saturated_code: int = field(init=False)
    timer: PulseTimer = field(init=False)

    def __post_init__(self) -> None:
        self.limits.check_point(self.point)
        capabilities = self.board.capabilities
        # I = -V_adc / R (board reference 0.1); index 0 is unused, gains count from 1.
        self.current_per_code = np.concatenate(
            [[np.nan], -max11046.STEP / np.array(capabilities.transimpedance)]
        )
        self.saturated_code = int(capabilities.clip / max11046.STEP) - SATURATION_MARGIN
        self.timer = PulseTimer(capabilities.pulse_offset, capabilities.pulse_tick)
        self.board.configure(board_config(self.limits, self.point, self.timer))


class BoardArray(Array):
    """An array on a board: codes, gains and limits live here and nowhere else.

    Parameters
    ----------
    board
        An open board; the array owns it from now on, and closes it.
    limits, point
        What the chip may see, and the voltages and widths of reading and programming.
    rounding
        Round voltages to the board's steps (see `gate_voltage_step`) instead of refusing those
        that lie between them. Boards without steps never round.
    """

    def __init__(
        self,
        board: Board,
        limits: Limits | None = None,
        point: OperatingPoint | None = None,
        *,
        rounding: bool = False,
    ):
        self._session = _Session(board, limits or Limits(), point or OperatingPoint(), rounding)
        self.gate_voltage_step = board.capabilities.gate_voltage_step
        self.input_voltage_step = board.capabilities.input_voltage_step
        super().__init__(board.capabilities.rows, board.capabilities.columns)

    @property
    def board(self) -> Board:
        """The board below; it speaks in codes."""
        return self._session.board

    @property
    def traffic(self) -> Traffic:
        """What has crossed the Board seam so far, shared by all views."""
        return self._session.traffic

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
        view._session.limits.check_point(view._session.point)
        return view

    def check_set(self, gate_voltage: float) -> None:
        """Raise `LimitError` unless every cell may be SET with this gate voltage (V)."""
        every = np.ones(self.shape, bool)
        self._check_program(np.full(self.shape, gate_voltage), ~every, every)

    def ground(self) -> None:
        """Put every line of the chip to 0 V now."""
        self.board.ground()

    def close(self) -> None:
        """Ground every line and release the board; calling it again does nothing."""
        self.board.close()

    def describe(self) -> dict[str, Any]:
        """Return board identity, limits and operating point as plain values."""
        return {
            "board": asdict(self.board.capabilities),
            "limits": asdict(self._session.limits),
            "operating_point": asdict(self._session.point),
            "spans": {line.name.lower(): span.name for line, span in SPANS.items()},
            "rounding": self._session.rounding,
        }

    def _select_lines(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
        super()._select_lines(rows, columns)
        # The board takes lines in rising order; a view may have them in any order.
        self._row_order = _order(rows)
        self._column_order = _order(columns)
        self._selection = Selection(np.sort(rows), np.sort(columns))

    def _measure_conductance(self, gain: int) -> Measurement:
        session = self._session
        row_code = SPANS[LineClass.ROW].encode(np.full(1, session.point.read_voltage))
        # The voltage that the DAC really makes, not the one asked for: exact to the code.
        read_voltage = float(SPANS[LineClass.ROW].decode(row_code)[0])
        if read_voltage == 0.0:
            raise LimitError(
                f"read voltage {session.point.read_voltage:g} V is below one DAC step of "
                f"{SPANS[LineClass.ROW].step:.3g} V: nothing would be measured"
            )
        samples = session.board.read(self._selection, int(row_code[0]), gain)
        session.traffic.add(_REQUEST_BYTES, _SAMPLE_BYTES * samples.code.size)
        if self._row_order is not None:
            back = np.argsort(self._row_order)
            samples = Samples(code=samples.code[back], gain=samples.gain[back])
        current = self._decode(samples, self.shape)
        return replace(current, value=current.value / read_voltage)

    def _measure_vmm(self, voltage: FloatArray, gain: int) -> Measurement:
        session = self._session
        session.limits.check_read(voltage)
        voltage = self._on_steps(voltage, self.input_voltage_step, "row voltage")
        dac_code = SPANS[LineClass.ROW].encode(voltage)
        flat = dac_code.reshape(-1, self.rows.size)
        if self._row_order is not None:
            flat = flat[:, self._row_order]
        samples = session.board.vmm(self._selection, flat, gain)
        session.traffic.add(_CODE_BYTES * flat.size, _SAMPLE_BYTES * samples.code.size)
        return self._decode(samples, (*voltage.shape[:-1], self.columns.size), dac_code)

    def _decode(
        self,
        samples: Samples,
        shape: tuple[int, ...],
        dac_code: npt.NDArray[np.uint16] | None = None,
    ) -> Measurement:
        """Turn samples into amperes of the given shape, columns in this view's order."""
        code, gain = samples.code, samples.gain
        if self._column_order is not None:
            back = np.argsort(self._column_order)
            code, gain = code[:, back], gain[:, back]
        code, gain = code.reshape(shape), gain.reshape(shape)
        signed = np.subtract(code, float(_MID_CODE))
        saturated = np.abs(signed) >= self._session.saturated_code
        current = self._session.current_per_code.take(gain)
        current *= signed
        return Measurement(current, saturated, code, gain, dac_code)

    def _program(self, gate_voltage: FloatArray, reset: BoolArray, set_: BoolArray) -> None:
        session = self._session
        point = session.point
        self._check_program(gate_voltage, reset, set_)
        gate_voltage = np.where(set_, gate_voltage, 0.0)
        gate_voltage = self._on_steps(gate_voltage, self.gate_voltage_step, "gate voltage")
        gate_span = SPANS[LineClass.GATE]
        reset_gate = gate_span.encode(np.full(1, point.reset_gate_voltage))[0]
        resets = self._pulses(
            PulseKind.RESET,
            reset,
            np.where(reset, reset_gate, np.uint16(0)),
            int(SPANS[LineClass.ROW].encode(np.full(1, point.reset_voltage))[0]),
            point.reset_width,
        )
        sets = self._pulses(
            PulseKind.SET,
            set_,
            gate_span.encode(gate_voltage),
            int(SPANS[LineClass.COLUMN].encode(np.full(1, point.set_voltage))[0]),
            point.set_width,
        )
        pulses = _join(resets, sets)
        session.board.pulse(pulses)
        session.traffic.add(_PULSE_BYTES * len(pulses), 0)

    def _check_program(self, gate_voltage: FloatArray, reset: BoolArray, set_: BoolArray) -> None:
        self._session.limits.check_set(gate_voltage[set_], self.operating_point.set_voltage)

    def _on_steps(self, voltage: FloatArray, step: float, what: str) -> FloatArray:
        """Return voltages on the board's steps: rounded if that was asked for, else as they are."""
        if not step or not voltage.size:
            return voltage
        nearest = nearest_step(voltage, step)
        if self._session.rounding:
            return nearest
        off = np.abs(nearest - voltage)
        if off.max() > 1e-9:
            worst = voltage.flat[int(off.argmax())]
            raise LimitError(
                f"{what} {worst:.6g} V: the wire of this board carries steps of {step:g} V "
                f"only. Choose {nearest.flat[int(off.argmax())]:.6g} V, or open the array with "
                "rounding=nearest (in its URL). Nothing was sent"
            )
        return voltage

    def _pulses(
        self,
        kind: PulseKind,
        mask: BoolArray,
        gate_code: npt.NDArray[np.uint16],
        amplitude: int,
        width: float,
    ) -> PulseBatch:
        """One pulse for each row that has a cell in `mask`, on full-width columns."""
        capabilities = self.board.capabilities
        active = np.flatnonzero(mask.any(axis=1))
        n = active.size
        columns = np.zeros((n, capabilities.columns), bool)
        columns[:, self.columns] = mask[active]
        gates = np.zeros((n, capabilities.columns), np.uint16)
        gates[:, self.columns] = gate_code[active]
        ticks = self._session.timer.ticks(width)
        return PulseBatch(
            row=self.rows[active].astype(np.uint16),
            kind=np.full(n, kind, np.uint8),
            amplitude_code=np.full(n, amplitude, np.uint16),
            width_ticks=np.full(n, ticks, np.uint16),
            columns=columns,
            gate_code=gates,
        )


def board_config(limits: Limits, point: OperatingPoint, timer: PulseTimer) -> BoardConfig:
    """Translate limits in volts into the codes that the board checks again."""

    def codes(line: LineClass, low: float, high: float) -> CodeRange:
        minimum, maximum = SPANS[line].encode(np.array([low, high]))
        return CodeRange(int(minimum), int(maximum))

    return BoardConfig(
        spans=SPANS,
        limits={
            (LineClass.ROW, Mode.READ): codes(
                LineClass.ROW, -limits.read_voltage, limits.read_voltage
            ),
            (LineClass.COLUMN, Mode.READ): codes(LineClass.COLUMN, 0.0, 0.0),
            (LineClass.GATE, Mode.READ): codes(LineClass.GATE, 0.0, limits.gate_voltage),
            (LineClass.ROW, Mode.SET): codes(LineClass.ROW, 0.0, 0.0),
            (LineClass.COLUMN, Mode.SET): codes(LineClass.COLUMN, 0.0, limits.set_voltage),
            (LineClass.GATE, Mode.SET): codes(LineClass.GATE, 0.0, limits.set_gate_voltage),
            (LineClass.ROW, Mode.RESET): codes(LineClass.ROW, 0.0, limits.reset_voltage),
            (LineClass.COLUMN, Mode.RESET): codes(LineClass.COLUMN, 0.0, 0.0),
            (LineClass.GATE, Mode.RESET): codes(LineClass.GATE, 0.0, limits.gate_voltage),
        },
        read_gate_code=int(SPANS[LineClass.GATE].encode(np.full(1, point.read_gate_voltage))[0]),
        idle_row_code=int(SPANS[LineClass.ROW].encode(np.zeros(1))[0]),
        minimum_width_ticks=int(timer.ticks(limits.minimum_width)),
        maximum_width_ticks=int(timer.ticks(limits.maximum_width)),
    )


def _join(first: PulseBatch, second: PulseBatch) -> PulseBatch:
    return PulseBatch(
        **{
            name: np.concatenate([getattr(first, name), getattr(second, name)])
            for name in PulseBatch.__dataclass_fields__
        }
    )


def _order(lines: npt.NDArray[np.intp]) -> npt.NDArray[np.intp] | None:
    """Return the order that makes the lines rise, or None where they already do."""
    return None if (np.diff(lines) > 0).all() else np.argsort(lines)
