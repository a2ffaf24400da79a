"""What calibration can undo of a board's errors, and the formulas that undo it.

A line's offset and gain, an amplifier's offset, feedback resistor and ADC offset are static: once
known they can be subtracted. Noise, clipping, settling and drift cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers import max11046

__all__ = ["CalibrationRecord"]

FloatArray = npt.NDArray[np.float64]

_FULL_SCALE = 5.0
_MID_CODE = 32768


@dataclass(frozen=True, eq=False)
class CalibrationRecord:
    """Static errors of a board, in SI units.

    Parameters
    ----------
    row_offset, row_gain, row_inl
        Of the row DACs: V, relative, V; shape (rows,).
    amplifier_offset, adc_offset
        Of the columns: V at the summing node, ADC codes; shape (columns,).
    transimpedance
        True feedback resistance in V/A, shape (gains, columns).
    """

    row_offset: FloatArray
    row_gain: FloatArray
    row_inl: FloatArray
    amplifier_offset: FloatArray
    adc_offset: FloatArray
    transimpedance: FloatArray

    def row_voltage(self, nominal: npt.ArrayLike) -> FloatArray:
        """Return what the row lines really make of nominal voltages (V), shape (..., rows)."""
        asked = np.asarray(nominal, np.float64)
        u = asked / _FULL_SCALE
        bow = 1.5 * 3.0**0.5 * (u**3 - u)
        made: FloatArray = asked * (1.0 + self.row_gain) + self.row_offset + self.row_inl * bow
        return made

    def request(self, wanted: npt.ArrayLike) -> FloatArray:
        """Return the nominal voltages (V) that make the row lines give the wanted ones.

        Three steps of fixed-point iteration, each of which reduces the error by the size of gain
        and INL errors, about 1e-3: what is left is far below a DAC step.
        """
        target = np.asarray(wanted, np.float64)
        nominal = target.copy()
        for _ in range(3):
            nominal = nominal + (target - self.row_voltage(nominal))
        return nominal

    def current(
        self,
        code: npt.NDArray[np.uint16],
        gain: npt.NDArray[np.uint8],
        column_conductance: npt.ArrayLike,
    ) -> FloatArray:
        """Return the currents (A) behind ADC codes, shape (..., columns), with errors undone.

        `column_conductance` is the summed conductance (S) of each column in use, as read: the
        offset of an amplifier grows with it.
        """
        index = gain.astype(np.intp) - 1
        R = self.transimpedance[index, np.arange(self.adc_offset.size)]
        volts = (code.astype(np.float64) - _MID_CODE - self.adc_offset) * max11046.STEP
        through_chip = self.amplifier_offset * np.asarray(column_conductance)
        current: FloatArray = (self.amplifier_offset - volts) / R + through_chip
        return current
