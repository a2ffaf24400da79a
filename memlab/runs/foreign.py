"""Logs of other instruments, as measurements of single cells that a run file can hold.

A log of cells that were measured one after the other becomes maps: the k-th reading of every cell
stands in one map with those of the other cells that saw the same pulse and read voltage, and the
cells that were not part of it are NaN. A pulse that nothing was read after is a map without a
value, so that no pulse of a cell is lost: `result/pulsed` says which cells of each map were pulsed.
In which order different cells were measured is not in the logs; within a cell, the order is kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab._version import __version__
from memlab.array import Measurement
from memlab.errors import DataError
from memlab.runs.new_run import describe_versions
from memlab.runs.procedure_log import ProcedureLog, write_findings
from memlab.runs.record import Coordinate, Finding, Findings, Record
from memlab.runs.run_file import RunFile
from memlab.runs.schema import Family, schema_attributes

__all__ = ["LARGEST_LINE", "CellReading", "ForeignLog", "Skipped", "write_foreign_log"]

FloatArray = npt.NDArray[np.float64]

COORDINATES = {
    "amplitude": Coordinate("V", "Amplitude of the pulse before the reading; 0: none"),
    "width": Coordinate("s", "Width of that pulse; 0: none"),
    "read_voltage": Coordinate("V", "Voltage of the reading"),
}


_MOST_VALUES = 50_000_000
"""Values of all maps together: 600 MB in the file."""


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


def write_foreign_log(log: ForeignLog, source: Path, out: Path) -> Record:
    """Write a log as a run file and return its record.

    Raises
    ------
    DataError
        If the log holds no reading.
    """
    if not any(math.isfinite(one.conductance) for one in log.readings):
        why = f"; skipped: {log.skipped}" if log.skipped.counts else ""
        raise DataError(f"{source} holds no reading of any cell{why}")
    measured = np.zeros(log.shape, bool)
    for one in log.readings:
        measured[one.row, one.column] = True
    rows, columns = (np.flatnonzero(measured.any(axis=axis)) for axis in (1, 0))
    groups = _grouped(log)
    if len(groups) * rows.size * columns.size > _MOST_VALUES:
        raise DataError(
            f"{source} would fill {len(groups)} maps of {rows.size} x {columns.size} cells, more "
            "than a run file should hold: its cells saw too many different pulses; split the log"
        )
    run = RunFile(
        out,
        f"Imported from {log.instrument}",
        {
            **schema_attributes("imported", Family.IMPORT),
            "procedure": "imported",
            "program": f"memlab {__version__}",
            "source_file": source.name,
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "source_format": log.layout,
            **log.notes,
            "left_out": sum(log.skipped.counts.values()),
            "left_out_because": str(log.skipped),
        },
    )
    rows_and_columns = {"rows": log.shape[0], "columns": log.shape[1]}
    board = {"name": log.instrument, "serial": "unknown", **rows_and_columns}
    run.group("instrument", "NXinstrument", {"board": board})
    run.group("versions", "NXcollection", describe_versions())
    mask = measured[np.ix_(rows, columns)]
    target = ProcedureLog.declare(run, rows, columns, mask, COORDINATES, None, log.shape)
    run.start()
    start = min((one.time for one in log.readings if math.isfinite(one.time)), default=0.0)
    cells = np.ix_(rows, columns)
    none = np.zeros((rows.size, columns.size), bool)
    times, pulsed = [], []
    for key, members in groups:
        value, when, by_pulse = (np.full(log.shape, fill) for fill in (np.nan, np.nan, 0.0))
        where = [one.row for one in members], [one.column for one in members]
        value[where] = [one.conductance for one in members]
        when[where] = [one.time - start for one in members]
        by_pulse[where] = [one.amplitude != 0.0 for one in members]
        coordinates = dict(zip(COORDINATES, key[1:], strict=True))
        known = [one.time - start for one in members if math.isfinite(one.time)]
        coordinates["time"] = min(known, default=math.nan)
        target.add_reading(Measurement(value[cells], none), coordinates)
        times.append(when[cells])
        pulsed.append(by_pulse[cells] != 0.0)
    findings = _findings(log, target.record, np.array(times), np.array(pulsed))
    run.close("finished", {}, lambda entry: write_findings(entry, findings))
    return target.record


_Key = tuple[int, float, float, float]
"""Number of the entry of a cell, and its coordinates."""


def _grouped(log: ForeignLog) -> list[tuple[_Key, list[CellReading]]]:
    """Return what stands in one map each, in order of the number of the entry."""
    seen: dict[tuple[int, int], int] = {}
    groups: dict[_Key, list[CellReading]] = {}
    for one in log.readings:
        k = seen[one.row, one.column] = seen.get((one.row, one.column), -1) + 1
        # One and the same NaN is equal to itself as part of a key; two are not.
        voltage = math.nan if math.isnan(one.read_voltage) else one.read_voltage
        groups.setdefault((k, one.amplitude, one.width, voltage), []).append(one)
    return sorted(groups.items(), key=lambda item: item[0][0])


def _findings(
    log: ForeignLog, record: Record, times: FloatArray, pulsed: npt.NDArray[np.bool_]
) -> Findings:
    findings = Findings()
    conductance = record.readings.value
    read = np.isfinite(conductance)
    readings = sum(math.isfinite(one.conductance) for one in log.readings)
    findings.number("cells", float(record.mask.sum()), "1", "Cells with a reading or a pulse")
    findings.number("readings", float(readings), "1", "Readings of cells")
    findings.number("pulses", float(pulsed.sum()), "1", "Pulses of cells")
    blind = float((pulsed & ~read).sum())
    findings.number("blind_pulses", blind, "1", "Pulses that nothing was read after")
    left_out = float(sum(log.skipped.counts.values()))
    findings.number("left_out", left_out, "1", "Entries of the log that could not be read")
    latest = len(read) - 1 - np.argmax(read[::-1], axis=0)
    last = np.take_along_axis(conductance, latest[np.newaxis], axis=0)[0]
    findings.map("last_conductance", last, "S", "Conductance at the last reading of the cell")
    findings.map("count", read.sum(axis=0).astype(np.float64), "1", "Readings of the cell")
    number = np.arange(len(read))
    findings.axes["entry"] = Finding(number, "1", "Number of the map, as map/reading")
    dims = ("entry", "row", "column")
    findings.array("pulsed", pulsed, dims, "1", "1 where a pulse came before the reading")
    if np.isfinite(times).any():
        text = "Time of each reading since the first time in the log"
        findings.array("reading_time", times, dims, "s", text)
    return findings
