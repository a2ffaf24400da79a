"""The log of an ArC ONE: the CSV file (also .csv.gz) that its Control Panel saves.

As `arc1pyqt` of github.com/arc-instruments/arc1_pyqt writes it: a line with the name of the
session, one with the date, one with the names of the columns, and a line for each reading. Lines of
the array are counted from 1; an empty field is a value that the program had not. What it leaves
unsaid:

- A reading alone has width 0, and the read voltage stands in the column of the amplitude.
- `Tag` of a reading of the retention test is `RET_` and the time, in s since 1970.
- A spreadsheet that saves it again may write semicolons, decimal commas, cp1252 and UTF-16.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from memlab.errors import DataError
from memlab.runs.decimal_mark import decimal_mark, values
from memlab.runs.foreign import LARGEST_LINE, CellReading, ForeignLog, Skipped

__all__ = ["read_arc_one"]

COLUMNS = (
    *("Wordline", "Bitline", "Resistance", "Amplitude (V)"),
    *("Pulse width (s)", "Tag", "ReadTag", "ReadVoltage"),
)
_TEXTS = ("Tag", "ReadTag")
_MOST_BYTES = 512 << 20
"""Of a log, unpacked: ten million readings. More is no log of 1024 cells."""


class _LineError(ValueError):
    """What is wrong with a line: the kind, which is counted, and the text."""

    def __init__(self, kind: str, what: str):
        super().__init__(what)
        self.kind = kind


def read_arc_one(path: Path, *, compressed: bool) -> ForeignLog:
    """Read a log of ArC ONE.

    Raises
    ------
    DataError
        If it is none.
    """
    skipped = Skipped()
    text, encoding = _text(path, compressed, skipped)
    separator = _separator(text)
    lines = _lines(text, separator, skipped)
    first: list[list[str]] = [line for _, line in islice(lines, 3)]
    if len(first) < 3 or "Wordline" not in (name.strip() for name in first[2]):
        raise DataError(
            f"{path} is no log of ArC ONE or ArC TWO: the third line of an ArC ONE file names its "
            f"columns: {', '.join(COLUMNS)}"
        )
    header = [name.strip() for name in first[2]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise DataError(f"{path}: there is no column {missing[0]!r}; needed: {', '.join(COLUMNS)}")
    unknown = [name for name in header if name and name not in COLUMNS]
    if unknown:
        skipped.add("column that is not known", f"column {unknown[0]!r}")
    marks = _marks(text, separator, header)
    readings = []
    for number, line in lines:
        try:
            if any(line[len(header) :]):
                raise _LineError("line of too many fields", f"{len(line)} fields")
            fields = dict(zip(header, line, strict=False))
            time = _retention_time(fields.get("Tag", ""))
            readings.append(_reading(fields, marks, math.nan if time is None else time))
        except _LineError as error:
            skipped.add(error.kind, f"line {number}: {error}")
            continue
        if time is None:
            what = f"line {number}: Tag {fields['Tag']!r} says no time; the reading is kept"
            skipped.add("time of a retention test that is none", what)
    shape = (
        max((one.row + 1 for one in readings), default=0),
        max((one.column + 1 for one in readings), default=0),
    )
    notes = {"source_name": "".join(first[0][:1]), "source_date": " ".join(first[1])}
    notes |= {"source_encoding": encoding, "source_separator": separator}
    start = min((one.time for one in readings if math.isfinite(one.time)), default=math.nan)
    if math.isfinite(start):
        notes["source_time_origin"] = datetime.fromtimestamp(start, UTC).isoformat()
    return ForeignLog("ArC ONE", "ArC ONE CSV (arc1_pyqt)", shape, readings, notes, skipped)


def _text(path: Path, compressed: bool, skipped: Skipped) -> tuple[str, str]:
    """Return what a file says, and in which encoding."""
    content = bytearray()
    try:
        with (gzip.open if compressed else open)(path, "rb") as file:
            while len(content) <= _MOST_BYTES and (block := file.read(1 << 20)):
                content += block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        if not content:
            raise DataError(f"{path} is no log of ArC ONE or ArC TWO: {error}") from error
        skipped.add("end of the file", f"what follows byte {len(content)} is damaged or missing")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > _MOST_BYTES:
        raise DataError(f"{path} has more than {_MOST_BYTES >> 20} MiB of text; split the log")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace"), "utf-16"
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def _separator(text: str) -> str:
    """Return what stands between the names of the columns."""
    third = next(islice(_physical(text), 2, None), "")
    return max(",;\t", key=third.count)


def _physical(text: str) -> Iterator[str]:
    """Return the lines as a text editor counts them, whichever way they end."""
    return io.StringIO(text, newline="")


def _lines(text: str, separator: str, skipped: Skipped) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV file that are not empty, with their numbers.

    Each line is read alone: a quote that nothing closes must not swallow the lines after it.
    """
    for number, line in enumerate(_physical(text), start=1):
        try:
            fields = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as error:
            if number > 2:
                skipped.add("line that is no CSV", f"line {number}: {error}")
                continue
            fields = [line.rstrip("\r\n")]  # a name or a date is any text
        # A session may have no name: its line is empty then.
        if fields or number <= 2:
            yield number, fields


def _marks(text: str, separator: str, header: list[str]) -> str:
    """Return the decimal mark of a log; both `.` and `,` where it does not say."""
    numbers = [k for k, name in enumerate(header) if name in COLUMNS and name not in _TEXTS]
    lines = islice(_lines(text, separator, Skipped()), 3, None)
    texts = (line[k].strip() for _, line in lines for k in numbers if k < len(line))
    # The program of the instrument writes points, and commas between; a spreadsheet may not.
    return decimal_mark(texts, "." if separator == "," else ".,")


def _reading(fields: dict[str, str], marks: str, time: float) -> CellReading:
    word, bit = (_line(fields, marks, name) for name in COLUMNS[:2])
    resistance = _number(fields, marks, "Resistance")
    if not resistance > 0.0:
        what = f"Resistance must be above 0 ohm, not {resistance:g}"
        raise _LineError("resistance that is not above 0", what)
    conductance = 1.0 / resistance
    if not math.isfinite(conductance):
        what = f"1 / Resistance is beyond all numbers for {resistance:g} ohm"
        raise _LineError("resistance without a conductance", what)
    width = _number(fields, marks, "Pulse width (s)", 0.0)
    amplitude = _number(fields, marks, "Amplitude (V)", 0.0)
    read_voltage = _number(fields, marks, "ReadVoltage", math.nan)
    if math.isinf(read_voltage):
        raise _LineError("read voltage that cannot be", f"a reading at {read_voltage:g} V")
    if not (math.isfinite(amplitude) and 0.0 <= width < math.inf):
        what = f"a pulse of {amplitude:g} V and {width:g} s"
        raise _LineError("pulse that cannot be", what)
    if width == 0.0 and (math.isnan(read_voltage) or amplitude == read_voltage):
        if math.isnan(read_voltage) and amplitude:
            read_voltage = amplitude
        amplitude = 0.0
    return CellReading(bit - 1, word - 1, conductance, amplitude, width, read_voltage, time)


def _line(fields: dict[str, str], marks: str, name: str) -> int:
    number = _number(fields, marks, name)
    if not (1 <= number <= LARGEST_LINE) or number != int(number):
        what = f"{name} is counted from 1 to {LARGEST_LINE}, not {number:g}"
        raise _LineError("line of the array that cannot be", what)
    return int(number)


def _number(fields: dict[str, str], marks: str, name: str, default: float | None = None) -> float:
    text = fields.get(name, "").strip()
    if not text:
        if default is None:
            raise _LineError(f"missing {name}", f"{name} is missing")
        return default
    found = values(text, marks)
    if not found:
        why = f" with {marks!r} for the decimal mark, as in this file" if values(text, ".,") else ""
        raise _LineError(f"{name} that is no number", f"{name} {text!r} is no number{why}")
    if len(found) > 1:
        what = f"{name} {text!r} may be {found[0]:.15g} or {found[1]:.15g}: the file does not say"
        raise _LineError(f"{name} that is ambiguous", what)
    return found[0]


def _retention_time(tag: str) -> float | None:
    """Return the time that a tag says, in s since 1970; NaN: it says none, None: it should."""
    test, _, when = tag.strip().partition("_")
    # The first and last reading of a retention test say `s` and `e`.
    if test != "RET" or when in ("s", "e"):
        return math.nan
    if not re.fullmatch(r"\d+(?:[.,]\d*)?", when, re.ASCII):
        return None
    time = float(when.replace(",", "."))
    # Years 1970 to 9999; anything else is no time.
    return time if time < 2.5e11 else None
