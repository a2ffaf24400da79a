"""A seal behind the last byte of a finished file: how long it is, and a checksum of all of it.

HDF5 has checksums for its own structures, but none for texts; a flipped bit there goes unseen, or
sends the HDF5 library round in a circle. It ignores bytes behind its end, and cuts them off when it
writes, so that a file that another program has changed simply has no seal.
"""

from __future__ import annotations

import struct
import zlib
from enum import Enum
from pathlib import Path
from typing import BinaryIO

__all__ = ["Seal", "check_seal", "has_seal", "seal", "sealed", "unsealed"]

_SEAL = struct.Struct("<QI12s")
_NAME = b"memlab seal\n"
_AT_ONCE = 1 << 20


class Seal(Enum):
    """What the seal of a file says."""

    NONE = "there is none"
    WHOLE = "every byte is as it was written"
    BROKEN = "the file has changed"


def seal(path: Path) -> None:
    """Put a seal on a file; one that is there already is replaced."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        if _read(file, size) is not None:
            size -= _SEAL.size
            file.truncate(size)
        checksum = _checksum(file, size)
        file.seek(size)
        file.write(_SEAL.pack(size, checksum, _NAME))


def sealed(content: bytes) -> bytes:
    """Return the bytes of a file with a seal behind them."""
    return content + _SEAL.pack(len(content), zlib.crc32(content), _NAME)


def unsealed(content: bytes) -> bytes | None:
    """Return the bytes before the seal; None where there is none, or they have changed."""
    whole = content[: -_SEAL.size]
    return whole if sealed(whole) == content else None


def has_seal(path: Path) -> bool:
    """Whether there is a seal for the length that a file has; nothing else of it is read.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        found = _read(file, size)
        return found is not None and found[0] == size - _SEAL.size


def check_seal(path: Path) -> Seal:
    """Compare a file with its seal; reads all of it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        found = _read(file, size)
        if found is None:
            return Seal.NONE
        expected = size - _SEAL.size, _checksum(file, size - _SEAL.size)
        return Seal.WHOLE if found == expected else Seal.BROKEN


def _read(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """Return length and checksum that the seal names, None where there is no seal."""
    if size < _SEAL.size:
        return None
    file.seek(size - _SEAL.size)
    length, checksum, name = _SEAL.unpack(file.read(_SEAL.size))
    return (length, checksum) if name == _NAME else None


def _checksum(file: BinaryIO, size: int) -> int:
    checksum = 0
    file.seek(0)
    while size > 0 and (block := file.read(min(size, _AT_ONCE))):
        checksum = zlib.crc32(block, checksum)
        size -= len(block)
    return checksum
