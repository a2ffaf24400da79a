"""Logs of the ArC ONE and ArC TWO instruments (ArC Instruments); a bit line is a row.

The layouts are described in `memlab.runs.arc_one` and `memlab.runs.arc_two`. What cannot be read
is skipped and counted by its kind, never dropped silently and never a reason to refuse the rest.
"""

from __future__ import annotations

from pathlib import Path

from memlab.errors import DataError
from memlab.runs.arc_one import read_arc_one
from memlab.runs.arc_two import read_arc_two
from memlab.runs.foreign import ForeignLog
from memlab.storage import require_file

__all__ = ["read_arc_log"]


def read_arc_log(path: Path) -> ForeignLog:
    """Read a log of ArC ONE (.csv, .csv.gz) or ArC TWO (HDF5).

    Raises
    ------
    DataError
        If it is neither, or its layout is another one.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            signature = file.read(8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if signature == b"\x89HDF\r\n\x1a\n":
        return read_arc_two(path)
    return read_arc_one(path, compressed=signature[:2] == b"\x1f\x8b")
