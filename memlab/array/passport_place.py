"""Where the passport of a chip lies: that of a board, and what people mean by a name."""

from __future__ import annotations

import os
from pathlib import Path

from memlab.emulator.chip_file import read_identity
from memlab.errors import DataError
from memlab.passport.location import default_path, passport_beside

__all__ = ["find_passport", "passport_of"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
"""What a chip in a file begins with, and no passport."""


def passport_of(serial: str) -> Path:
    """Return the passport of the chip on a board with this serial number; there need be none yet.

    It lies in the user's state directory; that of a chip in a file, which a virtual board of this
    user serves on this computer, where it lies for a program that has the chip in process.
    """
    # A program without a board on a wire does not wait for this.
    from memlab.virtual_board.running import running_boards

    for board in running_boards():
        if board.state and board.serial == serial:
            return passport_beside(Path(board.state), serial)
    return default_path(serial)


def find_passport(name: str) -> Path | None:
    """Return the file that people mean by a path or a board's serial number, if there is one.

    Whether it is a passport shows when it is opened; a TOML file is a preset of a chip. Of a chip
    in a file it is the one beside it.

    Raises
    ------
    DataError
        If it is the file of a chip that has no passport, or a damaged one.
    """
    path = Path(name)
    if not os.path.isfile(path) or path.suffix == ".toml":
        path = passport_of(name)
        return path if os.path.isfile(path) else None
    # Its passport lies beside the file itself, not beside a symbolic link to it.
    beside = passport_beside(path.resolve())
    if beside.is_file():
        return beside
    with path.open("rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            return path
    chip = read_identity(path)
    assert chip is not None
    beside = passport_beside(path.resolve(), chip.serial)
    if beside.is_file():
        return beside
    raise DataError(
        f"{name} is a chip ({chip.preset.name}, seed {chip.seed}, serial number {chip.serial}) and "
        f"has no passport yet: it gets one when an array of it is opened, for example by memlab "
        f"read --board 'emulator:?state={name}'"
    )
