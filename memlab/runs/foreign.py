"""Logs of other instruments, as measurements of single cells that a run file can hold.

A log of cells that were measured one after the other becomes maps: the k-th reading of every cell
stands in one map with those of the other cells that saw the same pulse and read voltage, and the
cells that were not part of it are NaN. In which order different cells were measured is not in the
logs; within a cell, the order is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memlab._version import __version__
from memlab.array import Measurement
from memlab.errors import DataError
from memlab.runs.new_run import describe_versions
from memlab.runs.procedure_log import ProcedureLog, write_findings
from memlab.runs.record import Coordinate, Findings, Record
from memlab.runs.run_file import RunFile

__all__ = ["CellReading", "ForeignLog", "write_foreign_log"]

COORDINATES = {
    "amplitude": Coordinate("V", "Amplitude of the pulse before the reading; 0: none"),
    "width": Coordinate("s", "Width of that pulse; 0: none"),
    "read_voltage": Coordinate("V", "Voltage of the reading"),
}


_MOST_VALUES = 50_000_000
"""Values of all maps together: 600 MB in the file."""


@dataclass(frozen=True)
class CellReading:
    """One reading of one cell, in SI units; lines are counted from 0."""

    row: int
    column: int
    conductance: float
    amplitude: float
    width: float
    read_voltage: float


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
        In the order of the file.
    notes
        Further plain values for the run file: name and date of the session, what was left out.
    """

    instrument: str
    layout: str
    shape: tuple[int, int]
    readings: list[CellReading]
    notes: Mapping[str, str | int] = field(default_factory=dict)


def write_foreign_log(log: ForeignLog, source: Path, out: Path) -> Record:
    """Write a log as a run file and return its record.

    Raises
    ------
    DataError
        If the log holds no reading.
    """
    if not log.readings:
        raise DataError(f"{source} holds no reading of any cell")
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
            "procedure": "imported",
            "program": f"memlab {__version__}",
            "source_file": source.name,
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "source_format": log.layout,
            **log.notes,
        },
    )
    rows_and_columns = {"rows": log.shape[0], "columns": log.shape[1]}
    board = {"name": log.instrument, "serial": "unknown", **rows_and_columns}
    run.group("instrument", "NXinstrument", {"board": board})
    run.group("versions", "NXcollection", describe_versions())
    mask = measured[np.ix_(rows, columns)]
    target = ProcedureLog.declare(run, rows, columns, mask, COORDINATES, None, log.shape)
    run.start()
    for key, members in groups:
        value = np.full(log.shape, np.nan)
        cells = [one.row for one in members], [one.column for one in members]
        value[cells] = [one.conductance for one in members]
        reading = Measurement(
            value[np.ix_(rows, columns)], np.zeros((rows.size, columns.size), bool)
        )
        target.add_reading(reading, dict(zip(COORDINATES, key[1:], strict=True)))
    findings = _findings(log, target.record)
    run.close("finished", {}, lambda entry: write_findings(entry, findings))
    return target.record


_Key = tuple[int, float, float, float]
"""Number of the reading of a cell, and its coordinates."""


def _grouped(log: ForeignLog) -> list[tuple[_Key, list[CellReading]]]:
    """Return what stands in one map each, in order of the number of the reading."""
    seen: dict[tuple[int, int], int] = {}
    groups: dict[_Key, list[CellReading]] = {}
    for one in log.readings:
        k = seen[one.row, one.column] = seen.get((one.row, one.column), -1) + 1
        groups.setdefault((k, one.amplitude, one.width, one.read_voltage), []).append(one)
    return sorted(groups.items(), key=lambda item: item[0][0])


def _findings(log: ForeignLog, record: Record) -> Findings:
    findings = Findings()
    conductance = record.readings.value
    read = np.isfinite(conductance)
    pulses = sum(one.amplitude != 0.0 for one in log.readings)
    findings.number("cells", float(record.mask.sum()), "1", "Cells with a reading")
    findings.number("readings", float(len(log.readings)), "1", "Readings of cells")
    findings.number("pulses", float(pulses), "1", "Readings that a pulse came before")
    latest = len(read) - 1 - np.argmax(read[::-1], axis=0)
    last = np.take_along_axis(conductance, latest[np.newaxis], axis=0)[0]
    findings.map("last_conductance", last, "S", "Conductance at the last reading of the cell")
    findings.map("count", read.sum(axis=0).astype(np.float64), "1", "Readings of the cell")
    return findings
