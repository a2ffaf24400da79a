"""What a .npy file of readings cannot say: a small JSON file beside it, MAP.npy.json.

`numpy.load` needs nothing of it. It holds the checksum of the numbers that it is about: where they
were written over since, nothing is known of the new ones.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memlab.chip.load import Load
from memlab.errors import DataError
from memlab.storage import write_over

__all__ = ["load_beside", "write_beside"]

_MOST = 1 << 20
"""Bytes of such a file that are read; one of every second line of a large chip is far shorter."""


def write_beside(path: Path, load: Load | None, **known: Any) -> Path:
    """Write what is known of the numbers in a .npy file, in place of what may be there; its path.

    Raises
    ------
    StorageError
        If it cannot be written; the numbers are in their place.
    """
    document = {
        "file": path.name,
        "crc32": zlib.crc32(path.read_bytes()),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **known,
        "load": None if load is None else load.document(),
    }
    beside = _beside(path)
    write_over(beside, lambda file: file.write(json.dumps(document, indent=1).encode() + b"\n"))
    return beside


def load_beside(path: Path) -> Load | None:
    """Return the load under which the numbers of a .npy file were read; None where nobody knows.

    Raises
    ------
    DataError
        If there is such a file, and it is none of this kind.
    """
    beside = _beside(path)
    if not beside.is_file():
        return None
    try:
        with beside.open("rb") as file:
            document = json.loads(file.read(_MOST))
        if document["crc32"] != zlib.crc32(path.read_bytes()) or document["load"] is None:
            return None
        return Load.from_document(document["load"])
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise DataError(
            f"{beside} does not say under which load {path.name} was read ({error}): take it away, "
            "or another copy"
        ) from error


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
