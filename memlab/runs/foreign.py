"""Logs of other instruments, as measurements of single cells: what their readers make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LARGEST_LINE", "CellReading", "ForeignLog", "Skipped"]

LARGEST_LINE = 4096
"""Rows and columns of an array that a log is believed to be about."""


@dataclass(frozen=True)
class CellReading:
    """One reading of one cell, or a pulse without one, in SI units; lines are counted from 0.

    Parameters
    ----------
    row, column
        Which cell.
    conductance
        What was read; NaN after a pulse that nothing was read after.
    amplitude, width
        Of the pulse before it; amplitude 0 where there was none.
    read_voltage
        Of the reading; NaN where the log does not say it, 0 where there was none.
    time
        When, in s since 1970; NaN where the log does not say it.
    """

    row: int
    column: int
    conductance: float
    amplitude: float
    width: float
    read_voltage: float
    time: float = math.nan


@dataclass
class Skipped:
    """What of a log was not read: how many of each kind, and what was wrong with the first."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, what: str) -> None:
        """Count one more."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.first.setdefault(kind, what)

    def __str__(self) -> str:
        """Tell all kinds in one line; empty where nothing was skipped."""
        return "; ".join(f"{n} x {kind} ({self.first[kind]})" for kind, n in self.counts.items())


@dataclass(frozen=True)
class ForeignLog:
    """A log of another instrument.

    Parameters
    ----------
    instrument
        Its name.
    layout
        Which layout of the file was read.
    shape
        (rows, columns) of the array.
    readings
        In the order of the file; pulses without a reading among them.
    notes
        Further plain values for the run file: name and date of the session.
    skipped
        What could not be read.
    """

    instrument: str
    layout: str
    shape: tuple[int, int]
    readings: list[CellReading]
    notes: Mapping[str, str | int] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Skipped)
