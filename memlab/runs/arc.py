"""Logs of the ArC ONE and ArC TWO instruments (ArC Instruments).

ArC ONE: the CSV file (also .csv.gz) that the ArC ONE Control Panel saves, as written by
`arc1pyqt` of github.com/arc-instruments/arc1_pyqt: a line with the name of the session,
one with the date, one with the names of the columns, and a line for each reading. Lines of the
array are counted from 1; an empty field is a value that the program had not.

ArC TWO: the HDF5 file of ArC2Control, as written by `arc2control/h5utils.py` of
github.com/arc-instruments/arc2control (layout H5DS 0.1): the history of each cell in
`crosspoints/WxxByy/timeseries`. Tables of experiments are not read; the history holds their
readings too.

A bit line is a row and a word line is a column.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.runs.foreign import CellReading, ForeignLog

__all__ = ["read_arc_log"]

COLUMNS = (
    *("Wordline", "Bitline", "Resistance", "Amplitude (V)"),
    *("Pulse width (s)", "Tag", "ReadTag", "ReadVoltage"),
)
_FIELDS = {"current", "voltage", "pulse_width", "read_voltage", "op_type"}
_READ, _PULSE = 0b01, 0b10


def read_arc_log(path: Path) -> ForeignLog:
    """Read a log of ArC ONE (.csv, .csv.gz) or ArC TWO (HDF5).

    Raises
    ------
    DataError
        If it is neither, or what is in it is not as the module's documentation says.
    """
    try:
        with path.open("rb") as file:
            signature = file.read(8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if signature == b"\x89HDF\r\n\x1a\n":
        return _read_two(path)
    return _read_one(path, compressed=signature[:2] == b"\x1f\x8b")


def _read_one(path: Path, *, compressed: bool) -> ForeignLog:
    opener = gzip.open if compressed else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no log of ArC ONE or ArC TWO: {error}") from error
    if len(lines) < 3 or "Wordline" not in lines[2]:
        raise DataError(
            f"{path} is no log of ArC ONE or ArC TWO: the third line of an ArC ONE file names its "
            f"columns: {', '.join(COLUMNS)}"
        )
    header = [name.strip() for name in lines[2]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise DataError(f"{path}: there is no column {missing[0]!r}; needed: {', '.join(COLUMNS)}")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise DataError(f"{path}: unknown column {unknown[0]!r}; known: {', '.join(COLUMNS)}")
    readings = [
        _reading_of_one(path, number, dict(zip(header, line, strict=False)))
        for number, line in enumerate(lines[3:], start=4)
        if line
    ]
    shape = (
        max((one.row + 1 for one in readings), default=0),
        max((one.column + 1 for one in readings), default=0),
    )
    notes = {"source_name": "".join(lines[0][:1]), "source_date": " ".join(lines[1])}
    return ForeignLog("ArC ONE", "ArC ONE CSV (arc1_pyqt)", shape, readings, notes)


def _reading_of_one(path: Path, number: int, fields: dict[str, str]) -> CellReading:
    def number_in(name: str, default: float | None = None) -> float:
        text = fields.get(name, "").strip()
        if not text and default is not None:
            return default
        try:
            return float(text)
        except ValueError as error:
            what = f"{text!r} is no number" if text else "is missing"
            raise DataError(f"{path}, line {number}: {name} {what}") from error

    word, bit, resistance = (number_in(name) for name in COLUMNS[:3])
    if word != int(word) or bit != int(bit) or min(word, bit) < 1:
        raise DataError(f"{path}, line {number}: Wordline and Bitline are counted from 1")
    if not resistance > 0.0:
        raise DataError(f"{path}, line {number}: Resistance must be above 0 ohm, not {resistance}")
    amplitude, width = number_in("Amplitude (V)", 0.0), number_in("Pulse width (s)", 0.0)
    read_voltage = number_in("ReadVoltage", float("nan"))
    row, column = int(bit) - 1, int(word) - 1
    return CellReading(row, column, 1.0 / resistance, amplitude, width, read_voltage)


def _read_two(path: Path) -> ForeignLog:
    with h5py.File(path, "r") as file:
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
        readings: list[CellReading] = []
        left_out = 0
        for name, group in file["crosspoints"].items():
            if not (match := re.fullmatch(r"W(\d+)B(\d+)", name)) or "timeseries" not in group:
                raise DataError(f"{path}: crosspoints/{name} is no cell with a timeseries")
            word, bit = int(match[1]), int(match[2])
            if bit >= shape[0] or word >= shape[1]:
                raise DataError(f"{path}: {name} is outside of {shape[1]} words x {shape[0]} bits")
            found = list(_history(path, name, group["timeseries"], bit, word))
            readings += [one for one in found if one is not None]
            left_out += found.count(None)
    notes: dict[str, str | int] = {
        "source_name": str(attributes.get("TITLE", "")),
        "left_out": left_out,
    }
    return ForeignLog("ArC TWO", f"ArC TWO HDF5 (H5DS {version})", shape, readings, notes)


def _history(
    path: Path, name: str, series: h5py.Dataset, row: int, column: int
) -> Iterator[CellReading | None]:
    """Yield the readings of a cell; None for a pulse that nothing was read after."""
    fields = set(series.dtype.names or ())
    if missing := sorted(_FIELDS - fields):
        raise DataError(f"{path}: the timeseries of {name} has no column {missing[0]!r}")
    rows = series[: int(series.attrs.get("NROWS", len(series)))]
    for one in rows:
        kind, current = int(one["op_type"]), float(one["current"])
        pulsed = bool(kind & _PULSE)
        # The voltage of a reading alone stands in both columns, in old files in one.
        read_voltage = float(one["read_voltage"]) or (0.0 if pulsed else float(one["voltage"]))
        if not kind & _READ or not np.isfinite(current) or not read_voltage:
            yield None
            continue
        amplitude = float(one["voltage"]) if pulsed else 0.0
        width = float(one["pulse_width"]) if pulsed else 0.0
        conductance = abs(current / read_voltage)
        yield CellReading(row, column, conductance, amplitude, width, read_voltage)
