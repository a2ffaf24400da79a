"""The firmware's hardware calls, carried out by any Board: codes in, codes out.

The emulator in process and the emulator over a wire are the same `Board` behind the same calls, in
the same order, so that they give the same codes and draw the same noise. Nothing is computed here
except masks and records.

What the Board cannot do is refused, not imitated: slow pulses, and direct outputs (DAC_WRITE,
SPI words) in which the gates of the selected columns differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from drivers.board import Board, BoardConfig, LineClass, Mode, PulseBatch, Selection, Timing
from drivers.converter import CodeRange
from drivers.errors import DeviceError, LimitError, SupplyError
from drivers.published_board import span_of_code
from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.configuration import Configuration
from firmware_protocol.errors import HardwareFaultError, RefusedError
from firmware_protocol.executor import Samples
from firmware_protocol.journal import Journal
from firmware_protocol.messages import ErrorCode, Phase
from memlab.virtual_board.events import BoardEvent, Fired, OutputsChanged
from memlab.virtual_board.hard_limits import (
    MAXIMUM_COUNT,
    MAXIMUM_WIDTH_TICKS,
    check_config,
    hard_limit_codes,
)
from memlab.virtual_board.low_level import LowLevel

__all__ = ["BoardExecutor"]

_SLOW = int(m.PulseKind.SLOW)
"""Looked up once, as it is wanted for every pulse."""

MAX_JOB_CELLS, MAX_JOB_ROWS = 65536, 8192
MOST_CURRENT_NA = 0xFFFFFFFF
"""Of a driver on the wire: this much or more."""


class BoardExecutor:
    """Carries out MLP/1 requests on a board (implements `firmware_protocol.executor.Executor`).

    Parameters
    ----------
    board
        An open board of at most 128 x 64 lines.
    journal
        The firmware's journal; only to give each event of a pulse its operation and number.
    clock
        Returns seconds, for the times of events.
    jumper
        True when the jumper that unsafe chip-level access needs is set.
    record
        Called with what truly happened.
    serial
        Serial number, of which the unique identity is made too; the board's own by default.
    """

    def __init__(
        self,
        board: Board,
        journal: Journal | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jumper: bool = False,
        record: Callable[[BoardEvent], None] | None = None,
        serial: str = "",
    ) -> None:
        capabilities = board.capabilities
        self._serial = (serial or capabilities.serial)[:32]
        if capabilities.rows > m.ROWS or capabilities.columns > m.COLUMNS:
            raise DeviceError(
                f"MLP/1 carries up to {m.ROWS} x {m.COLUMNS} lines, this board has "
                f"{capabilities.rows} x {capabilities.columns}: use it in process (emulator:)"
            )
        converters = (capabilities.row, capabilities.column, capabilities.gate, capabilities.sense)
        if any(one is None or one.dtype != "uint16" for one in converters):
            raise DeviceError(
                "MLP/1 carries 16-bit codes of rows, columns and gates, this board has others, or "
                "no gates: use it in process"
            )
        self.uid = sha256(f"{capabilities.name}/{self._serial}".encode()).digest()[:12]
        self.grounded = True
        self.grounded_at = clock()
        """When the lines last went to ground, in s."""
        self._board = board
        self._journal = journal
        self._clock = clock
        self._record = record
        self._low_level = LowLevel(board, jumper)
        self._selection_key: tuple[bytes, bytes] | None = None
        self._selection: Selection

    # --- identity and configuration

    def info(self) -> m.GetInfoResponse:
        """Return what GET_INFO answers, from the board's capabilities."""
        capabilities = self._board.capabilities
        gains = capabilities.transimpedance
        transimpedance = np.zeros(4, np.uint32)
        transimpedance[: len(gains)] = np.rint(gains)
        tick_ps = round(capabilities.pulse_tick * 1e12)
        return m.GetInfoResponse(
            rows=capabilities.rows,
            cols=capabilities.columns,
            dac_count=16,
            adc_count=8,
            channel_map=1,
            gain_count=len(gains),
            transimpedance=transimpedance,
            adc_span_mv=round(capabilities.sense.step * 65536 * 1e3),
            clip_mv=round(capabilities.clip * 1e3),
            gain_threshold_mv=round(capabilities.gain_threshold * 1e3),
            pulse_offset_ps=round(capabilities.pulse_offset * 1e12),
            pulse_tick_ps=tick_ps,
            timer_tick_ps=tick_ps,
            max_job_cells=MAX_JOB_CELLS,
            max_job_rows=MAX_JOB_ROWS,
            config_crc=0,
            hard_limits=hard_limit_codes(),
            name=capabilities.name[:32],
            serial=self._serial,
            firmware=capabilities.firmware[:32],
        )

    def limits(self) -> m.GetLimitsResponse:
        """Return the compiled bounds of pulses."""
        return m.GetLimitsResponse(
            max_width_ticks=MAXIMUM_WIDTH_TICKS, max_count=MAXIMUM_COUNT, slow=0, min_pause_us=0
        )

    def drivers(self) -> m.GetDriversResponse:
        """Return what the driver of a row can give, from the board's capabilities."""
        read, set_, reset = (
            min(round(current * 1e9), MOST_CURRENT_NA)
            for current in self._board.capabilities.row_current
        )
        return m.GetDriversResponse(read_na=read, set_na=set_, reset_na=reset)

    def history(self, count: int | None) -> m.GetHistoryResponse:
        """Return what the board keeps of the pulses that its chip has got."""
        found = self._board.history(count)
        if found is None:
            return m.GetHistoryResponse(known=0, count=0, check=0)
        return m.GetHistoryResponse(known=1, count=found.count, check=found.check)

    def configure(self, configuration: Configuration) -> None:
        """Pass the configuration on; refuse one that allows more than the hard limits, in volts."""
        with _REFUSALS:
            config = board_config(configuration)
            check_config(config)
            idle = config.spans[LineClass.ROW].decode(config.idle_row_code)
            if idle != 0.0:
                raise RefusedError(ErrorCode.RANGE, 0, f"idle_row_code means {idle:g} V, not 0 V")
            self._board.configure(config)
        self._low_level.configure(config)
        self.ground()

    def ground(self) -> None:
        """Put every line to 0 V now."""
        self._board.ground()
        self._low_level.ground()
        if not self.grounded:
            self.grounded, self.grounded_at = True, self._clock()
            self._note(OutputsChanged(True, self.grounded_at))

    # --- measuring and pulsing

    def read(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], row_code: int, gain: int
    ) -> Samples:
        """Drive the rows one after the other, sense the columns."""
        self._drive()
        with _REFUSALS:
            samples = self._board.read(self._select(rows, columns), row_code, gain)
        return samples.code.astype(np.uint16, copy=False), samples.gain

    def vmm(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        row_code: npt.NDArray[np.uint16],
        gain: int,
    ) -> Samples:
        """Apply each vector of row codes."""
        self._drive()
        with _REFUSALS:
            samples = self._board.vmm(self._select(rows, columns), row_code, gain)
        return samples.code.astype(np.uint16, copy=False), samples.gain

    def pulse(self, pulse: np.void) -> None:
        """Fire one row-parallel pulse."""
        record = np.frombuffer(pulse, m.ROW_PULSE)  # of which a field is looked up faster
        if record["kind"].item() & _SLOW:
            raise RefusedError(ErrorCode.RANGE, 0, "this board has no slow pulses")
        self._drive()
        with _REFUSALS:
            self._board.pulse(pulse_batch(record, self._board.capabilities.columns))
        if self._record is not None:
            self._record(self._fired(record))

    # --- chip level

    def unlock(self, *, unsafe: bool) -> None:
        """Begin chip-level access, with the chips as they are after power-on."""
        self._low_level.unlock(unsafe=unsafe)

    def low_level(self, request: Message) -> Message:
        """Carry out a direct or chip-level request."""
        with _REFUSALS:
            response = self._low_level.handle(request)
        if self._low_level.driven:
            self._drive(keep_outputs=True)
        return response

    # --- helpers

    def _select(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Selection:
        # The same object for the same lines: boards keep what they derive from a selection.
        key = rows.tobytes(), columns.tobytes()
        if self._selection_key != key:
            self._selection_key, self._selection = key, Selection(rows, columns)
        return self._selection

    def _drive(self, *, keep_outputs: bool = False) -> None:
        if not keep_outputs and self._low_level.driven:
            self._low_level.ground()
        if self.grounded:
            self.grounded = False
            self._note(OutputsChanged(False, self._clock()))

    def _fired(self, pulse: npt.NDArray[np.void]) -> Fired:
        op = index = 0
        for entry in reversed(self._journal.entries if self._journal is not None else ()):
            if entry.phase is Phase.FIRING:  # a single operation is open at a time
                # `started` was counted before the switch closed.
                op, index = entry.op, entry.started - 1
                break
        told = ("row", "kind", "amp", "cols")
        row, kind, amplitude, columns = (pulse[name].item() for name in told)
        return Fired(op, index, self._clock(), row, kind, amplitude, columns)

    def _note(self, event: BoardEvent) -> None:
        if self._record is not None:
            self._record(event)


def board_config(configuration: Configuration) -> BoardConfig:
    """Translate a configuration of the wire into that of a Board."""
    timing, levels = configuration.timing, configuration.levels
    return BoardConfig(
        spans={line: span_of_code(configuration.spans[line]) for line in LineClass},
        limits={
            (LineClass(line), Mode(mode)): CodeRange(low, high)
            for (line, mode), (low, high) in configuration.limits.items()
        },
        read_gate_code=levels.read_gate_code,
        idle_row_code=levels.idle_row_code,
        minimum_width_ticks=timing.minimum_width_ticks,
        maximum_width_ticks=timing.maximum_width_ticks,
        timing=Timing(
            sample_hold_ticks=timing.sample_hold_ticks,
            row_ticks=timing.row_ticks,
            convst_ticks=timing.convst_ticks,
            column_ticks=timing.column_ticks,
            settle_us=timing.settle_us,
        ),
    )


def pulse_batch(record: npt.NDArray[np.void], columns: int) -> PulseBatch:
    """Return a batch of one pulse of a board of so many columns, from an array of one record."""
    mask = record["cols"].view(np.uint8)
    return PulseBatch(
        row=record["row"],
        kind=record["kind"],
        amplitude_code=record["amp"],
        width_ticks=record["width"],
        columns=np.unpackbits(mask, count=columns, bitorder="little").view(bool)[None],
        gate_code=record["gate"][:, :columns],
    )


class _Refusals:
    """Turns the limits of a Board, which act before anything does, into refusals of the wire."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, LimitError):
            raise RefusedError(ErrorCode.LIMIT, 0, str(error)) from error
        if isinstance(error, DeviceError):
            supply = error if isinstance(error, SupplyError) else error.__cause__
            if isinstance(supply, SupplyError):
                raise HardwareFaultError(ErrorCode.SUPPLY, str(supply)) from error


_REFUSALS = _Refusals()
