"""The published 128 x 64 board, over its own ASCII dialect, as a `drivers.board.Board`.

What this wire cannot do is a capability here, and is enforced: gate and pulse voltages have two
decimals, vector inputs four, and a cell cannot be asked for 0 V (see `dpe_format`). It has no
checks, no session and no journal, so a pulse is sent once and its answer awaited; when that does
not come, the outcome is unknown. Between commands the board rests; it has no command that grounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import (
    AUTO_GAIN,
    BoardConfig,
    LineClass,
    PulseBatch,
    Samples,
    Selection,
)
from drivers.converter import Codes
from drivers.dpe_format import PulseGroup, grid_volts, pulse_groups, span_argument
from drivers.errors import (
    DeviceError,
    NoAnswerError,
    PulseOutcomeUnknown,
    PulsesInterruptedError,
    TransportError,
)
from drivers.published_board import AMPLIFIER, OTHER_SPANS, SENSE, published_capabilities
from drivers.recorded_board import RecordedBoard
from drivers.requests import column_masks
from drivers.tickets import Batch, entries_of
from drivers.transport import Opener, Transport
from drivers.wire_log import WireLog
from firmware_protocol import dpe
from firmware_protocol.dpe_link import LINE_PAUSE, DpeHost, Failed, LineReader, Replied

__all__ = ["DpeBoard", "return_to_top"]

_GO_TIMEOUT, _GO_TRIES = 1.0, 3
_FAST = 1e9
_VECTORS_PER_COMMAND = 512


class DpeBoard(RecordedBoard):
    """The published board.

    Electrical constants are those of its public host code (board reference 0.1); the clip level
    assumes symmetric supplies.

    Parameters
    ----------
    opener
        Opens the port; used again after the line was lost.
    name
        What people call the port.
    timeout
        Seconds to wait for the next line of an answer.
    line_pause
        Seconds between the lines of a command; 0.1 as in the public host code by default.
    auto_gain
        Highest gain that automatic gain uses: 4, or 2 as published, which reads less often.

    chip
        What tells the chip from all others: the board has no serial number, and its port may be
        another's tomorrow. Without it the board can be read, not pulsed.

    Raises
    ------
    TransportError
        If nothing there answers `1024` with `go`.
    InUseError
        If another program has the port, or uses a chip of this name.
    """

    def __init__(
        self,
        opener: Opener,
        name: str,
        *,
        timeout: float = 10.0,
        line_pause: float | None = None,
        auto_gain: int = 4,
        chip: str = "",
    ) -> None:
        super().__init__()
        self._opener, self._name, self._timeout = opener, name, timeout
        self._line_pause = LINE_PAUSE if line_pause is None else line_pause
        self._log = WireLog(name)
        self._transport: Transport | None = None
        self._auto_gain = min(max(1, auto_gain), len(AMPLIFIER.resistance))
        able = published_capabilities(
            "published 128x64 board", chip, "ASCII dialect", (dpe.ROWS, dpe.COLUMNS)
        )
        self._capabilities = replace(
            able,
            gate_voltage_step=dpe.GATE_STEP,
            input_voltage_step=dpe.INPUT_STEP,
            read_rows=dpe.HALF_ROWS,
            other_spans=OTHER_SPANS,
        )
        self._claim_chip(chip, "dpe+serial://COM4?chip=die-7")
        try:
            self._open()
            self._settle_unknown()
        except BaseException:
            self._let_go()
            raise

    def ground(self) -> None:
        """Send the board back to its top menu, where it rests; it has no command that grounds."""
        with self.owner.turn():
            self._require_open()
            self._return_to_top(self._require_transport())

    def close(self) -> None:
        """Send the board back to its top menu and let go of the port.

        A command of another thread is ended. In a forked child nothing happens: the line is the
        parent's.
        """
        self._end(self._say_good_bye, self._drop)

    # --- what Board asks for

    def _configure(self, config: BoardConfig) -> None:
        # This board keeps no configuration: what it cannot carry is refused now, once.
        for line in LineClass:
            span_argument(config.spans[line])
        grid_volts(config.read_gate_code, config.spans[LineClass.GATE], 2, "read gate voltage")
        grid_volts(config.idle_row_code, config.spans[LineClass.ROW], 4, "idle row voltage")
        self.ground()

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        halves = [h for h in (0, 1) if ((selection.rows >= dpe.HALF_ROWS) == h).any()]
        whole = (
            selection.rows.size == dpe.HALF_ROWS * len(halves)
            and selection.columns.size == dpe.COLUMNS
        )
        # The read command knows no negative voltages, and opens all gates and connects a half of
        # the rows: where others are selected, their load is another.
        if row_code < config.idle_row_code or not whole:
            one_hot = np.full((selection.rows.size,) * 2, config.idle_row_code, np.uint16)
            np.fill_diagonal(one_hot, row_code)
            return self._vmm(selection, one_hot, gain, config)
        read_voltage = float(grid_volts(row_code, config.spans[LineClass.ROW], 2, "read voltage"))
        gate_voltage = self._read_gate(config)
        timing = config.timing

        def measure(number: int) -> npt.NDArray[np.uint16]:
            parts = []
            for half in halves:
                request = dpe.BatchRead(
                    read_voltage,
                    gate_voltage,
                    number,
                    half,
                    timing.row_ticks,
                    timing.sample_hold_ticks,
                    timing.convst_ticks,
                )
                parts.append(self._ask(request))
            return np.concatenate(parts)

        return self._measured(measure, gain)

    def _vmm(
        self,
        selection: Selection,
        row_code: Codes,
        gain: int,
        config: BoardConfig,
    ) -> Samples:
        span = config.spans[LineClass.ROW]
        voltage = np.zeros((len(row_code), dpe.ROWS))
        voltage[:, selection.rows] = grid_volts(row_code, span, 4, "input voltage")
        rows, columns = np.zeros(dpe.ROWS, bool), np.zeros(dpe.COLUMNS, bool)
        rows[selection.rows] = columns[selection.columns] = True
        gate_voltage = np.where(columns, self._read_gate(config), 0.0)

        def measure(number: int) -> npt.NDArray[np.uint16]:
            parts = []
            for first in range(0, len(voltage), _VECTORS_PER_COMMAND):
                request = dpe.Multiply(
                    rows=rows,
                    columns=columns,
                    gate_voltage=gate_voltage,
                    row_voltage=voltage[first : first + _VECTORS_PER_COMMAND],
                    gain=number,
                    pulse=config.timing.row_ticks,
                    row_span=span_argument(span),
                )
                parts.append(self._ask(request)[0])
            return np.concatenate(parts)

        return self._measured(measure, gain)

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        batch = self._batch(pulses, ticket)
        for group in pulse_groups(pulses, config):
            self._fire(group, pulses, batch)

    # --- helpers

    def _read_gate(self, config: BoardConfig) -> float:
        span = config.spans[LineClass.GATE]
        return float(grid_volts(config.read_gate_code, span, 2, "read gate voltage"))

    def _measured(self, measure: Callable[[int], npt.NDArray[np.uint16]], gain: int) -> Samples:
        if gain != AUTO_GAIN:
            code = measure(gain)
            return Samples(code=code, gain=np.full(code.shape, gain, np.uint8))
        # Automatic gain is in the host, as published: measure at gain 1, then at the next one for
        # as long as a channel asks for it, and merge.
        codes: list[npt.NDArray[np.uint16]] = []
        currents: list[npt.NDArray[np.float64]] = []
        while True:
            number = len(codes) + 1
            code = measure(number)
            codes.append(code)
            currents.append(AMPLIFIER.current(SENSE.decode(code), number))
            chosen = AMPLIFIER.select_gain(np.stack(currents))
            if number == self._auto_gain:
                break
            below = np.abs(currents[-1]) < AMPLIFIER.usable_current(number + 1)
            if not (below & (chosen == number)).any():
                break
        index = np.subtract(chosen, 1, dtype=np.intp)[np.newaxis]
        return Samples(code=np.take_along_axis(np.stack(codes), index, axis=0)[0], gain=chosen)

    def _ask(self, request: dpe.Request) -> npt.NDArray[np.uint16]:
        """Carry out a request that only measures; after a lost line connect and ask once more."""
        for last in (False, True):
            try:
                outcome = self._exchange(request)
            except TransportError:
                if last:
                    raise
                continue
            if isinstance(outcome, Failed):
                raise TransportError(
                    f"{self._name}: sent {request.lines()[0][:60]!r} three times; "
                    f"{outcome.reason}. Check the cable, the baud rate and "
                    "that this is the published board"
                )
            return outcome.codes
        raise AssertionError("unreachable")

    def _fire(self, group: PulseGroup, pulses: PulseBatch, batch: Batch) -> None:
        total, done = len(pulses), group.first
        reason: Exception | None = None
        tickets = self._tickets
        op = tickets.highest_op + 1
        fate = 0, 0
        try:
            tickets.sent(op, batch, group.first, _entries(group, pulses))
            fate = 0, group.count
            outcome = self._exchange(group.program)
            if isinstance(outcome, Replied):
                fate = group.count, group.count
                tickets.settled(op, *fate)
                return
            text, fate = outcome.reason, (0, group.count if outcome.unknown else 0)
        except (TransportError, DeviceError) as error:
            if not any(fate) and not done:
                raise
            text, reason = str(error), error
        except BaseException:
            tickets.settled(op, *fate)
            raise
        tickets.settled(op, *fate)
        if any(fate):
            last = group.first + group.count
            selected = pulses.columns[group.first : last]
            cells = [(int(pulses.row[group.first + k]), int(j)) for k, j in np.argwhere(selected)]
            raise PulseOutcomeUnknown(
                op, total, done, range(group.first, last), cells, text
            ) from reason
        if not done:
            raise TransportError(f"{self._name}: nothing was pulsed: {text}")
        raise PulsesInterruptedError(
            f"{self._name}: {done} of {total} pulses were fired, the others not: {text}",
            op,
            total,
            done,
        ) from reason

    def _exchange(self, request: dpe.Request) -> Replied | Failed:
        transport = self._require_transport()
        rate = transport.byte_rate or _FAST
        host = DpeHost(
            go_timeout=_GO_TIMEOUT,
            reply_timeout=self._timeout,
            tries=_GO_TRIES,
            line_pause=self._line_pause,
            byte_rate=rate,
        )
        host.ask(request, time.monotonic())
        outbox = bytearray()
        try:
            while True:
                fresh = host.data_to_send()
                if fresh:
                    self._log.text("->", fresh)
                    outbox += fresh
                if outbox:
                    del outbox[: transport.write(bytes(outbox))]
                self._require_open()  # another thread may have closed it
                stopping.check()
                now = time.monotonic()
                due = host.next_timeout()
                wait = 0.001 if outbox else 0.05 if due is None else min(max(due - now, 0.0), 0.05)
                data = transport.read(wait)
                self._log.text("<-", data)
                now = time.monotonic()
                events = host.receive_bytes(data, now) if data else []
                events += host.tick(now)
                if events:
                    return events[0]
        except BaseException:
            if not self._closed:  # who has closed it says good-bye on this line
                self._drop()
            raise

    def _open(self) -> None:
        transport = self._opener()
        try:
            self._return_to_top(transport)
        except BaseException:
            transport.close()
            raise
        self._transport = transport

    def _return_to_top(self, transport: Transport) -> None:
        return_to_top(transport, self._name, self._log)

    def _say_good_bye(self) -> None:
        if self._transport is not None:
            self._return_to_top(self._transport)

    def _require_transport(self) -> Transport:
        if self._transport is None:
            self._open()
        assert self._transport is not None
        return self._transport

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = None


def _entries(group: PulseGroup, pulses: PulseBatch) -> npt.NDArray[np.void]:
    part = slice(group.first, group.first + group.count)
    return entries_of(pulses.kind[part], pulses.row[part], column_masks(pulses.columns[part]))


def return_to_top(transport: Transport, name: str, log: WireLog | None = None) -> None:
    """Send `1024` until `go` comes: the board is in its top menu, and its lines rest.

    Raises
    ------
    NoAnswerError
        If nothing there answers so.
    """
    log = log or WireLog(name)
    reader = LineReader()
    for _ in range(_GO_TRIES):
        log.text("->", f"{dpe.TOP}\n".encode())
        transport.write(f"{dpe.TOP}\n".encode())
        give_up = time.monotonic() + _GO_TIMEOUT
        while (left := give_up - time.monotonic()) > 0:
            stopping.check()
            data = transport.read(min(left, stopping.LOOK_EVERY))
            log.text("<-", data)
            if dpe.GO in reader.feed(data):
                return
    raise NoAnswerError(
        f"{name}: sent 1024 three times in {_GO_TRIES * _GO_TIMEOUT:g} s, no `go` came. "
        "Check power, the baud rate (?baudrate=115200) and that this is the published board; "
        "a board with MLP/1 firmware is opened without dpe+"
    )
