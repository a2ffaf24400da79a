"""Fits the emulator to tables of measured cells, by what each table is of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from memlab.emulator import ChipPreset
from memlab.errors import DataError
from memlab.twin.endurance import fit_cycled, measured_cycles
from memlab.twin.fit import Fit, FittedParameter
from memlab.twin.gate_sweep import measured_sweeps
from memlab.twin.pulse_train import fit_trains, measured_trains
from memlab.twin.relaxation import fit_relaxation, measured_relaxation
from memlab.twin.sweep_fit import fit_sweeps, told_of_ends
from memlab.twin.tables import Kind, Table

__all__ = ["fit_table"]

_Found = tuple[dict[str, tuple[Any, Any]], float, dict[str, str]]
"""Parameter: value and one standard error; how far chip and table still are apart, in errors; and
what is not determined, and why."""

OnStep = Callable[[int, float], None]

_TOLD_BY_CELLS = dict.fromkeys(
    ("spread.set_offset", "spread.set_level", "spread.reset_log"),
    "the table is of one cell or two, which tell no spread between cells",
)


def fit_table(
    table: Table, base: ChipPreset, *, seed: int = 0, on_step: OnStep | None = None
) -> Fit:
    """Fit a twin to a table.

    Parameters
    ----------
    table
        Measured cells.
    base
        Preset of everything that the table says nothing about.
    seed
        Of the first emulated chip.
    on_step
        Called with the number of the step and the distance in errors.

    Raises
    ------
    DataError
        If the table does not tell what its kind should.
    """
    steps = 0

    def count(step: int, distance: float) -> None:
        nonlocal steps
        steps = step
        if on_step is not None:
            on_step(step, distance)

    found, distance, undetermined = _FITS[table.kind](table, base, seed, count)
    preset = base.replace(**{name: value for name, (value, _) in found.items()})
    fitted = [
        FittedParameter(name, value, error, (table.path.name,), table.kind.value)
        for name, (value, error) in found.items()
        # What makes room for another law is written only where the base has it.
        if value != 0.0 or base.parameter(name) != 0.0
    ]
    return Fit(preset, fitted, steps, distance, undetermined)


def _gate_sweep(table: Table, base: ChipPreset, seed: int, on_step: OnStep) -> _Found:
    protocol, sweeps, before = measured_sweeps(table)
    found, distance = fit_sweeps(protocol, sweeps, before, base, seed, on_step)
    few = {name: why for name, why in _TOLD_BY_CELLS.items() if table.cells < 3}
    ends = told_of_ends(found)
    known = {
        name: (value, math.nan if name in ends else error)
        for name, (value, error) in found.items()
        if name not in few
    }
    return known, distance, ends | few


def _relaxation(table: Table, base: ChipPreset, seed: int, on_step: OnStep) -> _Found:
    found = fit_relaxation(measured_relaxation(table))
    # Its place is taken.
    off = dict.fromkeys(("drift.relaxation", "drift.relaxation_mean"), (0.0, math.nan))
    return found | off, 0.0, {}


def _pulse_train(table: Table, base: ChipPreset, seed: int, on_step: OnStep) -> _Found:
    found, undetermined = fit_trains(measured_trains(table), base)
    return found, 0.0, undetermined


def _endurance(table: Table, base: ChipPreset, seed: int, on_step: OnStep) -> _Found:
    found, undetermined = fit_cycled(measured_cycles(table))
    if not found:
        why = "; ".join(f"{name}: {text}" for name, text in undetermined.items())
        raise DataError(f"{table.path} tells no wear ({why})")
    return found, 0.0, undetermined


_FITS: dict[Kind, Callable[[Table, ChipPreset, int, OnStep], _Found]] = {
    Kind.GATE_SWEEP: _gate_sweep,
    Kind.RELAXATION: _relaxation,
    Kind.PULSE_TRAIN: _pulse_train,
    Kind.ENDURANCE: _endurance,
}
