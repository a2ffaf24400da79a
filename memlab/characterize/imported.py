"""Logs of other instruments, as a kind of run: they are drawn and compared, and cannot be run.

A log of cells that were measured one after the other becomes maps: the k-th reading of every cell
stands in one map with those of the other cells that saw the same pulse and read voltage, and the
cells that were not part of it are NaN. A pulse that nothing was read after is a map without a
value, so that no pulse of a cell is lost: `PULSED` says which cells of each map were pulsed. In
which order different cells were measured is not in the logs; within a cell, the order is kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from memlab.array import Measurement
from memlab.errors import DataError
from memlab.kinds import Family, Kind, Quantity, Steps
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, ProcedureLog, Record, Run
from memlab.runs.foreign import CellReading, ForeignLog
from memlab.session import Request, Session, written

__all__ = ["Imported", "write_foreign_log"]


COORDINATES = {
    "amplitude": Coordinate("V", "Amplitude of the pulse before the reading; 0: none"),
    "width": Coordinate("s", "Width of that pulse; 0: none"),
    "read_voltage": Coordinate("V", "Voltage of the reading"),
}


_MOST_VALUES = 50_000_000
"""Values of all maps together: 600 MB in the file."""

CELLS = Quantity("cells", "1", "Cells with a reading or a pulse")
READINGS = Quantity("readings", "1", "Readings of cells")
PULSES = Quantity("pulses", "1", "Pulses of cells")
BLIND_PULSES = Quantity("blind_pulses", "1", "Pulses that nothing was read after")
LEFT_OUT = Quantity("left_out", "1", "Entries of the log that could not be read")
_MAP, _MAPS = ("row", "column"), ("entry", "row", "column")
LAST_CONDUCTANCE = Quantity(
    "last_conductance", "S", "Conductance at the last reading of the cell", _MAP
)
COUNT = Quantity("count", "1", "Readings of the cell", _MAP)
ENTRY = Quantity("entry", "1", "Number of the map, as map/reading")
PULSED = Quantity("pulsed", "1", "1 where a pulse came before the reading", _MAPS)
READING_TIME = Quantity(
    "reading_time", "s", "Time of each reading since the first time in the log", _MAPS
)


class Imported(Kind):
    """A log of another instrument (`memlab runs import`)."""

    name = "imported"
    title = "Measured by another instrument"
    about = "Logs of ArC ONE and ArC TWO, as `memlab runs import` brings them in."
    family = Family.IMPORT
    steps = Steps("map/reading", "readings")
    quantities: ClassVar = (
        CELLS,
        READINGS,
        PULSES,
        BLIND_PULSES,
        LEFT_OUT,
        LAST_CONDUCTANCE,
        COUNT,
        ENTRY,
        PULSED,
        READING_TIME,
    )

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw its cells over their readings and over the amplitude of their pulses."""
        from memlab.figures.declared import module_parts, plot_parts

        return plot_parts(run, picture, module_parts(run, "memlab.characterize.pictures.imported"))


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
    request = Request(
        Imported,
        f"Imported from {log.instrument}",
        out,
        (),
        {},
        {"procedure": Imported.name},
        {
            "source_file": source.name,
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "source_format": log.layout,
            **log.notes,
            "left_out": sum(log.skipped.counts.values()),
            "left_out_because": str(log.skipped),
        },
    )
    lines = {"rows": log.shape[0], "columns": log.shape[1]}
    instrument = {"board": {"name": log.instrument, "serial": "unknown", **lines}}
    with written(request, [], given=log, instrument=instrument) as session:
        mask = measured[np.ix_(rows, columns)]
        return _write(session, log, groups, rows, columns, mask)


_Key = tuple[int, float, float, float]
"""Number of the entry of a cell, and its coordinates."""


def _write(
    session: Session,
    log: ForeignLog,
    groups: Sequence[tuple[_Key, list[CellReading]]],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    mask: BoolArray,
) -> Record:
    """Write the maps of a log, and add what it holds to the findings."""
    run = session.file
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
    session.findings = _findings(log, target.record, np.array(times), np.array(pulsed))
    return target.record


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


def _findings(log: ForeignLog, record: Record, times: FloatArray, pulsed: BoolArray) -> Findings:
    findings = Findings()
    conductance = record.readings.value
    read = np.isfinite(conductance)
    readings = sum(math.isfinite(one.conductance) for one in log.readings)
    findings.add(CELLS, int(record.mask.sum()))
    findings.add(READINGS, readings)
    findings.add(PULSES, int(pulsed.sum()))
    findings.add(BLIND_PULSES, int((pulsed & ~read).sum()))
    findings.add(LEFT_OUT, sum(log.skipped.counts.values()))
    latest = len(read) - 1 - np.argmax(read[::-1], axis=0)
    last = np.take_along_axis(conductance, latest[np.newaxis], axis=0)[0]
    findings.add(LAST_CONDUCTANCE, last)
    findings.add(COUNT, read.sum(axis=0).astype(np.float64))
    findings.add_axis(ENTRY, np.arange(len(read)))
    findings.add(PULSED, pulsed)
    if np.isfinite(times).any():
        findings.add(READING_TIME, times)
    return findings
