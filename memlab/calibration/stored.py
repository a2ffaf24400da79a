"""A calibration with its history: errors, uncertainties, board, date, method; to JSON and back."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from drivers.board import Capabilities
from memlab.calibration.static_errors import CalibrationRecord
from memlab.errors import DataError, SettingError
from memlab.storage import require_file

__all__ = ["Calibration"]

_FORMAT = "memlab calibration 1"

_KINDS = {
    **dict.fromkeys(("serial", "date", "method", "software"), str),
    **{"version": int, "details": dict},
}
"""Plain values of a document."""

_LARGEST_OFFSET = 0.05
_LARGEST_GAIN = 0.05
_LARGEST_CODES = 1000.0
"""V, relative and ADC codes: far beyond what any working board shows. A record beyond them would
let voltages through that no limit in volts means, so it is not applied."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Static errors of one board, and how they are known.

    Parameters
    ----------
    record
        The errors.
    uncertainty
        One standard error of each number, same units (relative and V/A too); NaN where the method
        cannot know the number at all and the nominal one stands in its place.
    serial
        What the board is called here (`Capabilities.calibrated_as`).
    date
        When it was measured, ISO 8601 with the time zone.
    method
        `on-board references` or `on-board references and SMU`.
    software
        Program and version that measured it.
    version
        Number of this version among those of the board; 0 as long as it is not stored.
    details
        Plain values: settings, instrument, run file.
    """

    record: CalibrationRecord
    uncertainty: CalibrationRecord
    serial: str
    date: str
    method: str
    software: str
    version: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return of which board it is, which version, and how it was measured."""
        rows, columns = self.record.row_gain.size, self.record.adc_offset.size
        return f"<Calibration {self.name}, board {self.serial}, {rows} x {columns}: {self.method}>"

    @property
    def name(self) -> str:
        """Version and date, for people."""
        return f"{self.version or 'not stored'} of {self.date}"

    def document(self) -> dict[str, Any]:
        """Return everything as plain values; `from_document` is the inverse, to the last bit."""
        return {
            "format": _FORMAT,
            "serial": self.serial,
            "version": self.version,
            "date": self.date,
            "method": self.method,
            "software": self.software,
            "details": self.details,
            "record": {name: values.tolist() for name, values in self.record.arrays().items()},
            "uncertainty": {
                # JSON has no NaN.
                name: np.where(np.isnan(values), None, values).tolist()  # type: ignore[call-overload]
                for name, values in self.uncertainty.arrays().items()
            },
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], where: str) -> Self:
        """Make a calibration of what `document` gave; `where` names it in errors.

        Raises
        ------
        DataError
            If it is not a calibration, or not a whole one.
        """
        try:
            if document["format"] != _FORMAT:
                raise ValueError(f"its format is {document['format']!r}, expected {_FORMAT!r}")
            parts = {
                part: CalibrationRecord(
                    **{
                        one.name: np.array(document[part][one.name], np.float64)
                        for one in fields(CalibrationRecord)
                    }
                )
                for part in ("record", "uncertainty")
            }
            plain = {name: _plain(document, name, kind) for name, kind in _KINDS.items()}
            return cls(parts["record"], parts["uncertainty"], **plain)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{where} is not a calibration: {what}") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` wrote.

        Raises
        ------
        SettingError
            If there is no such file.
        DataError
            If it is not a calibration.
        """
        try:
            require_file(path)
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingError(f"cannot read the calibration {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} is not a calibration: {error}") from error
        if not isinstance(document, dict):
            raise DataError(f"{path} is not a calibration: it holds no JSON object")
        if document.pop("checksum", None) not in (None, _checksum(document)):
            raise DataError(
                f"{path} is damaged or was changed by hand: its checksum is of other numbers. "
                "Restore it, or calibrate again"
            )
        return cls.from_document(document, str(path))

    def file_document(self) -> dict[str, Any]:
        """Return `document` with a checksum, as it stands in a file for `load`."""
        document = self.document()
        return {**document, "checksum": _checksum(document)}

    def check(self, board: Capabilities) -> None:
        """Raise `SettingError` unless this may be applied to such a board."""
        serial, columns = board.calibrated_as, board.columns
        name = f"calibration {self.name}"
        if self.serial != serial:
            raise SettingError(
                f"{name} belongs to board {self.serial}, this is board {serial}: run `memlab "
                "calibrate` on this one, or open it with calibration=none"
            )
        expected = CalibrationRecord.nominal(board.rows, columns, board.transimpedance).arrays()
        for one, values in self.record.arrays().items():
            shapes = (expected[one].shape, (columns,) if one == "adc_offset" else None)
            if values.shape not in shapes:
                raise SettingError(
                    f"{name} has {one} of shape {values.shape}; this board needs {shapes[0]}"
                )
        record = self.record
        relative = record.transimpedance / expected["transimpedance"] - 1.0
        for what, values, largest in (
            ("row offset", record.row_offset, _LARGEST_OFFSET),
            ("row gain error", record.row_gain, _LARGEST_GAIN),
            ("row INL", record.row_inl, _LARGEST_OFFSET),
            ("amplifier offset", record.amplifier_offset, _LARGEST_OFFSET),
            ("ADC offset", record.adc_offset, _LARGEST_CODES),
            ("transimpedance error", relative, 4.0 * _LARGEST_GAIN),
        ):
            if not (np.abs(values) <= largest).all():  # NaN fails this too
                raise SettingError(
                    f"{name}: {what} {values.flat[int(np.argmax(np.abs(values)))]:.3g} is "
                    f"beyond {largest:g}, more than a working board can have; calibrate again"
                )


def _plain(document: dict[str, Any], name: str, kind: type) -> Any:
    value = document[name]
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {value!r}")
    return value


def _checksum(document: dict[str, Any]) -> str:
    """Return a checksum of plain values, however they are written."""
    return f"{zlib.crc32(json.dumps(document, sort_keys=True).encode()):08x}"
