"""What calibration can undo of a board's errors, and the formulas that undo it.

A line's offset and gain, an amplifier's offset, feedback resistor and ADC offset are static: once
known they can be subtracted. Noise, clipping, settling and drift cannot.

    row        V = V_nominal (1 + g) + o + c s(V_nominal / 5 V)
    amplifier  V_out = V_os - R_f (I - V_os G_column)
    ADC        code = 32768 + V_out / LSB + o_adc

Voltages have no absolute zero here: o and V_os may all be shifted by one voltage, and o_adc by its
negative, without changing any code. A record fixes that shift in one way or another.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.converter import Converter
from memlab.numeric import FloatArray

__all__ = ["CalibrationRecord"]

Lines = npt.NDArray[np.intp]

_FULL_SCALE = 5.0
"""V, at which the bow of a record is 0 again."""


@dataclass(frozen=True, eq=False)
class CalibrationRecord:
    """Static errors of a board, in SI units.

    Parameters
    ----------
    row_offset, row_gain, row_inl
        Of the row DACs: V, relative, V; shape (rows,).
    amplifier_offset
        V_os of the columns, V at the summing node, shape (columns,).
    adc_offset
        ADC codes, shape (columns,), or (gains, columns) where it depends on the gain.
    transimpedance
        True feedback resistance in V/A, shape (gains, columns).
    """

    row_offset: FloatArray
    row_gain: FloatArray
    row_inl: FloatArray
    amplifier_offset: FloatArray
    adc_offset: FloatArray
    transimpedance: FloatArray

    @classmethod
    def nominal(cls, rows: int, columns: int, transimpedance: npt.ArrayLike) -> Self:
        """Return the record of a board without errors; `transimpedance` (V/A) is by gain."""
        R = np.asarray(transimpedance, np.float64)
        return cls(
            row_offset=np.zeros(rows),
            row_gain=np.zeros(rows),
            row_inl=np.zeros(rows),
            amplifier_offset=np.zeros(columns),
            adc_offset=np.zeros((R.size, columns)),
            transimpedance=np.repeat(R[:, np.newaxis], columns, axis=1),
        )

    def part(self, rows: Lines, columns: Lines) -> Self:
        """Return the record of some lines, in this order."""
        return type(self)(
            row_offset=self.row_offset[rows],
            row_gain=self.row_gain[rows],
            row_inl=self.row_inl[rows],
            amplifier_offset=self.amplifier_offset[columns],
            adc_offset=self.adc_offset[..., columns],
            transimpedance=self.transimpedance[:, columns],
        )

    def arrays(self) -> dict[str, FloatArray]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

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

    def input_current(
        self, code: npt.NDArray[np.integer], gain: npt.NDArray[np.uint8], adc: Converter
    ) -> FloatArray:
        """Return I - V_os G_column (A): what flows into the amplifiers, shape (..., columns)."""
        index = gain.astype(np.intp) - 1
        column = np.arange(self.amplifier_offset.size)
        R = self.transimpedance[index, column]
        offset = np.broadcast_to(self.adc_offset, self.transimpedance.shape)[index, column]
        volts = (code.astype(np.float64) - adc.zero_code - offset) * adc.step
        current: FloatArray = (self.amplifier_offset - volts) / R
        return current

    def current(
        self,
        code: npt.NDArray[np.integer],
        gain: npt.NDArray[np.uint8],
        adc: Converter,
        column_conductance: npt.ArrayLike,
    ) -> FloatArray:
        """Return the currents (A) behind ADC codes, shape (..., columns), with errors undone.

        `column_conductance` is the summed conductance (S) of each column in use, as read: the
        offset of an amplifier grows with it.
        """
        through_chip = self.amplifier_offset * np.asarray(column_conductance)
        current: FloatArray = self.input_current(code, gain, adc) + through_chip
        return current
