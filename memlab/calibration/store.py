"""The calibrations of each board, one file per version, and which of them is in use.

    calibration-SERIAL/0001.json ...    versions; never changed, never removed
    calibration-SERIAL/used.json        list of the versions that were in use, the last one is;
                                        0 for none

They lie beside the pulse ledgers, in `drivers.tickets.state_directory()`.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from drivers.tickets import state_directory
from memlab.calibration.stored import Calibration
from memlab.errors import DataError, SettingError
from memlab.storage import require_file

__all__ = ["CalibrationStore", "find_calibration"]

LATEST, NONE = "latest", "none"


class CalibrationStore:
    """The calibrations of one board.

    Parameters
    ----------
    serial
        Serial number of the board.
    directory
        Where the boards' directories lie; the user's state directory by default.
    """

    def __init__(self, serial: str, directory: Path | None = None):
        if not serial:
            raise SettingError(
                "this board has no serial number that a calibration could be kept under: name the "
                "chip in its URL, for example dpe+serial://COM4?chip=die-7"
            )
        self.serial = serial
        # A serial number may hold anything, a port's name with slashes for example.
        name = f"calibration-{quote(serial, safe='')}"
        self.directory = (directory or state_directory()) / name

    def versions(self) -> list[Calibration]:
        """Return all versions, rising."""
        return [Calibration.load(path) for path in sorted(self.directory.glob("[0-9]*.json"))]

    def load(self, version: int) -> Calibration:
        """Return one version.

        Raises
        ------
        SettingError
            If there is none of this number.
        """
        path = self._path(version)
        if not path.exists():
            have = ", ".join(str(int(p.stem)) for p in sorted(self.directory.glob("[0-9]*.json")))
            raise SettingError(
                f"board {self.serial} has no calibration {version}; there is {have or 'none'}"
            )
        return Calibration.load(path)

    @property
    def used(self) -> int:
        """Number of the version in use; 0 for none."""
        return self._history()[-1]

    def add(self, calibration: Calibration) -> Calibration:
        """Store a new version and put it in use; returns it with its number."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            numbers = [int(path.stem) for path in self.directory.glob("[0-9]*.json")]
            stored = replace(calibration, version=max(numbers, default=0) + 1)
            path = self._path(stored.version)
            _write_whole(path, stored.file_document())
        except OSError as error:
            raise self._cannot_write(error) from error
        self.use(stored.version)
        return stored

    def use(self, version: int) -> None:
        """Put a version in use, or none with 0; `undo` takes it back."""
        if version:
            self.load(version)
        self._write_history([*self._history(), version])

    def undo(self) -> int:
        """Go back to what was in use before; returns its number, 0 for none.

        Raises
        ------
        SettingError
            If nothing was changed yet.
        """
        history = self._history()
        if len(history) == 1:
            raise SettingError(f"there is nothing to undo for board {self.serial}")
        self._write_history(history[:-1])
        return history[-2]

    def _history(self) -> list[int]:
        path = self.directory / "used.json"
        if not path.exists():
            return [0]
        try:
            require_file(path)
            history = json.loads(path.read_text(encoding="utf-8"))
            if not all(type(version) is int and version >= 0 for version in history):
                raise ValueError("it is no list of versions")
            return list(history) or [0]
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path} cannot be read ({error}); remove it and choose a version with "
                "`memlab calibrate --use`"
            ) from error

    def _write_history(self, history: list[int]) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _write_whole(self.directory / "used.json", history)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _path(self, version: int) -> Path:
        return self.directory / f"{version:04d}.json"

    def _cannot_write(self, error: OSError) -> DataError:
        return DataError(
            f"cannot write {self.directory}: {error.strerror}; set MEMLAB_STATE to a directory "
            "that can be written"
        )


def find_calibration(choice: str, serial: str) -> Calibration | None:
    """Return the calibration that an option names, or None where it names none.

    Parameters
    ----------
    choice
        `none`, `latest` for the one in use of this board, a version number, or a file.
    serial
        Serial number of the board.
    """
    if choice == NONE:
        return None
    store = CalibrationStore(serial)
    if choice == LATEST:
        return store.load(store.used) if store.used else None
    return store.load(int(choice)) if choice.isdecimal() else Calibration.load(Path(choice))


def _write_whole(path: Path, document: object) -> None:
    """Write a JSON file that is there whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(document))
    os.replace(beside, path)
