"""What is asked of a board and what it answers: configuration, lines, pulses, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.capabilities import LineClass
from drivers.converter import CodeRange, Codes, Converter
from drivers.errors import LimitError
from drivers.pulse import PulseTimer

__all__ = [
    "AUTO_GAIN",
    "BoardConfig",
    "Mode",
    "Outcome",
    "PulseBatch",
    "PulseKind",
    "Samples",
    "Selection",
    "Timing",
    "column_masks",
    "joined",
]

AUTO_GAIN = 0
"""Gain number that asks the board to choose, channel by channel, between 1 and the highest."""


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
        Range of each line class that the board has.
    limits
        Allowed DAC codes by line class and mode; a code outside is refused, never clipped.
    read_gate_code, idle_row_code
        Gate code of the selected columns, and row code that means 0 V, during read and VMM.
    minimum_width_ticks, maximum_width_ticks
        Allowed pulse width, in timer ticks.
    timing
        Read timing.
    compliance
        Current (A) that the board holds a SET to, where it can (`Capabilities.compliance`); None
        elsewhere.
    """

    spans: Mapping[LineClass, Converter]
    limits: Mapping[tuple[LineClass, Mode], CodeRange]
    read_gate_code: int
    idle_row_code: int
    minimum_width_ticks: int = 0
    maximum_width_ticks: int = PulseTimer.maximum_ticks
    timing: Timing = field(default_factory=Timing)
    compliance: float | None = None

    @cached_property
    def row_read(self) -> CodeRange:
        """The row codes that a read or VMM may drive."""
        return self.limits[LineClass.ROW, Mode.READ]

    @cached_property
    def pulse_width(self) -> CodeRange:
        """The widths of pulses that are allowed, in ticks."""
        return CodeRange(self.minimum_width_ticks, self.maximum_width_ticks)

    def __post_init__(self) -> None:
        for what, code, line in (
            ("read gate code", self.read_gate_code, LineClass.GATE),
            ("idle row code", self.idle_row_code, LineClass.ROW),
        ):
            if line not in self.spans:
                continue
            allowed = self.limits[line, Mode.READ]
            if not allowed.minimum <= code <= allowed.maximum:
                raise LimitError(
                    f"{what} {code} is outside the configuration's own limits "
                    f"{allowed.minimum}..{allowed.maximum}"
                )


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

    @cached_property
    def last(self) -> tuple[int, int]:
        """The highest numbers of a row and of a column."""
        return int(self.rows[-1]), int(self.columns[-1])

    @cached_property
    def key(self) -> tuple[bytes, bytes]:
        """Equal for selections of the same lines, and for no others."""
        return self.rows.tobytes(), self.columns.tobytes()


class Samples(NamedTuple):
    """What the ADCs measured.

    Parameters
    ----------
    code
        Raw codes of `Capabilities.sense`, shape (vectors or rows, selected columns).
    gain
        Gain number 1, 2, ... with which each code was taken, uint8, same shape.
    """

    code: Codes
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
        Code of the driven line: of the column for SET, of the row for RESET; shape (n,).
    width_ticks
        Pulse width in timer ticks, uint16, shape (n,).
    columns
        True where a cell is selected, bool, shape (n, all columns of the board).
    gate_code
        Gate code of each column (ignored where not selected), same shape.
    """

    row: npt.NDArray[np.uint16]
    kind: npt.NDArray[np.uint8]
    amplitude_code: Codes
    width_ticks: npt.NDArray[np.uint16]
    columns: npt.NDArray[np.bool_]
    gate_code: Codes

    def __post_init__(self) -> None:
        n = self.row.shape
        one_each = self.kind.shape == self.amplitude_code.shape == self.width_ticks.shape == n
        masks = self.columns.shape
        if len(n) != 1 or not one_each or masks != self.gate_code.shape or masks[:1] != n:
            raise ValueError("the fields of a pulse batch do not describe the same pulses")

    def __len__(self) -> int:
        return len(self.row)

    def only(self, which: npt.NDArray[np.bool_]) -> PulseBatch:
        """Return some of the pulses, in the same order; `which` has shape (n,)."""
        return PulseBatch(
            **{field.name: getattr(self, field.name)[which] for field in fields(self)}
        )


def joined(batches: Sequence[PulseBatch]) -> PulseBatch:
    """Return the pulses of several batches, in their order."""
    if len(batches) == 1:
        return batches[0]
    return PulseBatch(
        **{
            field.name: np.concatenate([getattr(batch, field.name) for batch in batches])
            for field in fields(PulseBatch)
        }
    )


def column_masks(columns: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return the 64-bit masks of selected columns, shape (n, up to 64): bit j is column j."""
    bits = np.packbits(columns, axis=1, bitorder="little")
    wide = np.zeros((len(bits), 8), np.uint8)
    wide[:, : bits.shape[1]] = bits
    masks: npt.NDArray[np.uint64] = wide.view("<u8")[:, 0]
    return masks
