"""Trains of equal pulses: what a table of them shows, a fit, and the same on an emulated chip.

Each pulse goes the part p of the way that is left to its level,

    G_n = L - (L - G_0) (1 - p)^n    p = (w / t_full)^eta exp(-eta (v_full - v) / v_scale)

upwards for SETs, downwards for RESETs. From trains of one amplitude and width follows p alone:
`full_width` is then the width that would do it all at this amplitude. Trains of other amplitudes
tell v_scale, those of other widths eta.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from memlab.array.board_array import BoardArray
from memlab.emulator import ChipPreset, EmulatedBoard
from memlab.errors import DataError
from memlab.mapping import SwitchingLaw
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.statistics import quantiles, quartile_spread
from memlab.twin.tables import Table

__all__ = ["STATISTICS", "Trains", "fit_trains", "measured_trains", "run_train"]


STATISTICS = ("median", "spread between cells")
_SHAPE = (16, 64)
_FEWEST = 4
"""Pulses of a train from which a part is told."""

_MOST = 2000
"""Pulses of a train that are emulated."""

_VOLTAGE, _WIDTH = 2.5, 1e-6
"""Of pulses whose table does not say: those of the published operation."""


@dataclass(frozen=True, eq=False)
class Trains:
    """Readings of cells during equal pulses of one amplitude and width.

    Parameters
    ----------
    voltage, width
        Of each pulse, in V and s; magnitude.
    pulses
        Numbers of the pulses, rising; 0 is the reading before the first, shape (n,).
    conductance
        In S, shape (n, cells); NaN where a cell was not read.
    """

    voltage: float
    width: float
    pulses: FloatArray
    conductance: FloatArray

    @property
    def rises(self) -> bool:
        """Whether these are SETs."""
        medians = quantiles(self.conductance, (0.5,))[0]
        known = medians[np.isfinite(medians)]
        return bool(known[-1] > known[0])

    def statistics(self, cells: BoolArray | None = None) -> FloatArray:
        """Return what `STATISTICS` names in S, shape (2, n)."""
        chosen = self.conductance if cells is None else self.conductance[:, cells]
        return np.stack([quantiles(chosen, (0.5,))[0], quartile_spread(chosen, 3)])


def measured_trains(table: Table) -> list[Trains]:
    """Return the trains of a table, by amplitude and width.

    Raises
    ------
    DataError
        If a train has too few pulses.
    """
    n = table.cell.size
    voltage = np.abs(table.values.get("voltage", np.full(n, _VOLTAGE)))
    width = table.values.get("width", np.full(n, _WIDTH))
    settings, number = np.unique(np.stack([voltage, width]), axis=1, return_inverse=True)
    trains = []
    for k, (v, w) in enumerate(settings.T):
        lines = number.reshape(-1) == k
        pulses = np.unique(table.values["pulse"][lines])
        if pulses.size < _FEWEST:
            raise DataError(
                f"{table.path}: the train of {v:g} V and {w:g} s has {pulses.size} pulses; its "
                f"part is told by {_FEWEST} or more"
            )
        pulse = np.searchsorted(pulses, table.values["pulse"])
        conductance = table.laid_out("conductance", pulse, pulses.size, lines)
        trains.append(Trains(float(v), float(w), pulses, conductance))
    if len({train.rises for train in trains}) > 1:
        raise DataError(f"{table.path} holds trains of SETs and of RESETs: fit one after the other")
    return trains


def fit_trains(
    trains: list[Trains], base: ChipPreset
) -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """Return parameters of the emulator with one standard error, and which are not determined.

    Raises
    ------
    DataError
        If the trains do not tell which part of the way a pulse goes.
    """
    curves = [_curve(train) for train in trains]
    group = "set" if trains[0].rises else "reset"
    voltage = np.array([train.voltage for train in trains])
    width = np.array([train.width for train in trains])
    logs = np.array([np.log(curve.part) for curve in curves])
    error = np.array([curve.part_error / curve.part for curve in curves])
    law = getattr(base, group)
    exponent, scale = law.width_exponent, law.voltage_scale
    found, undetermined = {}, {}
    unknown = [np.ones(logs.size)]
    several_widths, several_voltages = np.ptp(width) > 0.0, np.ptp(voltage) > 0.0
    full_voltage = float(voltage.max())
    if several_widths:
        unknown.append(np.log(width))
    if several_voltages:
        unknown.append(voltage - full_voltage)
    if len(unknown) > logs.size:
        raise DataError(
            "trains of other amplitudes and other widths at once do not tell which of them did it"
        )
    design = np.stack(unknown, axis=1) / error[:, np.newaxis]
    solution = np.linalg.lstsq(design, logs / error, rcond=None)[0]
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    if several_widths:
        exponent = float(solution[1])
        if not exponent > 0.0:
            raise DataError("longer pulses do less in these trains: no power of the width tells it")
        found[f"{group}.width_exponent"] = (exponent, float(errors[1]))
    else:
        undetermined[f"{group}.width_exponent"] = "all pulses have one width"
    if several_voltages:
        steep = float(solution[-1])
        if not steep > 0.0:
            raise DataError("higher pulses do less in these trains: no law of the voltage tells it")
        scale = exponent / steep
        found[f"{group}.voltage_scale"] = (scale, scale * float(errors[-1]) / steep)
    else:
        undetermined[f"{group}.voltage_scale"] = "all pulses have one amplitude"
    # At the full voltage: log p = eta (log w - log t_full).
    constant = (
        float(solution[0]) if several_widths else float(solution[0]) - exponent * np.log(width[0])
    )
    full_width = float(np.exp(-constant / exponent))
    found[f"{group}.full_voltage"] = (full_voltage, np.nan)
    found[f"{group}.full_width"] = (full_width, full_width * float(errors[0]) / exponent)
    found |= _levels(curves, group)
    return found, undetermined


def run_train(preset: ChipPreset, train: Trains, seed: int, cells: BoolArray) -> FloatArray:
    """Return the statistics of a train on an emulated chip that begins as these cells did.

    Shape (2, n), in S. Its pulses are as wide and high as the table's, whatever a board can make;
    its gate is what brings a SET to the level of the train.
    """
    first = train.conductance[0, cells]
    first = first[np.isfinite(first)]
    if not first.size:
        return np.full((2, train.pulses.size), np.nan)
    level = float(_curve(train).level)
    gate = float(SwitchingLaw.of(preset).gate_voltage(level)) if train.rises else 5.0
    board = EmulatedBoard(preset, seed, _SHAPE)
    start = np.maximum(first[np.arange(_SHAPE[0] * _SHAPE[1]) % first.size], 0.0)
    rows, everywhere = np.arange(_SHAPE[0]), np.ones(_SHAPE, bool)
    found = np.full((train.pulses.size, start.size), np.nan)
    with BoardArray(board) as array:
        board.chip.leave(start.reshape(_SHAPE))
        done = train.pulses[0]
        for k, pulse in enumerate(train.pulses):
            if pulse - train.pulses[0] > _MOST:
                break
            while done < pulse:
                pulsed = board.chip.set_cells if train.rises else board.chip.reset_cells
                pulsed(
                    rows,
                    everywhere,
                    np.full(_SHAPE, gate),
                    voltage=train.voltage,
                    width=train.width,
                )
                done += 1
            found[k] = array.read_conductance().ravel()
    return Trains(train.voltage, train.width, train.pulses, found).statistics()


@dataclass(frozen=True)
class _Curve:
    """G_n = level - (level - start) (1 - part)^n of the cells of a train."""

    level: float
    level_error: float
    part: float
    part_error: float
    spread: float
    noise: float
    noise_error: float
    cells: int


def _curve(train: Trains) -> _Curve:
    """Fit the medians of the cells for the part, each cell for its level."""
    medians = quantiles(train.conductance, (0.5,))[0]
    known = np.isfinite(medians)
    n, medians = train.pulses[known] - train.pulses[known][0], medians[known]
    scale = abs(float(medians[-1] - medians[0])) or 1e-6

    def law(n: FloatArray, level: float, start: float, log_left: float) -> FloatArray:
        return level + (start - level) * np.exp(np.minimum(n * log_left, 50.0))

    try:
        guess = medians[-1] / scale, medians[0] / scale, np.log(0.5) / max(n[n.size // 4], 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # an infinite covariance says it too
            (level, _, log_left), covariance = curve_fit(law, n, medians / scale, guess)
    except RuntimeError as error:
        raise DataError(f"{_named(train)} follows no exponential towards a level") from error
    part = -np.expm1(log_left)
    if not (0.0 < part <= 1.0) or not np.isfinite(covariance).all():
        raise DataError(
            f"{_named(train)} does not tell which part of the way a pulse goes: it does not bend"
        )
    part_error = max(float(np.exp(log_left) * covariance[2, 2] ** 0.5), 1e-4 * part)
    levels, noise = [], []
    bend = np.exp(n * log_left)
    for readings in train.conductance[known].T:
        there = np.isfinite(readings)
        if np.count_nonzero(there) < _FEWEST:
            continue
        design = np.stack([1.0 - bend[there], bend[there]], axis=1)
        solution = np.linalg.lstsq(design, readings[there], rcond=None)[0]
        levels.append(solution[0])
        steps = np.flatnonzero(there[1:] & there[:-1] & (np.diff(n) == 1.0))
        expected = solution[0] + (readings[steps] - solution[0]) * np.exp(log_left)
        noise.append(np.std(readings[steps + 1] - expected) if steps.size > 2 else np.nan)
    spread = float(quartile_spread(np.array(levels), 3)) if levels else np.nan
    return _Curve(
        float(level) * scale,
        float(covariance[0, 0] ** 0.5) * scale,
        float(part),
        part_error,
        spread,
        *_median(np.array(noise)),
        len(levels),
    )


def _median(sample: FloatArray) -> tuple[float, float]:
    """Return a median and its standard error; NaN where there is none."""
    known = sample[np.isfinite(sample)]
    if known.size < 2:
        return (float(known[0]) if known.size else np.nan), np.nan
    return float(np.median(known)), 1.25 * float(quartile_spread(known)) / known.size**0.5


def _named(train: Trains) -> str:
    return f"the train of {train.voltage:g} V and {train.width:g} s"


def _levels(curves: list[_Curve], group: str) -> dict[str, tuple[float, float]]:
    """Return the spread of the levels, and the noise of a pulse: what one adds, over its part."""
    last = max(curves, key=lambda curve: curve.part)
    found = {}
    if group == "reset":
        found["reset_conductance"] = (max(last.level, 0.0), last.level_error)
    if np.isfinite(last.spread) and last.level > 0.0:
        relative = last.spread / last.level
        name = "spread.set_level" if group == "set" else "spread.reset"
        found[name] = (relative, 1.17 * relative / last.cells**0.5)
    if np.isfinite(last.noise):
        found["noise"] = (last.noise / last.part, last.noise_error / last.part)
    return found
