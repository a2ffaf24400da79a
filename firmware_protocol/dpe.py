"""The ASCII dialect of the published 128 x 64 board: requests, replies, and their text.

Comma-separated decimal lines, as the public host code writes them. What this dialect cannot do is
stated and enforced, never silently applied: gate and read voltages have two decimals, vector
inputs four, and a value off that grid is refused. Peculiarities that are kept on purpose: the
board answers a RESET with a line that starts with `Set` and a SET with one that starts with
`Reset`; reading and programming work on one half of the rows at a time; matrices travel in
row-major order (the public code prints the transpose of a column-major array).

Not visible in public sources, chosen here: lines end with LF (CR LF is understood); slow pulses
answer with the same swapped words as fast ones; bit k of an enable byte is line 8 * byte + k; the
numbers `rows` and `cols` of command 20 count the enabled lines.

`dpe_link` has the state machines of both ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from firmware_protocol.errors import LocalProtocolError, RemoteProtocolError

HALF_ROWS, ROWS, COLUMNS = 64, 128, 64
GATE_STEP, INPUT_STEP = 0.01, 0.0001
"""Coarsest voltage steps (V) of gate and read voltages, and of vector inputs."""
MAXIMUM_VECTORS = 100_000
TOP = "1024"
GO = "go"

Voltages = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BatchRead:
    """Command 10: read one half of the array.

    Parameters
    ----------
    read_voltage, gate_voltage
        V, 0 to 5, two decimals.
    gain
        1 to 4.
    pulse, sample_hold, convst
        Timing counts; `convst > row pulse > sample_hold` is the board's rule.
    half
        0 for rows 0..63, 1 for rows 64..127.
    """

    COMMAND: ClassVar[int] = 10
    read_voltage: float
    gate_voltage: float
    gain: int
    half: int
    pulse: int = 1000
    sample_hold: int = 900
    convst: int = 1010

    def lines(self) -> list[str]:
        """Return the lines to send."""
        head = [self.COMMAND, _text(self.read_voltage, 2, 0, 5), _text(self.gate_voltage, 2, 0, 5)]
        _check(gain=(self.gain, 1, 4), half=(self.half, 0, 1))
        timing = [self.pulse, self.sample_hold, self.convst]
        return [_join([*head, self.gain, *timing, COLUMNS, HALF_ROWS, self.half])]


@dataclass(frozen=True, eq=False)
class Program:
    """Commands 11, 12, 17, 18: one programming pulse on the cells of one half.

    Parameters
    ----------
    reset, slow
        Which of the four: 11 fast RESET, 12 fast SET, 17 slow SET, 18 slow RESET.
    drive_voltage
        V, shape (64, 64): of the column for SET, of the row for RESET; 0 leaves a cell alone.
    gate_voltage
        V, shape (64, 64), 0 to 5.
    pulse
        Width count, 0 to 1023.
    half
        0 for rows 0..63, 1 for rows 64..127.
    column_span, row_span
        5 or 10 (V).
    """

    reset: bool
    slow: bool
    drive_voltage: Voltages
    gate_voltage: Voltages
    pulse: int
    half: int
    column_span: int = 5
    row_span: int = 5

    @property
    def command(self) -> int:
        """Command number."""
        return (18 if self.slow else 11) if self.reset else (17 if self.slow else 12)

    @property
    def answer(self) -> str:
        """First word of the board's answer, swapped as in its firmware."""
        return "Set" if self.reset else "Reset"

    def lines(self) -> list[str]:
        """Return the lines to send, with 0.1 s between them."""
        _check(pulse=(self.pulse, 0, 1023), half=(self.half, 0, 1))
        for span in (self.column_span, self.row_span):
            if span not in (5, 10):
                raise LocalProtocolError(f"a span is 5 or 10 V, got {span}")
        spans = [self.column_span, self.row_span] if self.reset else [self.column_span]
        fields = [
            self.command,
            COLUMNS,
            HALF_ROWS,
            self.pulse,
            *([] if self.command == 18 else spans),
        ]
        limit = self.row_span if self.reset else self.column_span
        return [
            _join([*fields, self.half]),
            _matrix(self.drive_voltage, "drive", limit),
            _matrix(self.gate_voltage, "gate", 5),
        ]


@dataclass(frozen=True, eq=False)
class Multiply:
    """Command 20: apply vectors of row voltages.

    Parameters
    ----------
    rows, columns
        Enabled lines, bool, shapes (128,) and (64,).
    gate_voltage
        V, shape (64,), 0 to 5, two decimals.
    row_voltage
        V, shape (vectors, 128), four decimals, within the span.
    gain
        1 to 4.
    repeat
        How often the whole batch is applied.
    pulse, row_span
        Timing count, and 5 or 10 (V).
    voltage_only
        Field `volOnly`, passed through.
    """

    COMMAND: ClassVar[int] = 20
    rows: npt.NDArray[np.bool_]
    columns: npt.NDArray[np.bool_]
    gate_voltage: Voltages
    row_voltage: Voltages
    gain: int
    repeat: int = 1
    pulse: int = 1000
    row_span: int = 5
    voltage_only: int = 0

    def lines(self) -> list[str]:
        """Return the lines to send."""
        _check(gain=(self.gain, 1, 4), repeat=(self.repeat, 1, 1000))
        vectors = np.asarray(self.row_voltage, np.float64)
        if vectors.ndim != 2 or vectors.shape[1] != ROWS or not len(vectors):
            raise LocalProtocolError(f"vectors need the shape (n, {ROWS}), got {vectors.shape}")
        if self.row_span not in (5, 10):
            raise LocalProtocolError(f"a span is 5 or 10 V, got {self.row_span}")
        numbers = [self.voltage_only, self.repeat, self.pulse, self.row_span]
        counts = [int(self.rows.sum()), int(self.columns.sum()), self.gain, len(vectors)]
        enables = [*np.packbits(self.rows, bitorder="little")]
        enables += [*np.packbits(self.columns, bitorder="little")]
        gates = _texts(self.gate_voltage, 2, 0, 5)
        texts = [
            "," + _join(_texts(vector, 4, -self.row_span, self.row_span)) for vector in vectors
        ]
        return [_join([self.COMMAND, *numbers, *counts, *enables, *gates]), *texts]


@dataclass(frozen=True)
class ReadColumnBoard:
    """Command 4: eight codes of one column board, 1 to 8."""

    COMMAND: ClassVar[int] = 4
    board: int

    def lines(self) -> list[str]:
        """Return the line to send."""
        _check(board=(self.board, 1, 8))
        return [_join([self.COMMAND, self.board])]


Request = BatchRead | Program | Multiply | ReadColumnBoard


# --- the board's side of requests


def data_lines(head: str) -> int:
    """Return how many lines follow a command line; raise `RemoteProtocolError` when it is wrong."""
    fields = _split(head)
    command = _integer(fields[0], 0, 1023)
    expected = {10: 10, 11: 7, 12: 6, 17: 6, 18: 5, 20: 97, 4: 2}.get(command)
    if expected is None:
        raise RemoteProtocolError(f"unknown command {command}")
    if len(fields) != expected:
        raise RemoteProtocolError(f"command {command} has {expected} fields, got {len(fields)}")
    if command == 20:
        return _integer(fields[8], 1, MAXIMUM_VECTORS)
    return 2 if command in (11, 12, 17, 18) else 0


def parse_request(head: str, data: Sequence[str]) -> Request:
    """Return the request of a command line and its data lines, checked field by field."""
    fields = _split(head)
    match int(fields[0]):
        case 10:
            _dimensions(fields[7], fields[8])
            pulse, hold, convst = (_integer(f, 0, 65535) for f in fields[4:7])
            if not convst > pulse > hold:
                raise RemoteProtocolError("timing must satisfy convst > row pulse > sample hold")
            return BatchRead(
                read_voltage=_volts(fields[1:2], 0, 5)[0],
                gate_voltage=_volts(fields[2:3], 0, 5)[0],
                gain=_integer(fields[3], 1, 4),
                half=_integer(fields[9], 0, 1),
                pulse=pulse,
                sample_hold=hold,
                convst=convst,
            )
        case 4:
            return ReadColumnBoard(_integer(fields[1], 1, 8))
        case 20:
            return _parse_multiply(fields, data)
        case command:
            return _parse_program(command, fields, data)


def _parse_program(command: int, fields: Sequence[str], data: Sequence[str]) -> Program:
    _dimensions(fields[1], fields[2])
    reset = command in (11, 18)
    column_span = _span(fields[4]) if command != 18 else 5
    row_span = _span(fields[5]) if command == 11 else 5
    limit = row_span if reset else column_span
    drive, gate = _split(data[0]), _split(data[1])
    for line in (drive, gate):
        if len(line) != HALF_ROWS * COLUMNS:
            raise RemoteProtocolError(f"a matrix has {HALF_ROWS * COLUMNS} values, got {len(line)}")
    return Program(
        reset=reset,
        slow=command in (17, 18),
        drive_voltage=_volts(drive, -limit, limit).reshape(HALF_ROWS, COLUMNS),
        gate_voltage=_volts(gate, 0, 5).reshape(HALF_ROWS, COLUMNS),
        pulse=_integer(fields[3], 0, 1023),
        half=_integer(fields[-1], 0, 1),
        column_span=column_span,
        row_span=row_span,
    )


def _parse_multiply(fields: Sequence[str], data: Sequence[str]) -> Multiply:
    span = _span(fields[4])
    enables = np.array([_integer(f, 0, 255) for f in fields[9:33]], np.uint8)
    bits = np.unpackbits(enables, bitorder="little").astype(bool)
    rows, columns = bits[:ROWS], bits[ROWS:]
    for name, field, lines in (("rows", fields[5], rows), ("cols", fields[6], columns)):
        if _integer(field, 1, lines.size) != lines.sum():
            raise RemoteProtocolError(f"{name} says {field}, {lines.sum()} are enabled")
    vectors = []
    for line in data:
        values = _split(line)
        if len(values) != ROWS + 1 or values[0]:
            raise RemoteProtocolError(f"a vector is a comma and {ROWS} values: {line[:40]!r}")
        vectors.append(_volts(values[1:], -span, span))
    return Multiply(
        rows=rows,
        columns=columns,
        gate_voltage=_volts(fields[33:], 0, 5),
        row_voltage=np.array(vectors),
        gain=_integer(fields[7], 1, 4),
        repeat=_integer(fields[2], 1, 1000),
        pulse=_integer(fields[3], 0, 65535),
        row_span=span,
        voltage_only=_integer(fields[1], 0, 1),
    )


# --- replies


def reply_lines(request: Request, codes: npt.ArrayLike = ()) -> list[str]:
    """Return the board's answer.

    Parameters
    ----------
    request
        What is answered.
    codes
        ADC codes: (64, 64) for `BatchRead`, (repeat, vectors, columns) for `Multiply`, (8,) for
        `ReadColumnBoard`; unused for `Program`.
    """
    match request:
        case BatchRead():
            return [*(_join(row) for row in np.asarray(codes)), "Batch read finished"]
        case Multiply():
            return [
                line for batch in np.asarray(codes) for line in [*(_join(r) for r in batch), "end"]
            ]
        case ReadColumnBoard():
            return [_join(np.asarray(codes))]
        case Program():
            return [f"{request.answer} finished"]


class ReplyParser:
    """The host's side of an answer, line by line.

    Parameters
    ----------
    request
        What was asked.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._rows: list[list[int]] = []
        self._ends = 0

    def feed(self, line: str) -> npt.NDArray[np.uint16] | None:
        """Take one line; return the codes (empty for a pulse) when the answer is complete.

        Raises `RemoteProtocolError` when the line or the shape of all lines is wrong.
        """
        request = self._request
        if isinstance(request, Program):
            if not line.startswith(request.answer):
                raise RemoteProtocolError(
                    f"command {request.command} is answered by {request.answer!r} (the board swaps "
                    f"the words), got {line[:40]!r}"
                )
            return np.empty(0, np.uint16)
        if isinstance(request, BatchRead) and line.startswith("Batch"):
            return self._codes(HALF_ROWS, COLUMNS)
        if isinstance(request, Multiply) and line.startswith("end"):
            self._ends += 1
            columns, vectors = int(request.columns.sum()), len(request.row_voltage)
            if len(self._rows) != self._ends * vectors:
                raise RemoteProtocolError(f"{vectors} lines before end, got {len(self._rows)}")
            if self._ends < request.repeat:
                return None
            return self._codes(request.repeat * vectors, columns).reshape(-1, vectors, columns)
        fields = _split(line)
        lines, columns = self._expected
        if len(self._rows) == lines:
            raise RemoteProtocolError(f"{lines} lines of codes were expected, and more came")
        # At once: a board that sends for ever must not hold the host from line to line.
        if len(fields) != columns:
            raise RemoteProtocolError(f"{columns} codes per line were expected, got {len(fields)}")
        self._rows.append([_integer(field, 0, 65535) for field in fields])
        return self._codes(1, 8)[0] if isinstance(request, ReadColumnBoard) else None

    @property
    def _expected(self) -> tuple[int, int]:
        """Lines of codes in the whole answer, and codes in each."""
        match self._request:
            case BatchRead():
                return HALF_ROWS, COLUMNS
            case Multiply() as request:
                return request.repeat * len(request.row_voltage), int(request.columns.sum())
            case _:
                return 1, 8

    def _codes(self, rows: int, columns: int) -> npt.NDArray[np.uint16]:
        lengths = {len(row) for row in self._rows}
        if len(self._rows) != rows or lengths != {columns}:
            raise RemoteProtocolError(
                f"{rows} lines of {columns} codes were expected, got {len(self._rows)} of {lengths}"
            )
        return np.array(self._rows, np.uint16)


# --- fields


def _check(**values: tuple[int, int, int]) -> None:
    for name, (value, low, high) in values.items():
        if not low <= value <= high:
            raise LocalProtocolError(f"{name} = {value}: allowed {low}..{high}")


def _text(value: float, decimals: int, low: float, high: float) -> str:
    return _texts(np.array([value]), decimals, low, high)[0]


def _texts(values: npt.ArrayLike, decimals: int, low: float, high: float) -> list[str]:
    volts = np.asarray(values, np.float64).ravel()
    if not (np.isfinite(volts).all() and (volts >= low).all() and (volts <= high).all()):
        raise LocalProtocolError(f"voltages must lie in {low}..{high} V")
    scaled = volts * 10**decimals
    if (np.abs(scaled - np.round(scaled)) > 1e-6).any():
        raise LocalProtocolError(
            f"this dialect carries {decimals} decimals of a volt here; round the value first"
        )
    return [f"{v:.{decimals}f}" for v in volts.tolist()]


def _matrix(values: Voltages, name: str, limit: float) -> str:
    if np.shape(values) != (HALF_ROWS, COLUMNS):
        raise LocalProtocolError(
            f"{name} voltages need the shape ({HALF_ROWS}, {COLUMNS}), got {np.shape(values)}"
        )
    return _join(_texts(values, 2, 0, limit))


def _join(fields: Iterable[object]) -> str:
    return ",".join(str(field) for field in fields)


def _split(line: str) -> list[str]:
    return [field.strip() for field in line.split(",")]


def _integer(field: str, low: int, high: int) -> int:
    if not (field.isascii() and field.isdigit() and len(field) < 10):
        raise RemoteProtocolError(f"not a number: {field[:20]!r}")
    value = int(field)
    if not low <= value <= high:
        raise RemoteProtocolError(f"{value} is outside {low}..{high}")
    return value


def _span(field: str) -> int:
    value = _integer(field, 5, 10)
    if value not in (5, 10):
        raise RemoteProtocolError(f"a span is 5 or 10, got {value}")
    return value


def _dimensions(columns: str, rows: str) -> None:
    if (_integer(columns, 1, 64), _integer(rows, 1, 64)) != (COLUMNS, HALF_ROWS):
        raise RemoteProtocolError(f"one half is {COLUMNS} columns x {HALF_ROWS} rows")


def _volts(fields: Sequence[str], low: float, high: float) -> Voltages:
    try:
        volts = np.array([float(field) for field in fields])
    except ValueError as error:
        raise RemoteProtocolError(f"not a voltage: {error}") from error
    if not all(map(math.isfinite, volts)) or (volts < low).any() or (volts > high).any():
        raise RemoteProtocolError(f"a voltage is not within {low}..{high} V")
    return volts
