"""Calibrates a board from an open array to a stored version, a run file and a picture."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.smu import ReferenceSmu, open_smu
from memlab._version import __version__
from memlab.board_array import BoardArray
from memlab.calibrate.log import CalibrationLog, Check
from memlab.calibrate.onboard import Estimate, estimate
from memlab.calibrate.readings import Readings, measure_pass
from memlab.calibrate.reference import Connect, anchor, measure_columns, measure_rows
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration
from memlab.calibration.store import CalibrationStore
from memlab.devices import check_url, open_array
from memlab.errors import DeviceError, SaturationWarning, SettingError
from memlab.regions import parse_lines
from memlab.runs import check_out

__all__ = ["CalibrationPlan", "calibrate_array", "plan_calibration", "run_calibration"]

FloatArray = npt.NDArray[np.float64]
Watcher = Callable[[str], None]
"""Called with what is being done."""

_GATE_VOLTAGE = (0.7, 1.6)
"""V; the range of the published one-shot update (Li 2019), here drawn at random for each cell."""


@dataclass(frozen=True)
class CalibrationPlan:
    """A checked request.

    Parameters
    ----------
    board
        URL.
    settings
        How carefully.
    out
        Run file to make; the picture goes beside it.
    smu
        VISA resource of a reference SMU, or None for on-board references alone.
    rows, columns
        Lines that the SMU is connected to, see `memlab.regions.parse_lines`.
    program
        SET every cell once before, to random conductances: what the chip holds is lost.
    store
        Keep the calibration as a new version, in use from now on.
    """

    board: str
    settings: CalibrationSettings
    out: Path
    smu: str | None = None
    rows: str = ""
    columns: str = ""
    program: bool = False
    store: bool = True


def plan_calibration(
    board: str,
    settings: CalibrationSettings,
    *,
    out: Path | None = None,
    smu: str | None = None,
    rows: str = "",
    columns: str = "",
    program: bool = False,
    store: bool = True,
) -> CalibrationPlan:
    """Check a request and return what will be done; touches nothing.

    Raises
    ------
    SettingError
        If anything in the request is wrong.
    """
    check_url(board)
    if board.partition(":")[0] == "ideal":
        raise SettingError("ideal: has no board to calibrate; use emulator: or a board")
    if (rows or columns) and smu is None:
        raise SettingError("--rows and --columns say where the SMU is connected: give --smu too")
    if out is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        out = Path("memlab-runs") / f"calibration-{stamp}.h5"
        try:
            out.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise SettingError(f"cannot create {out.parent}: {error.strerror}") from error
    check_out(out)
    return CalibrationPlan(board, settings, out, smu, rows, columns, program, store)


def run_calibration(
    plan: CalibrationPlan, connect: Connect, watch: Watcher, *, figure: bool = True
) -> dict[str, Any]:
    """Calibrate the board of a plan.

    However it ends, the SMU's output is off, the array is grounded and the run file closed, with
    everything measured so far in it.

    Parameters
    ----------
    plan
        What to do.
    connect
        Asks the operator to connect the SMU.
    watch
        Told what is being done.
    figure
        Draw a picture beside the run file.

    Returns
    -------
    The document of `memlab calibrate --json`.
    """
    start = time.perf_counter()
    with ExitStack() as stack:
        opened = open_array(plan.board, seed=plan.settings.seed)
        array = stack.enter_context(opened)
        if not isinstance(array, BoardArray):
            raise SettingError(f"{plan.board} has no board to calibrate")
        rows = parse_lines(plan.rows, array.shape[0], "rows")
        columns = parse_lines(plan.columns, array.shape[1], "columns")
        smu = None if plan.smu is None else stack.enter_context(open_smu(plan.smu))
        array = array.with_calibration(None)
        serial = array.board.capabilities.serial
        log = _start_log(plan, array)
        status: str = "failed"
        results: dict[str, Any] = {}
        try:
            if plan.program:
                watch("setting every cell to a random conductance")
                rng = np.random.default_rng(plan.settings.seed)
                array.program(rng.uniform(*_GATE_VOLTAGE, array.shape))
            calibration = calibrate_array(
                array, plan.settings, smu, rows, columns, connect, watch, log
            )
            watch("comparing products with the map, before and after")
            before, after = _check(array, calibration, plan.settings, log)
            if plan.store:
                calibration = CalibrationStore(serial).add(calibration)
            results = _results(calibration, before, after, time.perf_counter() - start)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            log.run.close(status, results)
    picture = plan.out.with_suffix(".png") if figure else None
    if picture is not None:
        from memlab.figures.calibration import plot_calibration

        plot_calibration(plan.out, picture)
    return {
        "run": str(plan.out),
        "figure": None if picture is None else str(picture),
        "board": plan.board,
        "seed": plan.settings.seed,
        **results,
    }


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
    method, details = "on-board references", {"passes": passes, "settings": asdict(settings)}
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
        serial=able.serial,
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
        found = estimate(readings, able.transimpedance, array.saturated_code)
        if not found.conducting:
            raise DeviceError(
                "no cell conducts enough to carry a current: SET some first, or let --program do it"
            )
        if np.median(found.zero_uncertainty) < settings.target:
            return found, number + 1
    assert found is not None
    return found, settings.passes


class _TimeIsUp(Exception):  # noqa: N818 - it ends a pass, and is no error where one is complete
    def __init__(self, row: int):
        super().__init__(row)
        self.row = row


def _check(
    array: BoardArray,
    calibration: Calibration,
    settings: CalibrationSettings,
    log: CalibrationLog,
) -> tuple[Check, Check]:
    """Compare products with the map read back, without and with the calibration."""
    rng = np.random.default_rng(settings.seed + 1)
    limit = array.limits.read_voltage
    voltage = rng.uniform(-limit, limit, (settings.checks, array.shape[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)  # those readings are left out
        before = _compare(array, voltage)
        after = _compare(array.with_calibration(calibration), voltage)
    log.add_checks(voltage, before, after)
    return before, after


def _compare(array: BoardArray, voltage: FloatArray) -> Check:
    predicted = voltage @ array.read_conductance()
    measured = array.measure_vmm(voltage)
    return Check(predicted, measured.value, ~measured.saturated)


def _start_log(plan: CalibrationPlan, array: BoardArray) -> CalibrationLog:
    return CalibrationLog(
        plan.out,
        array,
        plan.settings,
        {
            "board": plan.board,
            "seed": plan.settings.seed,
            "program": f"memlab {__version__}",
        },
    )


def _results(
    calibration: Calibration, before: Check, after: Check, seconds: float
) -> dict[str, Any]:
    """Return what people ask for first, as plain values; of transimpedances relative ones."""
    record, uncertainty = calibration.record.arrays(), calibration.uncertainty.arrays()
    for values in (uncertainty, record):
        values["transimpedance"] = values["transimpedance"] / record["transimpedance"].mean(
            axis=1, keepdims=True
        )
    unknown = [name for name, values in uncertainty.items() if np.isnan(values).all()]
    return {
        "serial": calibration.serial,
        "version": calibration.version,
        "method": calibration.method,
        "passes": calibration.details["passes"],
        "seconds": seconds,
        "spread": {name: float(values.std(axis=-1).mean()) for name, values in record.items()},
        "uncertainty": {
            name: None if name in unknown else float(np.nanmedian(values))
            for name, values in uncertainty.items()
        },
        "unknown": unknown,
        "vmm_error": {"before": before.error, "after": after.error},
    }
