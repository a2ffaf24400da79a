"""The published board's firmware over any Board: volts of the ASCII dialect into codes and back.

Each command names its voltages itself, so each is a small configuration of the Board. The hard
limits of the MLP/1 firmware hold here too; a request that breaks one is not carried out and not
answered, as the real firmware answers nothing that it does not understand. The next `1024` starts
afresh.

The Board pulses rows in parallel at one amplitude, so a matrix of drive voltages becomes one pulse
per row and distinct amplitude, rows rising, amplitudes rising. Slow pulses are pulsed like fast
ones: no chip model depends on the width yet. The pauses of the real firmware are not imitated.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from drivers.board import (
    Board,
    BoardConfig,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Selection,
    Timing,
)
from drivers.errors import DeviceError, LimitError
from drivers.published_board import SPANS
from drivers.published_board.max11046 import MID_CODE
from firmware_protocol import dpe
from firmware_protocol.dpe_link import DpeDevice, RequestAsked, RequestBroken
from memlab.virtual_board.events import BoardEvent, Fired, OutputsChanged
from memlab.virtual_board.hard_limits import HARD_LIMITS, hard_limit_ranges

__all__ = ["DpeFirmware"]

_COLUMN_BOARD = 8
_ROW, _COLUMN, _GATE = (SPANS[line] for line in LineClass)


class DpeFirmware:
    """Carries out the ASCII dialect on a board of 128 x 64 lines.

    Parameters
    ----------
    board
        An open board.
    clock, record
        As for `BoardExecutor`.
    """

    def __init__(
        self,
        board: Board,
        *,
        clock: Callable[[], float] = time.monotonic,
        record: Callable[[BoardEvent], None] | None = None,
    ) -> None:
        able = board.capabilities
        if (able.rows, able.columns) != (dpe.ROWS, dpe.COLUMNS):
            raise DeviceError(
                f"the published board has {dpe.ROWS} x {dpe.COLUMNS} lines, this one has "
                f"{able.rows} x {able.columns}: serve it with MLP/1 (--dialect mlp)"
            )
        self.broken: str | None = None
        """Why the last request was not carried out, for people."""
        self._board, self._clock, self._record = board, clock, record
        self._device = DpeDevice()
        self._config: BoardConfig | None = None
        self._operations = 0
        self._grounded = True

    # --- the wire (what `serve` calls)

    def receive_bytes(self, data: bytes, now: float) -> None:
        """Take bytes from the line; carry out what is complete."""
        for event in self._device.receive_bytes(data):
            if isinstance(event, RequestBroken):
                self.broken = event.reason
            elif isinstance(event, RequestAsked):
                self._carry_out(event.request)

    def set_byte_rate(self, byte_rate: float) -> None:
        """Take note of the line's rate; the ASCII dialect has no timers that could need it."""
        return

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        return self._device.data_to_send()

    def tick(self, now: float) -> bool:
        """Do nothing: every request is finished when `receive_bytes` returns."""
        return False

    def next_timeout(self) -> float | None:
        """Return None: this dialect has no watchdog."""
        return None

    def idle(self) -> bool:
        """Return False: silence is normal here, so a second client never replaces the first."""
        return False

    def host_gone(self) -> None:
        """Ground everything and forget a half-sent request."""
        self._device = DpeDevice()
        self._board.ground()
        self._note_outputs(grounded=True)

    # --- requests

    def _carry_out(self, request: dpe.Request) -> None:
        try:
            codes = self._execute(request)
        except (LimitError, DeviceError) as error:
            self.broken = str(error)
            return
        # The published firmware grounds the lines itself at the end of each command.
        self._board.ground()
        self._note_outputs(grounded=True)
        self._device.answer(request, codes)

    def _execute(self, request: dpe.Request) -> npt.NDArray[np.uint16]:
        match request:
            case dpe.BatchRead():
                return self._read(request)
            case dpe.Multiply():
                return self._multiply(request)
            case dpe.Program():
                self._program(request)
                return np.empty(0, np.uint16)
            case dpe.ReadColumnBoard():
                return np.full(_COLUMN_BOARD, MID_CODE, np.uint16)  # all rows at 0 V

    def _read(self, request: dpe.BatchRead) -> npt.NDArray[np.uint16]:
        rows = _half(request.half)
        timing = Timing(
            request.sample_hold, request.pulse, request.convst, max(1020, request.convst + 10)
        )
        self._configure(request.gate_voltage, timing)
        row_code = int(_ROW.encode(request.read_voltage))
        self._note_outputs(grounded=False)
        selection = Selection(rows, np.arange(dpe.COLUMNS))
        code = self._board.read(selection, row_code, request.gain).code
        return code.astype(np.uint16, copy=False)

    def _multiply(self, request: dpe.Multiply) -> npt.NDArray[np.uint16]:
        enabled = np.flatnonzero(request.columns)
        gates = request.gate_voltage[enabled]
        open_gates = np.unique(gates[gates > 0])
        if open_gates.size > 1:
            raise DeviceError("this board applies one gate voltage to all open columns")
        rows = np.flatnonzero(request.rows)
        shape = (request.repeat, len(request.row_voltage), enabled.size)
        code = np.full(shape, MID_CODE, np.uint16)
        if not open_gates.size:
            return code
        self._configure(float(open_gates[0]), Timing())
        row_code = _ROW.encode(request.row_voltage[:, rows])
        selection = Selection(rows, enabled[gates > 0])
        self._note_outputs(grounded=False)
        for batch in code:
            batch[:, gates > 0] = self._board.vmm(selection, row_code, request.gain).code
        return code

    def _program(self, request: dpe.Program) -> None:
        self._configure(5.0, Timing())
        pulses = _pulses(request)
        self._note_outputs(grounded=False)
        self._board.pulse(pulses)
        self._operations += 1
        if self._record is not None:
            for index in range(len(pulses)):
                self._record(_fired(pulses, index, self._operations, self._clock()))

    def _configure(self, gate_voltage: float, timing: Timing) -> None:
        config = BoardConfig(
            spans=SPANS,
            limits=hard_limit_ranges(),
            read_gate_code=int(_GATE.encode(gate_voltage)),
            idle_row_code=int(_ROW.encode(0.0)),
            timing=timing,
        )
        if config != self._config:
            self._board.configure(config)
            self._config = config

    def _note_outputs(self, *, grounded: bool) -> None:
        if grounded != self._grounded:
            self._grounded = grounded
            if self._record is not None:
                self._record(OutputsChanged(grounded, self._clock()))


def _half(half: int) -> npt.NDArray[np.intp]:
    return np.arange(dpe.HALF_ROWS) + half * dpe.HALF_ROWS


def _pulses(request: dpe.Program) -> PulseBatch:
    """Return one pulse for each row and each amplitude that occurs in it."""
    span, mode = (_ROW, Mode.RESET) if request.reset else (_COLUMN, Mode.SET)
    line = LineClass.ROW if request.reset else LineClass.COLUMN
    low, high = HARD_LIMITS[line, mode]
    drive = request.drive_voltage
    if drive.min() < low or drive.max() > high:
        raise LimitError(f"drive voltages must lie in {low:g}..{high:g} V")
    # 5 V is one step above the top of the span: the published board cannot make it either.
    drive_code = span.encode(np.minimum(drive, span.top))
    gate_code = _GATE.encode(request.gate_voltage)
    rows, amplitudes, masks = [], [], []
    for row in range(dpe.HALF_ROWS):
        for amplitude in np.unique(drive_code[row][drive[row] > 0]):
            rows.append(row)
            amplitudes.append(amplitude)
            masks.append((drive_code[row] == amplitude) & (drive[row] > 0))
    chosen = np.array(rows, np.intp)
    return PulseBatch(
        row=(chosen + request.half * dpe.HALF_ROWS).astype(np.uint8),
        kind=np.full(len(rows), PulseKind.RESET if request.reset else PulseKind.SET, np.uint8),
        amplitude_code=np.array(amplitudes, np.uint16),
        width_ticks=np.full(len(rows), request.pulse, np.uint16),
        columns=np.array(masks, bool).reshape(-1, dpe.COLUMNS),
        gate_code=gate_code[chosen].reshape(-1, dpe.COLUMNS),
    )


def _fired(pulses: PulseBatch, index: int, op: int, now: float) -> Fired:
    mask = np.packbits(pulses.columns[index], bitorder="little").tobytes()
    return Fired(
        op=op,
        index=index,
        time=now,
        row=int(pulses.row[index]),
        kind=int(pulses.kind[index]),
        amplitude_code=int(pulses.amplitude_code[index]),
        columns=int.from_bytes(mask, "little"),
    )
