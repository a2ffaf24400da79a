"""The measurement of a calibration on an open array: passes, averages, and the SMU's turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.smu import ReferenceSmu
from memlab._version import __version__
from memlab.array.board_array import BoardArray
from memlab.calibrate.log import CalibrationLog
from memlab.calibrate.onboard import Estimate, estimate
from memlab.calibrate.readings import Readings, measure_pass
from memlab.calibrate.reference import Connect, anchor, measure_columns, measure_rows
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration
from memlab.errors import DeviceError

__all__ = ["Watcher", "calibrate_array"]

Watcher = Callable[[str], None]
"""Called with what is being done."""


def calibrate_array(
    array: BoardArray,
    settings: CalibrationSettings,
    smu: ReferenceSmu | None = None,
    rows: npt.NDArray[np.intp] | None = None,
    columns: npt.NDArray[np.intp] | None = None,
    connect: Connect = lambda probe: None,
    watch: Watcher = lambda text: None,
    log: CalibrationLog | None = None,
) -> Calibration:
    """Measure the static errors of the board below an array; cells are not changed.

    Parameters
    ----------
    array
        The whole array, without a calibration.
    settings
        How carefully.
    smu, rows, columns, connect
        A reference SMU, the lines to connect it to (all by default), and who connects it.
    watch
        Told what is being done.
    log
        Where everything is recorded.

    Returns
    -------
    The calibration, not stored.

    Raises
    ------
    DeviceError
        If no cell conducts, or the time does not suffice for one pass.
    """
    able = array.board.capabilities
    found, passes = _average(array, settings, watch, log)
    method = "on-board references"
    details: dict[str, Any] = {"passes": passes, "settings": settings.model_dump()}
    details |= {"unknown_rows": found.silent_rows, "unknown_columns": found.silent_columns}
    if smu is not None:
        row_lines = np.arange(able.rows) if rows is None else rows
        column_lines = np.arange(able.columns) if columns is None else columns
        watch("measuring row voltages with the SMU")
        scale = measure_rows(array, smu, row_lines, connect)
        watch("measuring amplifiers with the SMU")
        quiet = np.argmin(array.read_conductance(), axis=0)
        rest = found.zero[quiet] + found.record.amplifier_offset
        R, R_error = measure_columns(array, smu, column_lines, quiet, rest, connect)
        found = anchor(found, scale, R, R_error)
        method = "on-board references and SMU"
        details |= {
            "smu": smu.identity,
            "smu_rows": row_lines.tolist(),
            "smu_columns": column_lines.tolist(),
        }
    calibration = Calibration(
        found.record,
        found.uncertainty,
        serial=able.calibrated_as,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        method=method,
        software=f"memlab {__version__}",
        details=details,
    )
    calibration.check(able)
    if log is not None:
        log.add_result(calibration)
    return calibration


def _average(
    array: BoardArray, settings: CalibrationSettings, watch: Watcher, log: CalibrationLog | None
) -> tuple[Estimate, int]:
    """Repeat passes until they are good enough, or enough; returns what they say and how many."""
    able = array.board.capabilities
    rng = np.random.default_rng(settings.seed)
    deadline = time.monotonic() + settings.seconds
    readings: Readings | None = None
    found: Estimate | None = None
    for number in range(settings.passes):

        def on_row(row: int, number: int = number) -> None:
            watch(f"pass {number + 1}, row {row + 1} of {able.rows}")
            if time.monotonic() > deadline:
                raise _TimeIsUp(row)

        zero = np.zeros(able.rows) if found is None else found.zero
        try:
            one = measure_pass(array, zero, settings.vectors, rng, on_row)
        except _TimeIsUp as up:
            if found is None:
                raise DeviceError(
                    f"{settings.seconds:g} s were enough for {up.row + 1} of {able.rows} rows, and "
                    "one pass over all is needed; allow more time (--seconds)"
                ) from up
            return found, number
        if log is not None:
            log.add_pass(number, one)
        readings = one if readings is None else readings.joined(one)
        found = estimate(readings, able)
        if not found.conducting.any():
            raise DeviceError(
                "no cell conducts enough to carry a current: SET some first, or let --program do it"
            )
        if found.row_uncertainty < settings.target:
            return found, number + 1
    assert found is not None
    return found, settings.passes


class _TimeIsUp(Exception):  # noqa: N818 - it ends a pass, and is no error where one is complete
    def __init__(self, row: int):
        super().__init__(row)
        self.row = row
