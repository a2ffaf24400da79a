"""What part of its way a pulse moves a cell, fitted to means over many cells.

The law of the emulator (`memlab.emulator.cells.switching`), in what can be seen of it at one pulse
width: a pulse of amplitude V does the part

    p(V) = min(1, exp(steepness (V - full_voltage))),    0 below the threshold

of the way to its level; a RESET below the full voltage also stops higher,

    level(V) = reset_conductance + depth_slope max(full_voltage - V, 0).

`steepness` is width_exponent / voltage_scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from memlab.characterize.statistics import CONVERTER_ERROR

__all__ = ["PulseLaw", "fit_reset", "fit_set"]

FloatArray = npt.NDArray[np.float64]

VISIBLE = 0.03
"""Part of the largest movement that counts as movement when the threshold is looked for."""


@dataclass(frozen=True, eq=False)
class PulseLaw:
    """A fitted law; `errors` are one standard error each, in the same order.

    What the data do not determine is NaN, with its error: a full voltage and a steepness need two
    amplitudes between the threshold and the full voltage.

    Parameters
    ----------
    threshold, threshold_error
        Middle in V of the step within which movement begins; the error of an even distribution.
    full_voltage
        In V.
    steepness
        In 1/V.
    level
        Of SET: the levels (S) of a full pulse at each gate voltage, above the start. Of RESET: the
        level (S) of a full pulse, and `depth_slope` (S/V).
    errors
        Of full_voltage, steepness, and level.
    """

    threshold: float
    threshold_error: float
    full_voltage: float
    steepness: float
    level: FloatArray
    errors: FloatArray


def fit_set(voltage: FloatArray, moved: FloatArray, error: FloatArray) -> PulseLaw:
    """Fit mean movements (S) of SET pulses at rising amplitudes (V).

    Parameters
    ----------
    moved, error
        Means, and their standard errors, shape (gates, voltages).
    """
    largest = moved.max(axis=1, keepdims=True)
    if not (largest > 0.0).any():
        return _undetermined(2 + len(moved))
    threshold, half, seen = _threshold(voltage, _relative(moved, largest))

    def model(x: FloatArray) -> FloatArray:
        return np.outer(x[2:], _part(voltage[seen], x[0], x[1]))

    start = np.concatenate([_start(voltage[seen], moved[:, seen].mean(axis=0)), largest[:, 0]])
    x, errors = _fit(model, moved[:, seen], error[:, seen], start, voltage[-1] - voltage[-2])
    _forget_full_voltage(voltage[seen], x, errors, [0, 1])
    return PulseLaw(threshold, half, x[0], x[1], x[2:], errors)


def fit_reset(
    voltage: FloatArray, found: FloatArray, error: FloatArray, before: FloatArray
) -> PulseLaw:
    """Fit mean conductances (S) after RESETs from several SET states, at rising amplitudes (V).

    Parameters
    ----------
    found, error
        Means, and their standard errors, shape (states, voltages). From a single state, a RESET
        that goes less far cannot be told from one that stops higher; two are needed for
        steepness and `depth_slope`.
    before
        Conductance of each state in S, shape (states,).
    """
    start = before[:, np.newaxis]
    moved = start - found
    largest = moved.max(axis=1, keepdims=True)
    if not (largest > 0.0).any():
        return _undetermined(4)
    relative = _relative(moved, largest)
    threshold, half, seen = _threshold(voltage, relative)
    v = voltage[seen]

    def model(x: FloatArray) -> FloatArray:
        level = x[2] + x[3] * np.maximum(x[0] - v, 0.0)
        found_at: FloatArray = start + _part(v, x[0], x[1]) * (level - start)
        return found_at

    first = np.array([*_start(v, relative[seen]), found.min(), 0.0])
    x, errors = _fit(model, found[:, seen], error[:, seen], first, voltage[-1] - voltage[-2])
    _forget_full_voltage(v, x, errors, [0, 1, 3])
    return PulseLaw(threshold, half, x[0], x[1], x[2:], errors)


def _undetermined(parameters: int) -> PulseLaw:
    """Return the law of cells that no pulse has moved."""
    nothing = np.full(parameters, np.nan)
    return PulseLaw(np.nan, np.nan, np.nan, np.nan, nothing[2:], nothing)


def _forget_full_voltage(
    voltage: FloatArray, x: FloatArray, errors: FloatArray, which: list[int]
) -> None:
    """Make NaN of these parameters where fewer than two amplitudes lie below the full voltage.

    From there on every pulse is a full one, and tells nothing of how it came to be; one alone
    below it tells how far it goes, which several pairs of full voltage and steepness explain.
    """
    if np.count_nonzero(voltage < x[0]) < 2:
        x[which] = errors[which] = np.nan


def _relative(moved: FloatArray, largest: FloatArray) -> FloatArray:
    """Return the mean part of the largest movement, of the series in which there is any."""
    moves = largest[:, 0] > 0.0
    relative: FloatArray = (moved[moves] / largest[moves]).mean(axis=0)
    return relative


def _part(voltage: FloatArray, full_voltage: float, steepness: float) -> FloatArray:
    part: FloatArray = np.exp(-steepness * np.maximum(full_voltage - voltage, 0.0))
    return part


def _threshold(
    voltage: FloatArray, relative: FloatArray
) -> tuple[float, float, npt.NDArray[np.bool_]]:
    """Return threshold and error (V), and which amplitudes lie above; NaN if all of them do."""
    first = int(np.argmax(relative > VISIBLE))
    seen = np.arange(voltage.size) >= first
    if first == 0:
        return np.nan, np.nan, seen
    step = voltage[first] - voltage[first - 1]
    return float(voltage[first] - 0.5 * step), float(step / 12**0.5), seen


def _start(voltage: FloatArray, moved: FloatArray) -> list[float]:
    """Return a first guess of full voltage and steepness."""
    largest = moved.max()
    if not largest > 0.0:
        return [float(voltage[0]), 1.0]
    part = moved / largest
    full = float(voltage[np.argmax(part > 0.97)])
    below = (voltage < full) & (part > 0.0)
    if not below.any():
        return [full, 1.0]
    slope = np.log(part[below]) / (voltage[below] - full)
    return [full, max(float(slope.mean()), 0.1)]


def _fit(
    model: Callable[[FloatArray], FloatArray],
    data: FloatArray,
    error: FloatArray,
    start: FloatArray,
    step: float,
) -> tuple[FloatArray, FloatArray]:
    """Fit by weighted least squares; where the law does not hold, errors grow with the scatter."""
    if data.size <= start.size:
        return np.full(start.size, np.nan), np.full(start.size, np.nan)
    scale = np.abs(data).max() or 1.0  # after full RESETs of ideal cells everything is 0 S
    unit = np.concatenate([[1.0, 1.0], np.full(start.size - 2, scale)])
    weight = 1.0 / np.hypot(error, CONVERTER_ERROR)

    def residual(x: FloatArray) -> FloatArray:
        return ((model(x * unit) - data) * weight).ravel()

    # The law has a corner at the full voltage: from the wrong side of an amplitude it is not found.
    tries = [
        least_squares(residual, [full, *(start / unit)[1:]], xtol=1e-12, ftol=1e-12)
        for full in start[0] - step * np.array([0.0, 0.5, 1.0])
    ]
    fit = min(tries, key=lambda one: float(one.cost))
    scatter = 2.0 * float(fit.cost) / (data.size - start.size)
    jacobian = np.asarray(fit.jac)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * max(1.0, scatter)
    variance = np.maximum(np.diag(covariance), 0.0)  # rounding, where nothing depends on one
    return fit.x * unit, np.sqrt(variance) * unit
