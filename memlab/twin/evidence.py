"""Which parameters of the emulator a run tells, procedure by procedure.

Two kinds. A *direct* estimate is the parameter, with its error: fractions of cells that were
counted, and what the analysis of a procedure finds. A *matched* one is a number that moves with
the parameter, but is not it: wires, transistors, read noise and codes bend what a staircase shows
of the SET law. The fit changes the parameter until the twin, measured the same way, shows this
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memlab.analysis.clusters import Lines
from memlab.characterize import (
    endurance,
    forming,
    linearity,
    read_noise,
    retention,
    variation,
    wires,
)
from memlab.characterize.offsets import net_conductance
from memlab.characterize.procedure import Procedure
from memlab.characterize.shared_errors import shared_error
from memlab.kinds import Quantity
from memlab.numeric import BoolArray
from memlab.runs import Record, State
from memlab.twin import set_law
from memlab.twin.measured import MeasuredRun

__all__ = [
    "FINDINGS",
    "SQUARED",
    "direct_estimates",
    "matched_estimates",
    "read_voltage",
    "shared_error_of",
    "undetermined_by",
]

FINDINGS: Mapping[str, Mapping[str, Quantity]] = {
    "forming": {
        "forming.voltage": forming.FORMING_VOLTAGE,
        "forming.spread": forming.FORMING_SPREAD,
    },
    "variation": {
        "noise": variation.NOISE,
        "spread.cycle": variation.CYCLE,
        "spread.set_slope": variation.SET_SLOPE_SPREAD,
        "spread.set_offset": variation.SET_OFFSET_SPREAD,
        "spread.reset": variation.RESET_SPREAD,
    },
    "endurance": {
        "wear.lifetime": endurance.LIFETIME,
        "wear.shape": endurance.LIFETIME_SHAPE,
        "wear.window_loss": endurance.WINDOW_LOSS,
    },
    "retention": {
        "drift.relaxation": retention.RELAXATION,
        "drift.relaxation_mean": retention.RELAXATION_MEAN,
        "drift.retention": retention.RETENTION,
        "drift.stretch": retention.STRETCH,
    },
    "read-noise": {
        "read_noise.white": read_noise.WHITE,
        "read_noise.telegraph_cells": read_noise.TELEGRAPH_CELLS,
        "read_noise.telegraph_amplitude": read_noise.TELEGRAPH_AMPLITUDE,
    },
    "linearity": {"nonlinearity.voltage": linearity.VOLTAGE},
    "wires": {"wires.resistance": wires.WIRE_RESISTANCE},
}
"""Procedure: parameter of the emulator, and the finding that is this parameter."""


_ENOUGH = 20
"""Stuck cells below which nothing is said of their conductance: a twin may have few of them."""

SQUARED = frozenset(
    {
        "noise",
        "spread.cycle",
        "spread.set_slope",
        "spread.set_offset",
        "spread.reset",
        "read_noise.white",
        "board.adc.noise",
    }
)
"""Parameters that are standard deviations; they are matched by their squares, which add up."""


def direct_estimates(run: MeasuredRun) -> dict[str, tuple[float, float]]:
    """Return the parameters that a run tells by itself, with one standard error of each."""
    if run.procedure.name == "staircase":
        return _dead_cells(run.record, read_voltage(run))[1].fractions()
    named = FINDINGS.get(run.procedure.name, {})
    return _findings(run.procedure, run.record, named) if named else {}


def matched_estimates(runs: Iterable[tuple[MeasuredRun, Record]]) -> dict[str, float]:
    """Return the numbers to match, of chips or of their twins; means over runs, by their cells.

    Parameters
    ----------
    runs
        Each with the record to look at, its own or that of a twin.
    """
    values: dict[str, list[float]] = {}
    weights: dict[str, list[int]] = {}
    for run, record in runs:
        if run.procedure.name != "staircase":
            continue
        for name, (value, cells) in _staircase_numbers(record, read_voltage(run)).items():
            values.setdefault(name, []).append(value)
            weights.setdefault(name, []).append(cells)
    return {name: float(np.average(values[name], weights=weights[name])) for name in values}


def undetermined_by(run: MeasuredRun) -> dict[str, str]:
    """Return the parameters that a run was made to tell and does not, and why."""
    named = FINDINGS.get(run.procedure.name, {})
    if not named:
        return {}
    found = run.procedure.analyse(run.record)
    return {
        parameter: found[quantity].why or str(State.UNDETERMINED)
        for parameter, quantity in named.items()
        if quantity in found and found[quantity].state is State.UNDETERMINED
    }


def shared_error_of(run: MeasuredRun, record: Record) -> str:
    """Return why nothing can be said of the cells of a staircase, or "" where it can.

    Parameters
    ----------
    run
        The staircase.
    record
        Its own, or that of a twin.
    """
    _, cells, after_reset = set_law.staircase_cells(record, read_voltage(run))
    alive = set_law.responding(cells, after_reset)
    lines = Lines.of(record.mask, alive)
    return shared_error(record, cells[:, alive].mean(axis=0), lines)


def read_voltage(run: MeasuredRun) -> float:
    """Return the voltage (V) with which the cells of a run were read."""
    return float(run.procedure.config.point.read_voltage)


def _dead_cells(record: Record, voltage: float) -> tuple[BoolArray, set_law.DeadCells]:
    _, cells, after_reset = set_law.staircase_cells(record, voltage)
    alive = set_law.responding(cells, after_reset)
    return alive, set_law.find_dead_cells(net_conductance(record, voltage), alive)


def _staircase_numbers(record: Record, voltage: float) -> dict[str, tuple[float, int]]:
    """Each number, and from how many cells."""
    gate, cells, after_reset = set_law.staircase_cells(record, voltage)
    alive, dead = _dead_cells(record, voltage)
    moments = set_law.set_moments(gate, cells[:, alive], after_reset[alive])
    numbers = {name: (value, int(alive.sum())) for name, value in moments.items()}
    for name, stuck in (("on", dead.stuck_on), ("off", dead.stuck_off)):
        count = int(stuck.sum())
        if count >= _ENOUGH:
            level = float(np.median(dead.level[stuck]))
            numbers[f"defects.{name}_conductance"] = level, count
    # Cells that no pulse changes are read again and again: what differs is the noise of reading.
    # Without a conductance, it is that of the board alone.
    low = dead.silent if dead.silent.sum() >= _ENOUGH else dead.stuck_off
    if (count := int(low.sum())) >= _ENOUGH:
        codes = [one.adc_code for one in record.readings.measurements if one.adc_code is not None]
        of_cells = np.array(codes, np.float64)[:, record.mask][:, low]
        numbers["board.adc.noise"] = set_law.reading_noise(of_cells), count
    if (count := int(dead.stuck_on.sum())) >= _ENOUGH:
        relative = net_conductance(record, voltage)[:, dead.stuck_on] / dead.level[dead.stuck_on]
        numbers["read_noise.white"] = set_law.reading_noise(relative), count
    return numbers


def _findings(
    procedure: Procedure[Any], record: Record, named: Mapping[str, Quantity]
) -> dict[str, tuple[float, float]]:
    findings = procedure.analyse(record)
    direct = {}
    for parameter, quantity in named.items():
        if quantity not in findings:
            continue
        found = findings[quantity]
        if not isinstance(found.value, float) or found.error is None:
            continue
        error = float(np.mean(found.error))
        if np.isfinite(found.value) and np.isfinite(error):
            direct[parameter] = found.value, error
    return direct
