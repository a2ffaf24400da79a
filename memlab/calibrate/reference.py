"""Absolute scale from a reference SMU: what the board's own readings cannot know.

Rows. The SMU, sourcing 0 A, is a voltmeter of high impedance at the output of a row's DAC. A DAC
keeps the code of the last vector, so that the voltage can be measured after the vector has passed.
A line through several voltages is the row's gain; where it crosses zero is its offset.

Columns. The SMU drives +I and -I into a column's amplifier, with one row selected that carries no
current. The difference of the two codes is -2 I R_f / LSB, whatever the offsets and the cell. Its
voltage is limited to the read limit: should it be connected to anything but a virtual ground, cells
see no more than in a read.

That DAC outputs keep their voltage between vectors, and that an amplifier's input can be reached,
are properties of the board that this has not been tried on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from drivers.smu import ReferenceSmu
from memlab.array.board_array import BoardArray
from memlab.calibrate.lines import QUANTISATION
from memlab.calibrate.onboard import Estimate
from memlab.errors import SaturationWarning
from memlab.numeric import FloatArray

__all__ = ["Connect", "Probe", "RowScale", "anchor", "measure_columns", "measure_rows"]


_INL_SLOPE = 1.5 * 3.0**0.5 * 2e-4 / 5.0
"""Relative slope at 0 V of a bow of 0.2 mV in 5 V, assumed: a third of the 4 LSB that the maker
allows (the presets' source of `board.dac.inl`)."""
_ROW_LEVELS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Voltages of a row, in parts of the read limit."""
_METER_LIMIT = 6.0
"""V: above anything that a DAC can make, so that the voltmeter never loads it."""
_FULL_SCALE = 0.8
"""Part of the range of automatic gain that the reference current fills."""
_REPEATS, _CODE_REPEATS = 4, 16
"""Readings of each voltage by the SMU, and of each current by the board."""


@dataclass(frozen=True)
class Probe:
    """Where the SMU is to be connected."""

    kind: Literal["row", "column"]
    line: int

    @property
    def text(self) -> str:
        """What to tell the operator."""
        if self.kind == "row":
            return f"Connect the SMU (HI, LO to board ground) to the DAC output of row {self.line}"
        return (
            f"Connect the SMU (HI, LO to board ground) to the amplifier input of column {self.line}"
        )


Connect = Callable[[Probe], None]
"""Returns when the SMU is connected as told; raises to give up."""


@dataclass(frozen=True, eq=False)
class RowScale:
    """Gain error (relative) and offset (V) of rows, and one standard error of each."""

    gain: FloatArray
    offset: FloatArray
    gain_error: FloatArray
    offset_error: FloatArray


def measure_rows(
    array: BoardArray, smu: ReferenceSmu, rows: npt.NDArray[np.intp], connect: Connect
) -> RowScale:
    """Measure gain and offset of rows; NaN for those that are not among `rows`.

    Drives one row at a time within the read limit; cells are not changed.
    """
    n = array.shape[0]
    found = RowScale(*(np.full(n, np.nan) for _ in range(4)))
    voltage = np.zeros((_ROW_LEVELS.size, n))
    for row in rows:
        smu.output_off()
        connect(Probe("row", int(row)))
        smu.source_current(0.0, _METER_LIMIT)
        voltage[:, row] = _ROW_LEVELS * array.limits.read_voltage
        nominal, made = _read_back(array, smu, voltage, int(row))
        voltage[:, row] = 0.0
        centre = nominal.mean()
        information = float(((nominal - centre) ** 2).sum())
        slope = float(((nominal - centre) * made).sum()) / information
        residual = made - made.mean() - slope * (nominal - centre)
        noise = float((residual**2).sum()) / (nominal.size - 2)
        found.gain[row] = slope - 1.0
        found.offset[row] = made.mean() - slope * centre
        # Within the read limit the bow of the INL is a straight line: nothing tells it from a gain.
        found.gain_error[row] = np.hypot(
            np.sqrt(noise / information), np.hypot(smu.voltage_accuracy, _INL_SLOPE)
        )
        found.offset_error[row] = np.sqrt(noise * (1.0 / nominal.size + centre**2 / information))
    smu.output_off()
    return found


def _read_back(
    array: BoardArray, smu: ReferenceSmu, vectors: FloatArray, row: int
) -> tuple[FloatArray, FloatArray]:
    """Apply vectors one by one; return nominal and measured voltages (V) of a row."""
    nominal, made, converter = [], [], array.board.capabilities.row
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)  # the currents do not matter here
        for vector in vectors:
            dac_code = array.measure_vmm(vector, gain=1).dac_code
            assert dac_code is not None
            nominal += [float(converter.decode(dac_code[row]))] * _REPEATS
            made += [smu.measure_voltage() for _ in range(_REPEATS)]
    return np.array(nominal), np.array(made)


def measure_columns(
    array: BoardArray,
    smu: ReferenceSmu,
    columns: npt.NDArray[np.intp],
    row: npt.NDArray[np.intp],
    rest: FloatArray,
    connect: Connect,
) -> tuple[FloatArray, FloatArray]:
    """Measure the transimpedance (V/A) of columns at every gain, and one standard error.

    Parameters
    ----------
    array, smu, columns, connect
        As in `measure_rows`.
    row
        Row that is selected for each column of the array, shape (columns,); a cell that conducts
        little adds little noise.
    rest
        Nominal voltage (V) of that row at which no current flows into the column, same shape.

    Returns
    -------
    Two arrays of shape (gains, columns); NaN for columns that are not among `columns`.

    Raises
    ------
    DeviceError
        If the SMU cannot drive its current: it is not at an amplifier's input.
    """
    able, limit = array.board.capabilities, array.limits.read_voltage
    R = np.full((len(able.transimpedance), array.shape[1]), np.nan)
    error = R.copy()
    for column in columns:
        smu.output_off()
        connect(Probe("column", int(column)))
        view = array[row[column], column]
        at_rest = np.full((_CODE_REPEATS, 1), rest[column])
        for k, nominal in enumerate(able.transimpedance):
            current = _FULL_SCALE * able.gain_threshold / nominal
            codes = []
            for sign in (1.0, -1.0):
                smu.source_current(sign * current, limit)
                smu.measure_voltage()  # raises at the limit
                code = view.measure_vmm(at_rest, gain=k + 1).adc_code
                assert code is not None
                codes.append(code.astype(np.float64))
            volts = (codes[1].mean() - codes[0].mean()) * able.sense.step
            R[k, column] = volts / (2.0 * current)
            noise = max(float(np.var(codes, axis=1, ddof=1).mean()), QUANTISATION)
            # What does not scatter is rounded alike, so that repeats do not average it.
            variance = 2.0 * (noise / _CODE_REPEATS if noise > QUANTISATION else QUANTISATION)
            relative = np.sqrt(variance) * able.sense.step / volts
            error[k, column] = R[k, column] * np.hypot(relative, smu.current_accuracy)
    smu.output_off()
    return R, error


def anchor(
    estimate: Estimate, rows: RowScale, transimpedance: FloatArray, transimpedance_error: FloatArray
) -> Estimate:
    """Give the board's own calibration its absolute scale, line by line where there is one.

    Offsets of rows are known far better from the board itself, but for one common shift of all of
    them, which the voltmeter gives; a row whose own readings say little takes the voltmeter's.
    """
    record, uncertainty = estimate.record, estimate.uncertainty
    seen, measured = np.isfinite(rows.gain), np.isfinite(transimpedance)
    gain = np.where(seen, rows.gain, record.row_gain)
    # From where the row carries no current, V_os, to code 0 is a way on which the gain acts.
    own = -estimate.zero
    own = own + gain * (own - record.amplifier_offset.mean())
    own_variance = estimate.zero_uncertainty**2
    shift = 0.0
    if seen.any():
        weight = seen / (own_variance + np.where(seen, rows.offset_error, 1.0) ** 2)
        difference = np.where(seen, rows.offset - own, 0.0)
        shift = float((weight * difference).sum() / weight.sum())
    own = own + shift
    meter_weight = np.where(seen, 1.0 / np.where(seen, rows.offset_error, 1.0) ** 2, 0.0)
    own_weight = 1.0 / own_variance
    offset = (own_weight * own + meter_weight * np.where(seen, rows.offset, 0.0)) / (
        own_weight + meter_weight
    )
    record = replace(
        record,
        row_gain=gain,
        row_offset=offset,
        amplifier_offset=record.amplifier_offset + shift,
        adc_offset=record.adc_offset - shift / estimate.adc_step,
        transimpedance=np.where(measured, transimpedance, record.transimpedance),
    )
    uncertainty = replace(
        uncertainty,
        row_gain=np.where(seen, rows.gain_error, uncertainty.row_gain),
        row_offset=np.where(seen, 1.0 / np.sqrt(own_weight + meter_weight), uncertainty.row_offset),
        transimpedance=np.where(measured, transimpedance_error, uncertainty.transimpedance),
    )
    return replace(estimate, record=record, uncertainty=uncertainty)
