"""What is measured for a calibration from on-board references. It only reads.

One pass measures, at every gain, the same voltages:

    singles   each row alone, at both signs of voltages from the read limit down to a fiftieth of
              it, around the voltage at which the row is thought to carry no current
    groups    all rows at once, random vectors of many sizes, for ranges that no single cell fills

Voltages are dithered, because a reading that falls on the same code again averages nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drivers.converter import Codes
from memlab.array import nearest_step
from memlab.array.board_array import BoardArray
from memlab.errors import SaturationWarning
from memlab.numeric import FloatArray

__all__ = ["Readings", "measure_pass"]


_LEVELS = np.array([1.0, 0.5, 0.2, 0.1, 0.05, 0.02])
"""Of a single row, in parts of the read limit; each is used with both signs."""
LEVELS = 2 * _LEVELS.size
_DITHER = 0.8
"""A level is multiplied by a random number between this and 1."""
_SMALLEST_GROUP = 1.0 / 128.0
"""Smallest vector of all rows, in parts of the read limit."""


@dataclass(frozen=True, eq=False)
class Readings:
    """Codes of one pass, or of several joined along the first axis.

    Parameters
    ----------
    single_voltage
        Nominal voltage (V) of the row that is driven, shape (passes, rows, levels).
    single_code
        ADC codes, shape (passes, rows, levels, gains, columns).
    group_dac_code
        Row DAC codes of the vectors, shape (passes, vectors, rows).
    group_code
        ADC codes, shape (passes, vectors, gains, columns).
    """

    single_voltage: FloatArray
    single_code: Codes
    group_dac_code: Codes
    group_code: Codes

    def joined(self, other: Readings) -> Readings:
        """Return both, this one first."""
        mine, its = vars(self), vars(other)
        return Readings(**{name: np.concatenate([mine[name], its[name]]) for name in mine})


def measure_pass(
    array: BoardArray,
    zero: FloatArray,
    vectors: int,
    rng: np.random.Generator,
    on_row: Callable[[int], None],
) -> Readings:
    """Measure one pass.

    Parameters
    ----------
    array
        The whole array, without a calibration: nominal voltages and raw codes are what counts.
    zero
        Nominal voltage (V) at which each row is thought to carry no current, shape (rows,).
    vectors
        Vectors of all rows.
    rng
        Chooses the voltages.
    on_row
        Called after each row with its number; what it raises ends the pass.
    """
    limit = array.limits.read_voltage
    gains = range(1, len(array.board.capabilities.transimpedance) + 1)
    rows, columns = array.shape
    single_voltage = np.empty((rows, LEVELS))
    sense = array.board.capabilities.sense
    single_code = np.empty((rows, LEVELS, len(gains), columns), sense.dtype)
    with warnings.catch_warnings():
        # The high gains clip wherever a cell conducts well; those codes are left out.
        warnings.simplefilter("ignore", SaturationWarning)
        for row in range(rows):
            size = limit * _LEVELS * rng.uniform(_DITHER, 1.0, _LEVELS.size)
            asked = np.concatenate([size, -size])
            # What the shift would push beyond the limit is measured at the limit.
            asked = np.clip(asked + zero[row], -limit, limit)
            dac_code, single_code[row] = _at_all_gains(array[row], asked[:, np.newaxis], gains)
            single_voltage[row] = array.board.capabilities.row.decode(dac_code[:, 0])
            on_row(row)
        size = limit * np.geomspace(1.0, _SMALLEST_GROUP, vectors)[:, np.newaxis]
        # Every other vector has one sign on all rows, so that poor conductors fill a range too.
        pattern = rng.uniform(-1.0, 1.0, (vectors, rows))
        pattern[::2] = rng.choice([-1.0, 1.0], (len(pattern[::2]), 1))
        pattern[::2] *= rng.uniform(_DITHER, 1.0, pattern[::2].shape)
        group_dac_code, group_code = _at_all_gains(array, size * pattern, gains)
    return Readings(
        single_voltage=single_voltage[np.newaxis],
        single_code=single_code[np.newaxis],
        group_dac_code=group_dac_code[np.newaxis],
        group_code=group_code[np.newaxis],
    )


def _at_all_gains(view: BoardArray, voltage: FloatArray, gains: range) -> tuple[Codes, Codes]:
    """Return DAC codes, shape (n, rows), and ADC codes, shape (n, gains, columns)."""
    # Codes are what counts, so where the wire carries steps only, the nearest ones do.
    voltage = nearest_step(voltage, view.input_voltage_step)
    measured = [view.measure_vmm(voltage, gain=gain) for gain in gains]
    dac_code, codes = measured[0].dac_code, [one.adc_code for one in measured]
    assert dac_code is not None
    return dac_code, np.stack([code for code in codes if code is not None], axis=1)
