"""The analogue front end: DAC lines, amplifiers and ADC channels with their static errors.

    line       V = V_nominal (1 + g) + o + c s(V_nominal / V_full),    s(u) = 3 sqrt(3)/2 (u^3 - u)
    settled    V - (V - V_before) exp(-t_settle / tau)
    amplifier  V_out = V_os - R_f (1 + m) (I - V_os G_column)
    settled    I - (I - I_before) exp(-t_hold / tau),    tau = (R_f C / (2 pi GBW))^(1/2)
    ADC        code = 32768 + u + c_adc s(u / 32768),    u = V_out / LSB + o_adc

g, o, c belong to a line; V_os, o_adc and c_adc to a column; m to a column and a gain. All are drawn
once. An amplifier with the capacitance C of its column settles from the current of the vector
before, until the sample is held: after the settling time and the row pulse so far. (Board reference
3: the pole of a compensated amplifier. What the vector before had not reached is of second order.)
s is the bow of an INL curve, at most 1. Voltages are rounded to the 2^-20 V grid.

Variance of the noise at the ADC for one column at one gain, in volts squared (B a bandwidth):

    (noise_adc LSB)^2 + B (4 k_B T R_f + (e_n (1 + R_f G_col))^2) + B_cells 4 k_B T R_f^2 G_col

V^2 @ variance of the cells, times R_f^2, comes on top. B is at most pi/2 times the gain's pole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.board import Capabilities
from drivers.converter import Codes, Converter
from memlab.calibration.static_errors import CalibrationRecord
from memlab.emulator.cells.drift import BOLTZMANN
from memlab.emulator.grid import VOLT_GRID, grid_volts
from memlab.emulator.preset import ChipPreset
from memlab.emulator.profile import DacParameters
from memlab.emulator.readout import KEPT, Operands
from memlab.emulator.seeds import generator_for
from memlab.numeric import FloatArray

__all__ = ["ColumnErrors", "ColumnSettling", "DacLines", "FrontEnd"]

Lines = npt.NDArray[np.intp]

_BOW = 1.5 * 3.0**0.5
"""1 over the largest u^3 - u between 0 and 1."""

_NOTHING = 2.0**-30
"""A part of a step that no ADC can see."""


class DacLines:
    """The DAC channels of one class of lines."""

    def __init__(self, parameters: DacParameters, lines: int, rng: np.random.Generator):
        def fixed(deviation: float) -> FloatArray:
            return deviation * rng.standard_normal(lines)

        # All three are drawn, whatever their size: switching one on does not change the others.
        self.offset, self.gain, self.inl = (
            fixed(parameters.offset),
            fixed(parameters.gain),
            fixed(parameters.inl),
        )
        self.exact = not (parameters.offset or parameters.gain or parameters.inl)
        """True when every line makes exactly its nominal voltage."""

    def grid_volts(self, code: Codes, span: Converter, lines: Lines) -> FloatArray:
        """Return what the lines make of codes, shape (..., lines), in whole 2^-20 V."""
        nominal = grid_volts(code, span)
        if self.exact:
            return nominal
        # The error is added to the nominal voltage, so that a line without one stays exact.
        full = max(-span.minimum, span.maximum) * VOLT_GRID
        bow = self.inl[lines] * (_BOW * VOLT_GRID)
        error = nominal * nominal
        error *= bow / full**3
        error += self.gain[lines] - bow / full
        error *= nominal
        error += self.offset[lines] * VOLT_GRID
        nominal += error
        return np.rint(nominal, out=nominal)

    def volts(self, code: Codes, span: Converter, lines: Lines) -> FloatArray:
        """Return what the lines make of codes, shape (..., lines), in V."""
        return self.grid_volts(code, span, lines) / VOLT_GRID


@dataclass(frozen=True, eq=False)
class ColumnErrors:
    """What amplifiers and ADCs of some columns add, at each gain; last axis the columns, or one.

    Parameters
    ----------
    scale
        ADC codes per ampere (negative, the amplifier inverts), shape (gains, columns or 1).
    offset
        In codes, of the columns, or None.
    current
        In A, of the columns, or None: what the amplifiers' offsets drive through the chip. It is
        part of what the automatic gain sees.
    variance
        Of the noise, in codes squared, same shape, or None.
    bow
        Of the ADCs' transfer curves at its largest, in codes, of the columns, or None.
    """

    scale: FloatArray
    offset: FloatArray | None
    current: FloatArray | None
    variance: FloatArray | None
    bow: FloatArray | None = None


class ColumnSettling:
    """Amplifiers that have not reached the current of a vector when it is sampled.

    Parameters
    ----------
    unsettled
        The part of a step that is missing at each gain, shape (gains,).
    columns
        The columns sensed.
    before
        Currents of all columns before the first vector, in the units of the product; kept up to
        date.
    """

    def __init__(self, unsettled: FloatArray, columns: Lines, before: FloatArray):
        self.unsettled = unsettled[:, np.newaxis]
        self._columns, self._before = columns, before

    def steps(self, current: FloatArray) -> FloatArray:
        """Return by how much each vector's current differs from that before it, same shape."""
        step = current.copy()
        step[0] -= self._before[self._columns]
        step[1:] -= current[:-1]
        self._before[...] = 0.0
        self._before[self._columns] = current[-1]
        return step


class FrontEnd:
    """Static errors of one board, drawn from its seed.

    Parameters
    ----------
    preset
        `board` holds the sizes; `temperature` and `read_noise.bandwidth` make thermal noise.
    shape
        (rows, columns) of the array.
    capabilities
        Of the board: R_f of each gain in V/A, and the ADC.
    rng
        Parent of the generators of the errors.
    """

    def __init__(
        self,
        preset: ChipPreset,
        shape: tuple[int, int],
        capabilities: Capabilities,
        rng: np.random.Generator,
    ):
        board = preset.board
        self._preset = preset
        self._resistance = np.array(capabilities.transimpedance)[:, np.newaxis]
        self._step = capabilities.sense.step
        self.rows = DacLines(board.dac, shape[0], generator_for(rng, "dac.rows"))
        self.columns = DacLines(board.dac, shape[1], generator_for(rng, "dac.columns"))
        self.gates = DacLines(board.dac, shape[1], generator_for(rng, "dac.gates"))
        channel = generator_for(rng, "channels")
        self._amplifier_offset = board.amplifier.offset * channel.standard_normal(shape[1])
        self._adc_offset = board.adc.offset * channel.standard_normal(shape[1])
        self._mismatch = board.amplifier.mismatch * channel.standard_normal(
            (len(capabilities.transimpedance), shape[1])
        )
        self._static: dict[bytes, ColumnErrors] = {}
        inl = generator_for(rng, "channels.inl")
        self._adc_inl = board.adc.inl * inl.standard_normal(shape[1])
        self.injected = np.zeros(shape[1])
        """Current (A) that an instrument drives into the amplifiers' inputs, shape (columns,)."""

    def column_errors(self, columns: Lines, operands: Operands) -> ColumnErrors:
        """Return scale, offset and noise of these columns with this chip below them.

        The same object where the chip makes no difference.
        """
        G, static = operands.column_conductance, self._static_errors(columns)
        current = None
        if static.offset is not None:
            # V_os (1 + R G) at the output is V_os, and the current -V_os G at the input.
            current = -self._amplifier_offset[columns] * G
        if self.injected.any():
            current = self.injected[columns] + (0.0 if current is None else current)
        variance = self._noise(G)
        if current is None and variance is None:
            return static
        return ColumnErrors(static.scale, static.offset, current, variance, static.bow)

    def unsettled(self, hold: float) -> FloatArray | None:
        """Return the part of a step of current that is missing a time (s) after it, at each gain.

        None where that is nothing, at any gain.
        """
        amplifier = self._preset.board.amplifier
        if not amplifier.column_capacitance:
            return None
        pole = amplifier.pole(self._resistance[:, 0])
        missing: FloatArray = np.exp(-2.0 * np.pi * hold * pole)
        return missing if float(missing.max()) > _NOTHING else None

    def _static_errors(self, columns: Lines) -> ColumnErrors:
        """Return what does not change; the same object for the last few selections of columns."""
        key = columns.tobytes()
        if key in self._static:
            return self._static[key]
        amplifier, adc = self._preset.board.amplifier, self._preset.board.adc
        scale, offset = -self._resistance / self._step, None
        if amplifier.mismatch:
            scale = scale * (1.0 + self._mismatch[:, columns])
        if amplifier.offset or adc.offset:
            offset = self._amplifier_offset[columns] / self._step + self._adc_offset[columns]
        bow = _BOW * self._adc_inl[columns] if adc.inl else None
        if len(self._static) == KEPT:
            self._static.clear()
        static = self._static[key] = ColumnErrors(scale, offset, None, None, bow)
        return static

    def _noise(self, G: FloatArray) -> FloatArray | None:
        amplifier, adc = self._preset.board.amplifier, self._preset.board.adc
        cells = self._preset.read_noise.bandwidth
        if not (amplifier.thermal_bandwidth or adc.noise or cells):
            return None
        R = self._resistance
        thermal = 4.0 * BOLTZMANN * self._preset.temperature
        pole = 0.5 * np.pi * amplifier.pole(R)
        bandwidth = np.minimum(amplifier.thermal_bandwidth, pole)
        volts: FloatArray = bandwidth * thermal * R
        if amplifier.voltage_noise:
            volts = volts + bandwidth * (amplifier.voltage_noise * (1.0 + R * G)) ** 2
        if cells:
            volts = volts + np.minimum(cells, pole) * thermal * R**2 * G
        return adc.noise**2 + volts / self._step**2

    def calibration(self) -> CalibrationRecord:
        """Return the true static errors: what a perfect calibration would find."""
        return CalibrationRecord(
            row_offset=self.rows.offset.copy(),
            row_gain=self.rows.gain.copy(),
            row_inl=self.rows.inl.copy(),
            amplifier_offset=self._amplifier_offset.copy(),
            adc_offset=self._adc_offset.copy(),
            transimpedance=self._resistance * (1.0 + self._mismatch),
        )
