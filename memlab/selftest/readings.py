"""What the self-test reads: each row alone, random vectors at every gain, and repetitions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.converter import Converter
from memlab.array import Measurement, nearest_step
from memlab.array.board_array import BoardArray
from memlab.errors import SaturationWarning
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Readings", "take_readings"]

Codes = npt.NDArray[np.int64]

REPEATS = 64
"""Vectors at 0 V, for the noise of a channel."""
VECTORS = 192
"""Random vectors, which bring an ADC to as many codes."""
_TURNS = 24
"""Parts of the random vectors, each measured at every gain."""
_PULSED = 16
"""Vectors of either sign that are followed by one at 0 V."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read of an array; codes are those of the ADC from its middle.

    Parameters
    ----------
    volts
        The largest row voltage.
    zero_code
        At gain 1 with all rows at 0 V, shape (repeats, columns).
    alone
        Current (A) of each row alone at 0, +V, -V and +V/2, shape (4, rows, columns); NaN where the
        amplifier clipped.
    conductance
        With all rows connected, in S, shape (rows, columns); NaN where the amplifier clipped.
    vectors
        Random voltages in V, shape (vectors, rows).
    code, current, clipped
        What came of them at each gain from 1 on, shape (gains, vectors, columns); current in A.
    sense
        What the codes stand for.
    after
        Current (A) at 0 V after all rows had been at +V and at -V, and before, at those, shape
        (4, repeats, columns): at +V, after +V, at -V, after -V.
    """

    volts: float
    zero_code: Codes
    alone: FloatArray
    conductance: FloatArray
    vectors: FloatArray
    code: Codes
    current: FloatArray
    clipped: BoolArray
    after: FloatArray
    sense: Converter


def take_readings(array: BoardArray, rng: np.random.Generator) -> Readings:
    """Read everything that the checks look at; no cell is pulsed."""
    volts = _largest_voltage(array)
    rows = array.shape[0]
    zero = _measure(array, np.zeros((REPEATS, rows)), 1)
    steps = np.array([[0.0], [volts], [-volts], [volts / 2]])
    alone = np.stack([_unclipped(_measure(array[[i]], steps, 0)) for i in range(rows)], axis=1)
    # The rise from -V to +V: offsets, which many rows make large, are in neither.
    both = np.concatenate([np.eye(rows), -np.eye(rows)]) * volts
    plus, minus = _unclipped(_measure(array, both, 0)).reshape(2, rows, -1)
    conductance = (plus - minus) / (2 * volts)
    # No vector exceeds the largest voltage by its rounding: that lies on a step itself.
    vectors = nearest_step(rng.uniform(-volts, volts, (VECTORS, rows)), array.input_voltage_step)
    gains = range(1, 1 + min(3, len(array.board.capabilities.transimpedance)))
    # In turns: what the cells do meanwhile is then the same for each gain.
    parts = [[_measure(array, part, g) for g in gains] for part in np.split(vectors, _TURNS)]
    found = [[turn[k] for turn in parts] for k in range(len(gains))]
    return Readings(
        volts,
        _codes(zero),
        alone,
        conductance,
        vectors,
        np.stack([np.concatenate([_codes(one) for one in turns]) for turns in found]),
        np.stack([np.concatenate([one.value for one in turns]) for turns in found]),
        np.stack([np.concatenate([one.saturated for one in turns]) for turns in found]),
        _after(array, volts, conductance),
        array.board.capabilities.sense,
    )


def _after(array: BoardArray, volts: float, conductance: FloatArray) -> FloatArray:
    able = array.board.capabilities
    sums = np.nansum(conductance, axis=0)
    # No column that works comes near its clip level; the others are left out where they clip.
    most = 0.5 * able.clip / able.transimpedance[0] / max(float(sums.max()), 1e-9)
    height = float(nearest_step(np.array([min(volts, most)]), array.input_voltage_step)[0])
    cycle = np.array([height, 0.0, -height, 0.0])
    vectors = np.repeat(np.tile(cycle, _PULSED)[:, np.newaxis], array.shape[0], axis=1)
    current = _unclipped(_measure(array, vectors, 1))
    return current.reshape(_PULSED, 4, -1).swapaxes(0, 1)


def _largest_voltage(array: BoardArray) -> float:
    """Return the read voltage, on a step whose half is one too."""
    step = array.input_voltage_step or array.board.capabilities.row.step
    return float(np.floor(array.operating_point.read_voltage / (2 * step) + 1e-9) * 2 * step)


def _measure(array: BoardArray, voltage: FloatArray, gain: int) -> Measurement:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)  # clipped readings are left out
        return array.measure_vmm(voltage, gain=gain)


def _unclipped(measurement: Measurement) -> FloatArray:
    return np.where(measurement.saturated, np.nan, measurement.value)


def _codes(measurement: Measurement) -> Codes:
    assert measurement.adc_code is not None
    assert measurement.sense is not None
    return measurement.adc_code.astype(np.int64) - measurement.sense.zero_code


def in_volts(code: Codes, sense: Converter) -> FloatArray:
    """Return ADC codes from the middle as V."""
    return np.multiply(code, sense.step, dtype=np.float64)
