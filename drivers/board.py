"""The Board seam: what a board can do, in DAC and ADC codes.

Everything above this file speaks volts and siemens; everything below speaks bytes. A Board is
integers in and integers out: it knows which codes it was told to allow, and nothing of physics.

Line `row` i is bit line i, line `column` j is top-electrode line j with its gate (word line) j.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from itertools import pairwise
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from drivers.errors import LimitError
from drivers.ltc2668 import Span
from drivers.owner import Owner
from drivers.pulse import PulseTimer
from drivers.simulation import Simulation

AUTO_GAIN = 0
"""Gain number that asks the board to choose, channel by channel, between 1 and the highest."""


class LineClass(IntEnum):
    """The three kinds of driven lines."""

    ROW = 0
    COLUMN = 1
    GATE = 2


class Mode(IntEnum):
    """What a voltage is for, and so which limits hold.

    A SET has its own gate limit because there the gate is all that limits the current.
    """

    READ = 0
    SET = 1
    RESET = 2


class PulseKind(IntEnum):
    """SET drives the columns (gate-limited), RESET drives the row."""

    SET = 0
    RESET = 1


class Outcome(IntEnum):
    """What became of a row-pulse."""

    ENTERED = 0
    """About to be sent, or sent: nothing is known yet. Counts as possibly fired."""
    DONE = 1
    """Fired exactly once."""
    NOT_FIRED = 2
    """Never fired, and never will be."""
    UNKNOWN = 3
    """May or may not have been fired, and nothing but reading its cells will tell."""


@dataclass(frozen=True)
class CodeRange:
    """DAC codes that are allowed, both ends included."""

    minimum: int
    maximum: int


@dataclass(frozen=True)
class Timing:
    """When things happen inside one read, in timer ticks, and the settling time before it.

    The four tick counts must satisfy sample_hold < row < convst < column (board reference 0.1).
    """

    sample_hold_ticks: int = 900
    row_ticks: int = 1000
    convst_ticks: int = 1010
    column_ticks: int = 1020
    settle_us: int = 10

    def __post_init__(self) -> None:
        order = (self.sample_hold_ticks, self.row_ticks, self.convst_ticks, self.column_ticks)
        if not all(early < late for early, late in pairwise(order)):
            raise ValueError(
                "timing must satisfy sample_hold_ticks < row_ticks < convst_ticks < column_ticks, "
                f"got {order}"
            )


@dataclass(frozen=True)
class BoardConfig:
    """What a board must know before it may drive a line.

    Parameters
    ----------
    spans
        SoftSpan range of each line class.
    limits
        Allowed DAC codes by line class and mode; a code outside is refused, never clipped.
    read_gate_code, idle_row_code
        Gate code of the selected columns, and row code that means 0 V, during read and VMM.
    minimum_width_ticks, maximum_width_ticks
        Allowed pulse width, in timer ticks.
    timing
        Read timing.
    """

    spans: Mapping[LineClass, Span]
    limits: Mapping[tuple[LineClass, Mode], CodeRange]
    read_gate_code: int
    idle_row_code: int
    minimum_width_ticks: int = 0
    maximum_width_ticks: int = PulseTimer.maximum_ticks
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        for what, code, line in (
            ("read gate code", self.read_gate_code, LineClass.GATE),
            ("idle row code", self.idle_row_code, LineClass.ROW),
        ):
            allowed = self.limits[line, Mode.READ]
            if not allowed.minimum <= code <= allowed.maximum:
                raise LimitError(
                    f"{what} {code} is outside the configuration's own limits "
                    f"{allowed.minimum}..{allowed.maximum}"
                )


@dataclass(frozen=True)
class Capabilities:
    """What a board is and can do; nothing of this is assumed by the layers above.

    Parameters
    ----------
    name, serial, firmware
        Identity, copied into every run file. A board without a serial number has the name of its
        chip there, or nothing: then it can be read, not pulsed.
    rows, columns
        Lines of the array: 128 and 64 on the published chip.
    transimpedance
        V/A of gain 1, 2, ... in rising order.
    adc_span
        Full range of the ADC in V: codes 0..65535 cover -adc_span/2..+adc_span/2.
    clip
        TIA output in V at which the amplifier clips, either sign.
    gain_threshold
        TIA output in V up to which automatic gain uses a range.
    pulse_offset, pulse_tick
        A pulse of n ticks lasts pulse_offset + n * pulse_tick seconds.
    gate_voltage_step, input_voltage_step
        Coarsest step in V that the wire can carry, or 0 where every DAC code can be sent.
    read_rows
        Rows that `Board.read` connects at a time where whole groups of so many rows, from row 0,
        are selected with all columns; rows of other groups float then. 0: all that are selected.
    variant
        Tells boards of one serial number apart whose static errors differ: an emulated board is
        made of options, too. Real ones have none.
    row_current
        What the driver of a row can give, or take, in A, by `Mode`: in read and VMM, where 10 mA
        is what its DAC keeps its voltage to; in a SET; in a RESET, for which 50 mA is assumed: the
        papers RESET the 64 cells of a row together. A board that does not say it has these: the
        published one, and MLP/1 before 1.2.
    """

    name: str
    serial: str
    firmware: str
    rows: int
    columns: int
    transimpedance: tuple[float, ...]
    adc_span: float
    clip: float
    gain_threshold: float
    pulse_offset: float
    pulse_tick: float
    gate_voltage_step: float = 0.0
    input_voltage_step: float = 0.0
    read_rows: int = 0
    variant: str = ""
    row_current: tuple[float, float, float] = (10e-3, 10e-3, 50e-3)

    @property
    def calibrated_as(self) -> str:
        """Name under which calibrations of this board are kept; empty where it has none."""
        return f"{self.serial}-{self.variant}" if self.variant else self.serial


CAPABILITY_UNITS = {
    "transimpedance": "V/A",
    **dict.fromkeys(("adc_span", "clip", "gain_threshold"), "V"),
    **dict.fromkeys(("gate_voltage_step", "input_voltage_step"), "V"),
    **dict.fromkeys(("pulse_offset", "pulse_tick"), "s"),
    "row_current": "A",
}
"""Of the numbers of `Capabilities` by name; the others count."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The lines that take part in a read or VMM, in rising order; the others float, gates off.

    Rows that shall be held at 0 V, and columns whose gates shall be open, are selected too, whether
    or not anybody wants to know of them: the selection is the load of what is measured.

    Parameters
    ----------
    rows, columns
        Line numbers, strictly rising, dtype intp.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]

    def __post_init__(self) -> None:
        for name, lines in (("rows", self.rows), ("columns", self.columns)):
            if lines.ndim != 1 or lines.size == 0 or (np.diff(lines) <= 0).any() or lines[0] < 0:
                raise ValueError(f"selected {name} must be a rising list of line numbers")


@dataclass(frozen=True, eq=False)
class Samples:
    """What the ADCs measured.

    Parameters
    ----------
    code
        Raw offset-binary ADC codes, uint16, shape (vectors or rows, selected columns).
    gain
        Gain number 1, 2, ... with which each code was taken, uint8, same shape.
    """

    code: npt.NDArray[np.uint16]
    gain: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PulseBatch:
    """Row-parallel programming pulses, executed strictly in order.

    Entry k pulses the selected cells of one row once. A SET holds the row at 0 V and drives the
    selected columns at the amplitude; a RESET holds the columns at 0 V and drives the row. Gates
    of unselected columns stay at 0 V.

    Parameters
    ----------
    row
        Row of each pulse, uint16, shape (n,).
    kind
        `PulseKind` values, uint8, shape (n,).
    amplitude_code
        DAC code of the driven line: column span for SET, row span for RESET; uint16, shape (n,).
    width_ticks
        Pulse width in timer ticks, uint16, shape (n,).
    columns
        True where a cell is selected, bool, shape (n, all columns of the board).
    gate_code
        Gate DAC code of each column (ignored where not selected), uint16, same shape.
    """

    row: npt.NDArray[np.uint16]
    kind: npt.NDArray[np.uint8]
    amplitude_code: npt.NDArray[np.uint16]
    width_ticks: npt.NDArray[np.uint16]
    columns: npt.NDArray[np.bool_]
    gate_code: npt.NDArray[np.uint16]

    def __post_init__(self) -> None:
        n = self.row.shape
        one_each = (self.kind, self.amplitude_code, self.width_ticks)
        if (
            len(n) != 1
            or any(field.shape != n for field in one_each)
            or self.columns.shape != self.gate_code.shape
            or self.columns.shape[:1] != n
        ):
            raise ValueError("the fields of a pulse batch do not describe the same pulses")

    def __len__(self) -> int:
        return len(self.row)

    def only(self, which: npt.NDArray[np.bool_]) -> PulseBatch:
        """Return some of the pulses, in the same order; `which` has shape (n,)."""
        return PulseBatch(
            **{field.name: getattr(self, field.name)[which] for field in fields(self)}
        )


class Wire(Protocol):
    """The line to a board, where its bytes can be counted."""

    @property
    def bytes_sent(self) -> int:
        """Bytes that went to the board so far."""
        ...

    @property
    def bytes_received(self) -> int:
        """Bytes that came from the board so far."""
        ...

    def echo(self, count: int) -> int:
        """Send so many full frames to and fro; return the payload bytes that went each way."""
        ...


@runtime_checkable
class Board(Protocol):
    """A board: integers in, integers out. Every call has finished, or failed, when it returns.

    It is used in the process that opened it, by one thread at a time: calls of others wait for
    their turn, a forked child is refused (`InUseError`). Only `ground` and `close` do not wait.
    """

    @property
    def owner(self) -> Owner:
        """Whose turn it is; who does several steps that belong together takes one for them."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Identity and abilities, known once the board is open."""
        ...

    @property
    def simulation(self) -> Simulation | None:
        """Time, energy and state of a chip that is simulated in this process; else None."""
        ...

    @property
    def wire(self) -> Wire | None:
        """The line to the board; None where it has none, or none that can be measured."""
        ...

    def status(self) -> dict[str, Any]:
        """Return what the board says of itself now, as plain values; empty where that is nothing.

        Nothing is driven.
        """
        ...

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing; outputs are grounded first."""
        ...

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        """Drive the selected rows one after the other at `row_code`, the rest at 0 V, and sense.

        The rest of the selected ones: see `Selection`, and `Capabilities.read_rows`.

        Returns samples of shape (selected rows, selected columns). Reads, never programs.
        """
        ...

    def vmm(
        self, selection: Selection, row_code: npt.NDArray[np.uint16], gain: int = AUTO_GAIN
    ) -> Samples:
        """Apply each vector of row codes, shape (vectors, selected rows), and sense.

        Returns samples of shape (vectors, selected columns). Reads, never programs.
        """
        ...

    @property
    def life(self) -> str:
        """Names one life of the board: another after a restart that lost its memory.

        Empty where the board cannot tell.
        """
        ...

    @property
    def others_pulsed(self) -> str:
        """Names the last pulses of others that are known of: another when there are more.

        Of others: they are in the board's journal, and not in this computer's record of the board.
        Another computer fired them, or this one before its record was put back from a copy. Empty
        where there are none, and where the board has no journal: then nobody can know.
        """
        ...

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        """Register a batch that is about to be sent; return its ticket: `name`, or a new one.

        The ticket is kept when this returns, so that `fate` can be asked in any later program,
        whatever happens in between. A name may be registered again as long as nothing of it was
        sent. A board without memory keeps nothing and returns "".

        Raises
        ------
        DeviceError
            If a batch of this name was sent before.
        TransportError
            If the ticket cannot be kept.
        """
        ...

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        """Fire the pulses in order, each exactly once; returning means that all were fired.

        A code beyond the configured limits raises `LimitError` before the first pulse; a ticket
        that was sent before raises `DeviceError`, and fires nothing. Without a ticket the board
        makes one itself.
        """
        ...

    def fate(self, ticket: str) -> npt.NDArray[np.uint8] | None:
        """Return what became of a batch: one `Outcome` for each of its pulses.

        None where this computer does not know the ticket: then everything is in doubt. Pulses of
        a known ticket that never left are `NOT_FIRED` for certain.
        """
        ...

    def ground(self) -> None:
        """Put every line to 0 V now."""
        ...

    def close(self) -> None:
        """Ground every line and release the port; calling it again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
