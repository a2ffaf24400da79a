"""What `memlab live` was asked to show: told before anything of the browser is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from memlab.array.passport_place import find_passport
from memlab.emulator.chip_file import is_chip
from memlab.errors import DataError, SettingError
from memlab.passport import Passport
from memlab.runs import open_run

__all__ = ["Sort", "Target", "target_of"]

_HDF5, _SQLITE = b"\x89HDF\r\n\x1a\n", b"SQLite f"
"""How files begin."""


class Sort(StrEnum):
    """What there are pages of."""

    RUN = "run"
    FOLDER = "folder"
    CHIP = "chip"


@dataclass(frozen=True)
class Target:
    """A thing that has a page, and where it lies."""

    sort: Sort
    path: Path


def target_of(what: str) -> Target:
    """Return what a word of the command line names.

    Raises
    ------
    SettingError
        If there is nothing of that name.
    DataError
        If it is a file that has no page, or cannot be read.
    """
    path = Path(what)
    if path.is_dir():
        return Target(Sort.FOLDER, path)
    if path.is_file() and _head(path) == _HDF5:
        try:
            open_run(path)
        except DataError:
            if not is_chip(path):
                raise
        else:
            return Target(Sort.RUN, path)
    # Also by the serial number of a board, and of the chip in a file the one beside it.
    passport = find_passport(what)
    if passport is None:
        raise SettingError(
            f"{what} is no run file, no directory, no passport of a chip, and no serial number of "
            "a board that has one"
        )
    if _head(passport) == _SQLITE:
        Passport.read(passport).close()
        return Target(Sort.CHIP, passport)
    open_run(passport)  # it says what is wrong with it
    return Target(Sort.RUN, passport)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
