"""Calibrates a board from an open array to a stored version, a run file and a picture."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.smu import ReferenceSmu, open_smu
from memlab.array import nearest_step
from memlab.array.board_array import BoardArray, device_of
from memlab.array.options import split_array_options
from memlab.array.urls import check_url
from memlab.calibrate.log import CalibrationLog, Check
from memlab.calibrate.measure import Watcher, calibrate_array
from memlab.calibrate.reference import Connect
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration
from memlab.calibration.static_errors import CalibrationRecord
from memlab.calibration.store import LATEST, CalibrationStore
from memlab.errors import SaturationWarning, SettingError
from memlab.kinds import Family, Kind, Quantity, Steps
from memlab.numeric import BoolArray, FloatArray
from memlab.regions import parse_lines
from memlab.runs import Run
from memlab.session import (
    UNLABELLED,
    Labels,
    Request,
    Session,
    open_chip,
    place_for,
    recorded,
)
from memlab.units import statistic

__all__ = ["CalibrationKind", "run_calibration"]


_UNITS = {"transimpedance": "1", "row_gain": "1", "adc_offset": "code"}
"""Of spreads and uncertainties; of the others V. Relative where the unit is 1."""

VMM_ERROR = Quantity("vmm_error", "A", "Error of products with the calibration, rms")
VMM_ERROR_BEFORE = Quantity("vmm_error_before", "A", "Error of products without it, rms")
SPREAD, UNCERTAINTY = (
    {
        one.name: Quantity(
            f"{one.name}_{what}", _UNITS.get(one.name, "V"), f"{text} {one.name.replace('_', ' ')}"
        )
        for one in fields(CalibrationRecord)
    }
    for what, text in (("spread", "From line to line:"), ("uncertainty", "Standard error:"))
)

_GATE_VOLTAGE = (0.7, 1.6)
"""V; the range of the published one-shot update (Li 2019), here drawn at random for each cell."""

_AMPLITUDE_STEP = 0.05
"""V between SET amplitudes of cells without gates: a choice."""


@stopping.stopped_in_order()
def run_calibration(
    board: str,
    settings: CalibrationSettings,
    connect: Connect,
    watch: Watcher,
    *,
    out: Path | None = None,
    smu: str | None = None,
    rows: str = "",
    columns: str = "",
    program: bool = False,
    store: bool = True,
    labels: Labels = UNLABELLED,
    figure: bool = True,
) -> dict[str, Any]:
    """Calibrate a board.

    However it ends, the SMU's output is off, the array is grounded and the run file closed, with
    everything measured so far in it.

    Parameters
    ----------
    board
        URL.
    settings
        How carefully.
    connect
        Asks the operator to connect the SMU.
    watch
        Told what is being done.
    out
        Run file to make, by default a new one; the picture goes beside it.
    smu
        VISA resource of a reference SMU, or None for on-board references alone.
    rows, columns
        Lines that the SMU is connected to, see `memlab.regions.parse_lines`.
    program
        SET every cell once before, to random conductances: what the chip holds is lost.
    store
        Keep the calibration as a new version, in use from now on.
    labels
        Tags and note of the run.
    figure
        Draw a picture beside the run file.

    Returns
    -------
    The document of `memlab calibrate --json`.

    Raises
    ------
    SettingError
        If anything in the request is wrong; nothing is touched.
    """
    board = check_url(board)
    if board.partition(":")[0] == "ideal":
        raise SettingError("ideal: has no board to calibrate; use emulator: or a board")
    if (rows or columns) and smu is None:
        raise SettingError("--rows and --columns say where the SMU is connected: give --smu too")
    request = Request(
        CalibrationKind,
        CalibrationKind.title,
        place_for(out, "calibration"),
        (board,),
        settings.model_dump(),
        {"seed": settings.seed},
        labels=labels,
    )
    with ExitStack() as stack:
        array = stack.enter_context(open_chip(board, seed=settings.seed, limits=settings.limits))
        lines = (
            parse_lines(rows, array.shape[0], "rows"),
            parse_lines(columns, array.shape[1], "columns"),
        )
        meter = None if smu is None else stack.enter_context(open_smu(smu))
        array = array.with_calibration(None)
        serial = array.board.capabilities.calibrated_as
        given = _Given(program, store, serial, meter, *lines, connect)
        with recorded(request, [array], given=given, watchers=[watch]) as session:
            CalibrationKind(settings).run(session)
    document = session.document(figure=figure)
    return document | {"use": _use(board, document["version"])}


@dataclass(frozen=True, eq=False)
class _Given:
    """What a calibration is made with; serial: under which name it is stored."""

    program: bool
    store: bool
    serial: str
    smu: ReferenceSmu | None
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    connect: Connect


class CalibrationKind(Kind):
    """The calibration as a kind of run."""

    name = "calibration"
    title = "calibration of a board"
    about = "Measure a board's static errors, to undo them."
    family = Family.CALIBRATION
    Config = CalibrationSettings
    steps = Steps("single/pass", "passes")
    quantities = (VMM_ERROR, VMM_ERROR_BEFORE, *SPREAD.values(), *UNCERTAINTY.values())
    config: CalibrationSettings

    def run(self, session: Session) -> None:
        """Measure, compare products before and after, and store the new version."""
        given: _Given = session.given
        (one,) = session.arrays
        array = device_of(one)

        def tell(text: str) -> None:
            for watch in session.watchers:
                watch(text)

        settings, log = self.config, CalibrationLog(session.file, array, self.config)
        if given.program:
            tell("setting every cell to a random conductance")
            rng = np.random.default_rng(settings.seed)
            low, high = array.control_range(_GATE_VOLTAGE)
            step = array.control_step
            if not array.control.gates:
                # Lower ones leave no level, and cells that share one are pulsed together.
                low, step = 0.5 * (low + high), _AMPLITUDE_STEP
            voltage = rng.uniform(low, high, array.shape)
            array.program_to(nearest_step(voltage, step))
        lines = given.rows, given.columns
        calibration = calibrate_array(array, settings, given.smu, *lines, given.connect, tell, log)
        tell("comparing products with the map, before and after")
        before, after = _check(array, calibration, settings, log)
        if given.store:
            calibration = CalibrationStore(given.serial).add(calibration)
            if array.passport is not None and uses_latest(array.url):
                array.passport.calibration = calibration.name
        found = _results(calibration, before, after)
        session.results |= found
        checks = found["vmm_error"]
        told = [(VMM_ERROR, checks["after"]), (VMM_ERROR_BEFORE, checks["before"])]
        for quantities, by_name in ((SPREAD, found["spread"]), (UNCERTAINTY, found["uncertainty"])):
            told += [(quantities[name], one) for name, one in by_name.items()]
        for quantity, one in told:
            value = np.nan if one["value"] is None else one["value"]
            session.findings.add(quantity, value, n=one["n"], of=one["of"])

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw what was found on each line, and products before and after."""
        from memlab.figures.calibration import plot_calibration

        if run.finished:
            plot_calibration(run.path, picture)
        return run.finished


def uses_latest(board: str) -> bool:
    """Whether an array of this URL undoes what its board's version in use says."""
    asked = split_array_options(board)[1].calibration
    return asked == LATEST or (asked is None and board.partition(":")[0] != "emulator")


def _use(board: str, version: int) -> str | None:
    """Return how arrays come to use the calibration; None where none was stored."""
    if not version:
        return None
    if "calibration=" in board:
        return "its URL chooses the calibration; calibration=latest is this one"
    if board.partition(":")[0] != "emulator":
        return "in use from now on"
    return "add calibration=latest to the emulator's URL to use it: by default it has none"


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
    voltage = nearest_step(voltage, array.input_voltage_step)
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


def _results(calibration: Calibration, before: Check, after: Check) -> dict[str, Any]:
    """Return what people ask for first, as plain values; of transimpedances relative ones."""
    record, uncertainty = calibration.record.arrays(), calibration.uncertainty.arrays()
    for values in (uncertainty, record):
        values["transimpedance"] = values["transimpedance"] / record["transimpedance"].mean(
            axis=1, keepdims=True
        )
    unknown = [name for name, values in uncertainty.items() if np.isnan(values).all()]
    details = calibration.details
    told = {name: _told(name, record[name], values) for name, values in uncertainty.items()}
    return {
        "serial": calibration.serial,
        "version": calibration.version,
        "method": calibration.method,
        "passes": details["passes"],
        "spread": {
            name: _over_lines(name, _spread(values, told[name]), told[name])
            for name, values in record.items()
        },
        "uncertainty": {
            name: _over_lines(name, _median(values, told[name]), told[name])
            for name, values in uncertainty.items()
        },
        "within_error": {
            name: sorted(_lines(np.isfinite(values)) - _lines(told[name]))
            for name, values in uncertainty.items()
        },
        "unknown": unknown,
        "unknown_rows": details["unknown_rows"],
        "unknown_columns": details["unknown_columns"],
        "vmm_error": {"before": _products(before), "after": _products(after)},
    }


def _told(name: str, record: FloatArray, uncertainty: FloatArray) -> BoolArray:
    """Return of which lines a correction is told; all that are known where none is corrected.

    Offsets that were less than their error are 0 in the record, and are no measurement of 0.
    """
    known: BoolArray = np.isfinite(uncertainty)
    corrected = known & (record != 0.0)
    return corrected if name != "transimpedance" and corrected.any() else known


def _lines(which: BoolArray) -> set[int]:
    """Return of which lines something is told, at any gain."""
    return set(np.flatnonzero(which.reshape(-1, which.shape[-1]).any(axis=0)).tolist())


def _spread(values: FloatArray, told: BoolArray) -> float:
    """Return the standard deviation over the lines that are told, the mean of all gains."""
    gains = zip(values.reshape(-1, values.shape[-1]), told.reshape(-1, told.shape[-1]), strict=True)
    found = [float(one[which].std()) for one, which in gains if which.sum() > 1]
    return float(np.mean(found)) if found else np.nan


def _median(values: FloatArray, told: BoolArray) -> float:
    return float(np.median(values[told])) if told.any() else np.nan


def _over_lines(name: str, value: float, told: BoolArray) -> dict[str, Any]:
    """Return a statistic over the lines of which something is told."""
    lines = "rows" if name.startswith("row") else "columns"
    return statistic(value, _UNITS.get(name, "V"), len(_lines(told)), lines)


def _products(check: Check) -> dict[str, Any]:
    return statistic(check.error, "A", int(check.valid.sum()), "currents of random vectors")
