"""Every error that memlab raises on purpose, gathered from the three packages.

The tree is drawn in `firmware_protocol.errors`. `EXIT_CODES` is the single place that says which
error ends the command line with which code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drivers.errors import DeviceError, LimitError, TransportError
from firmware_protocol.errors import MemlabError, ProtocolError

__all__ = [
    "EXIT_CODES",
    "ClippingWarning",
    "DataError",
    "DeviceError",
    "LimitError",
    "LoadWarning",
    "MemlabError",
    "MissingDataError",
    "ProtocolError",
    "SaturationWarning",
    "SettingError",
    "StorageError",
    "TransportError",
    "exit_code",
]


class DataError(MemlabError):
    """A file or a data set is missing, damaged or not what it should be."""


class MissingDataError(DataError):
    """A data set is not here; the message says how to get it."""


class SettingError(DataError, ValueError):
    """A setting, a URL or an option is wrong; nothing was touched."""


class StorageError(MemlabError):
    """An output cannot be written: the disk is full, the directory is gone, or it is read-only.

    Attributes
    ----------
    saved
        Files that hold what was measured until then; the message names them too.
    """

    def __init__(self, message: str, *, saved: Sequence[Path] = ()):
        super().__init__(message)
        self.saved = tuple(saved)


class SaturationWarning(UserWarning):
    """A reading reached the clip level of its amplifier: the true current is larger."""


class ClippingWarning(UserWarning):
    """Weights start as near to what was asked for as the range of their cells lets them."""


class LoadWarning(UserWarning):
    """Readings are compared that were taken under different loads (`memlab.chip.load`)."""


EXIT_CODES: dict[type[MemlabError], int] = {
    SettingError: 2,
    MissingDataError: 2,
    LimitError: 4,
    TransportError: 3,
    ProtocolError: 3,
    MemlabError: 1,
}


def exit_code(error: MemlabError) -> int:
    """Return the exit code of an error: that of its nearest ancestor in `EXIT_CODES`."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
