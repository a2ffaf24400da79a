"""The log of an ArC TWO: the HDF5 file of ArC2Control.

As `arc2control/h5utils.py` of github.com/arc-instruments/arc2control writes it (layout H5DS 0.1):
the history of each cell in `crosspoints/WxxByy/timeseries`, which holds readings, pulses, and
pulses with a reading after them. Of the tables of experiments beside it, those that say when a
reading was made (retention) give their readings, which are in the history too, their times; the
others hold nothing that the history has not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.runs.foreign import LARGEST_LINE, CellReading, ForeignLog, Skipped
from memlab.runs.opening import open_for_reading

__all__ = ["read_arc_two"]

_FIELDS = {"current", "voltage", "pulse_width", "read_voltage", "op_type"}
_TIMED = {"current", "read_voltage", "tstamp_s"}
_READ, _PULSE = 0b01, 0b10


def read_arc_two(path: Path) -> ForeignLog:
    """Read a log of ArC TWO.

    Raises
    ------
    DataError
        If it is none, or is damaged.
    """
    with open_for_reading(path, foreign=True) as file:
        attributes = dict(file.attrs)
        if "crosspoints" not in file or "H5DS_VERSION_MAJOR" not in attributes:
            raise DataError(f"{path} is an HDF5 file, but no log of ArC TWO (no crosspoints)")
        version = f"{attributes['H5DS_VERSION_MAJOR']}.{attributes.get('H5DS_VERSION_MINOR', 0)}"
        if not version.startswith("0."):
            raise DataError(f"{path} has layout H5DS {version}; what can be read is 0.1")
        for name in ("words", "bits"):
            if name not in attributes:
                raise DataError(f"{path} does not say the size of its array (attribute {name})")
        shape = int(attributes["bits"]), int(attributes["words"])
        if not all(1 <= size <= LARGEST_LINE for size in shape):
            raise DataError(f"{path} claims an array of {shape[1]} words x {shape[0]} bits")
        skipped = Skipped()
        readings: list[CellReading] = []
        for name, group in file["crosspoints"].items():
            readings += _cell(name, group, shape, skipped)
    times = [one.time for one in readings if np.isfinite(one.time)]
    notes = {"source_name": str(attributes.get("TITLE", ""))}
    if times:
        notes["source_time_origin"] = datetime.fromtimestamp(min(times), UTC).isoformat()
    return ForeignLog("ArC TWO", f"ArC TWO HDF5 (H5DS {version})", shape, readings, notes, skipped)


def _cell(name: str, group: Any, shape: tuple[int, int], skipped: Skipped) -> list[CellReading]:
    """Return what a cell went through."""
    match = re.fullmatch(r"W(\d{1,9})B(\d{1,9})", name)
    if not match or not isinstance(group, h5py.Group) or "timeseries" not in group:
        skipped.add("item that is no cell", f"crosspoints/{name} is no cell with a timeseries")
        return []
    column, row = int(match[1]), int(match[2])
    if row >= shape[0] or column >= shape[1]:
        what = f"{name} is outside of {shape[1]} words x {shape[0]} bits"
        skipped.add("cell outside of the array", what)
        return []
    series = group["timeseries"]
    if missing := sorted(_FIELDS - set(series.dtype.names or ())):
        skipped.add(
            "cell without a column", f"the timeseries of {name} has no column {missing[0]!r}"
        )
        return []
    count = int(series.attrs.get("NROWS", len(series)))
    history = series[: max(count, 0)]
    readings = []
    for one, time in zip(history, _times(group, history, name, skipped), strict=True):
        reading = _entry(one, row, column, float(time))
        if reading is None:
            skipped.add("entry without a reading or a pulse", f"{name}: {one}")
        else:
            readings.append(reading)
    return readings


def _entry(one: np.void, row: int, column: int, time: float) -> CellReading | None:
    """Return one entry of a history; None where it says nothing."""
    kind, current, voltage = int(one["op_type"]), float(one["current"]), float(one["voltage"])
    pulsed = bool(kind & _PULSE) and np.isfinite(voltage)
    amplitude, width = (voltage, float(one["pulse_width"])) if pulsed else (0.0, 0.0)
    # The voltage of a reading alone stands in both columns, in old files in one.
    read_voltage = float(one["read_voltage"]) or (0.0 if pulsed else voltage)
    if kind & _READ and np.isfinite(current) and np.isfinite(read_voltage) and read_voltage:
        conductance = abs(current / read_voltage)
        return CellReading(row, column, conductance, amplitude, width, read_voltage, time)
    if not pulsed:
        return None
    return CellReading(row, column, np.nan, amplitude, width, 0.0, time)


def _times(group: h5py.Group, history: Any, name: str, skipped: Skipped) -> FloatArray:
    """Return the time (s since 1970) of each entry of a history, NaN where no table says it.

    The readings of a table stand in the history in one piece, table after table.
    """
    times = np.full(len(history), np.nan)
    experiments = group.get("experiments")
    if not isinstance(experiments, h5py.Group):
        return times
    tables = [item for item in experiments.values() if isinstance(item, h5py.Dataset)]
    start = 0
    for table in sorted(tables, key=lambda item: int(item.attrs.get("TSTAMP", 0))):
        if not set(table.dtype.names or ()) >= _TIMED:
            continue
        count = len(table)
        values = table[: min(int(table.attrs.get("NROWS", count)) or count, count)]
        found = _find(history, values, start)
        if found is None:
            skipped.add("table of times without its readings", f"{name}: {table.name}")
            continue
        when = values["tstamp_s"].astype(np.float64)
        if "tstamp_us" in (table.dtype.names or ()):
            when += 1e-6 * values["tstamp_us"]
        start = found + len(values)
        times[found:start] = np.where(when < 2.5e11, when, np.nan)
    return times


def _find(history: Any, values: Any, start: int) -> int | None:
    """Return where in a history the readings of a table begin, None if nowhere."""
    size = len(values)
    if not size:
        return None
    alone = history["op_type"] == _READ
    for k in range(start, len(history) - size + 1):
        part = slice(k, k + size)
        if alone[part].all() and all(
            np.array_equal(history[name][part], values[name], equal_nan=True)
            for name in ("current", "read_voltage")
        ):
            return k
    return None
