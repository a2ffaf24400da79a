"""Where to put what was measured and cannot be written where it should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from drivers.tickets import state_directory

__all__ = ["reason_of", "save_elsewhere", "spare_directories"]

_ROOM = 16 * 2**20
"""Bytes to leave free: a spare place must not be filled to the brim, others live there."""


def spare_directories(size: int) -> Iterator[Path]:
    """Yield new, empty directories that have room: in the state directory, then the temporary one.

    Parameters
    ----------
    size
        Bytes that will be written.

    Notes
    -----
    A directory that is not used is left for the caller to remove.
    """
    for find in (_in_state, tempfile.gettempdir):
        try:
            base = Path(find())
            base.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(base).free < size + _ROOM:
                continue
            place = Path(tempfile.mkdtemp(prefix="memlab-saved-", dir=base))
        except (OSError, RuntimeError):  # no home directory, read-only, no temporary directory
            continue
        yield place


def save_elsewhere(
    name: str,
    write_at: Callable[[Path], object],
    size: int,
    failures: tuple[type[Exception], ...],
) -> Path | None:
    """Write a file of this name in the first spare directory that takes it; None where none does.

    Parameters
    ----------
    name, write_at
        File name, and what writes it at a path; may be called several times.
    size
        About how many bytes it takes.
    failures
        What `write_at` raises where it cannot write.
    """
    for directory in spare_directories(size):
        saved = directory / name
        try:
            write_at(saved)
        except failures:
            shutil.rmtree(directory, ignore_errors=True)
            continue
        return saved
    return None


def _in_state() -> Path:
    return state_directory() / "saved"


def reason_of(error: BaseException) -> str:
    """Return in few words why something could not be written, also for errors of HDF5."""
    text = str(error)
    strerror = getattr(error, "strerror", None)
    return str(strerror or text.partition("error message = '")[2].partition("'")[0] or text)
