"""Fits the parameters of the emulator to measured runs.

Direct estimates are taken as they are. Matched ones (see `estimates`) are solved for: the twin is
measured as the chip was, the numbers are compared, the parameters are moved, until the difference
is small against what it is between two twins of different seeds. This undoes what selection does to
the numbers (a SET takes the larger of two levels, a conductance below zero is cut off, the noise of
reading widens every spread), as far as the rest of the twin is right. The errors hold sampling,
codes, and the static errors of the board, which are drawn anew for each seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memlab.chip.load import warn_of_loads
from memlab.emulator import ChipPreset
from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.twin import evidence
from memlab.twin.measured import MeasuredRun, simulate
from memlab.twin.solve import solve

__all__ = ["Fit", "FittedParameter", "fit"]


_SEEDS_APART = 1000
"""Between the first seeds of two twins: each twin may need one for every chip."""


@dataclass(frozen=True)
class FittedParameter:
    """A parameter of the emulator and how it is known.

    Parameters
    ----------
    name
        As in a preset, dotted.
    value, error
        In SI units, with one standard error; NaN where that is not known, or there is none. Of a
        list both are tuples.
    runs
        Names of the run files that tell it.
    procedure
        Which procedure they are of.
    """

    name: str
    value: Any
    error: Any
    runs: tuple[str, ...]
    procedure: str

    @property
    def known_error(self) -> Any:
        """The error; None where it is not known."""
        scalar = isinstance(self.error, float)
        return None if scalar and math.isnan(self.error) else self.error


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted twin.

    Parameters
    ----------
    preset
        The base with the fitted parameters.
    fitted
        What was fitted; everything else is the base's.
    steps, distance
        Steps of the solution, and the largest difference that was left between chip and twin, in
        standard errors; 0 where everything was estimated directly.
    undetermined
        Parameters that a run was made to tell and does not, and why; they are the base's. Those
        that end where a fit of them ends are used as fitted, without an error; effects that
        a table does not need are off, also where the base has them.
    """

    preset: ChipPreset
    fitted: list[FittedParameter]
    steps: int
    distance: float
    undetermined: dict[str, str] = field(default_factory=dict)


def fit(
    runs: Sequence[MeasuredRun],
    base: ChipPreset,
    *,
    seed: int = 0,
    on_step: Callable[[int, float], None] | None = None,
) -> Fit:
    """Fit a twin to runs of one kind of chip.

    Parameters
    ----------
    runs
        From `load_runs`.
    base
        Preset of everything that the runs say nothing about.
    seed
        Of the first twin.
    on_step
        Called after each step with its number and the largest difference, in standard errors.

    Raises
    ------
    DataError
        If cells have no gates, no run tells a parameter, or cells of a column share an error that
        the base does not have: the board is to be calibrated first.
    """
    loads = [run.record.load for run in runs]
    if any(load is not None and not load.gates for load in loads):
        raise DataError(
            "these runs are of cells without gates, and what is fitted is a law of gate voltages: "
            "write what characterize set, reset and variation found into a chip's file (memlab "
            "chip new FILE --chip passive-tiox), and test it with memlab chip compare"
        )
    warn_of_loads("these runs", loads)
    _refuse_single_cells(runs)
    _refuse_shared_errors(runs, base, seed)
    fitted = _direct(runs)
    undetermined = _undetermined(runs, fitted)
    target = evidence.matched_estimates((run, run.record) for run in runs)
    # Repeated reads tell the noise of reading better than the dead cells of a staircase do;
    # everything else is told better by what was matched.
    for one in fitted:
        if one.procedure == "read-noise":
            target.pop(one.name, None)
    fitted = [one for one in fitted if one.name not in target]
    if not fitted and not target:
        kinds = ", ".join(sorted({run.procedure.name for run in runs}))
        why = "".join(f"; {name}: {text}" for name, text in undetermined.items())
        raise DataError(
            f"these runs ({kinds}) tell no parameter of the emulator; add a staircase{why}"
        )
    known = base.replace(**{one.name: one.value for one in fitted})
    if not target:
        return Fit(known, fitted, 0, 0.0, undetermined)
    if target.get("reset_conductance", 1.0) ** 2 < target.get("noise", 0.0):
        # A level below the noise of a pulse has no spread that could be seen.
        del target["spread.reset"]
    names = tuple(target)
    telling = [run for run in runs if evidence.matched_estimates([(run, run.record)])]

    def numbers(x: FloatArray, number: int) -> FloatArray:
        # Only these: each begins with a RESET of all its cells and asks nothing of the runs before.
        twin = simulate(telling, _with(known, names, x), seed + _SEEDS_APART * (number + 1))
        found = evidence.matched_estimates(twin)
        # A twin may have no stuck cells where the chip has some: it then says nothing of them.
        return np.array([found.get(name, target[name]) for name in names])

    solution = solve(
        numbers,
        np.array([target[name] for name in names]),
        np.array([_linked(name, known.parameter(name)) for name in names]),
        np.array([-np.inf if name == "set_offset" else 0.0 for name in names]),
        on_step,
    )
    preset = _with(known, names, solution.x)
    files = tuple(run.path.name for run in telling)
    for name, x, error in zip(names, solution.x, solution.error, strict=True):
        # The error of a deviation is that upwards: of one that is 0 there is no other.
        value, above = _unlinked(name, x), _unlinked(name, x + error)
        procedure = telling[0].procedure.name
        fitted.append(FittedParameter(name, value, above - value, files, procedure))
    undetermined = {name: why for name, why in undetermined.items() if name not in target}
    return Fit(preset, fitted, solution.steps, solution.distance, undetermined)


def _refuse_single_cells(runs: Sequence[MeasuredRun]) -> None:
    """Raise where a run has one cell: a twin has a spread of cells, which one does not tell."""
    for run in runs:
        if (cells := int(run.record.mask.sum())) < 2:
            raise DataError(
                f"{run.path.name} has {cells} cell; a twin needs at least 2, whose spread it takes "
                "(--rows 0:8). Nothing was fitted"
            )


def _refuse_shared_errors(runs: Sequence[MeasuredRun], base: ChipPreset, seed: int) -> None:
    """Raise where columns share more than those of the base do; the fit would take it for cells."""
    for run in runs:
        if run.procedure.name != "staircase":
            continue
        why = evidence.shared_error_of(run, run.record)
        if why and not evidence.shared_error_of(*simulate([run], base, seed)[0]):
            raise DataError(f"{run.path.name}: {why}. Nothing was fitted")


def _undetermined(runs: Sequence[MeasuredRun], fitted: Sequence[FittedParameter]) -> dict[str, str]:
    known = {one.name for one in fitted}
    missing = {name: why for run in runs for name, why in evidence.undetermined_by(run).items()}
    return {name: why for name, why in missing.items() if name not in known}


def _direct(runs: Sequence[MeasuredRun]) -> list[FittedParameter]:
    """Return the direct estimates; what several runs tell is averaged by its errors."""
    found: dict[str, list[tuple[MeasuredRun, float, float]]] = {}
    for run in runs:
        for name, (value, error) in evidence.direct_estimates(run).items():
            found.setdefault(name, []).append((run, value, error))
    fitted = []
    for name, each in found.items():
        value, error = each[0][1:]
        if len(each) > 1 and all(one[2] > 0.0 for one in each):
            weight = np.array([one[2] ** -2.0 for one in each])
            value = float(np.average([one[1] for one in each], weights=weight))
            error = float(weight.sum() ** -0.5)
        files = tuple(one[0].path.name for one in each)
        fitted.append(FittedParameter(name, value, error, files, each[0][0].procedure.name))
    return fitted


def _with(preset: ChipPreset, names: Sequence[str], x: FloatArray) -> ChipPreset:
    values = {name: _unlinked(name, value) for name, value in zip(names, x, strict=True)}
    return preset.replace(**values)


def _linked(name: str, value: float) -> float:
    return value**2 if name in evidence.SQUARED else value


def _unlinked(name: str, x: float) -> float:
    return float(max(x, 0.0) ** 0.5) if name in evidence.SQUARED else float(x)
