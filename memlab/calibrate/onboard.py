"""Static errors of a board from its own readings: what can be known without an instrument.

Row i alone, at the nominal voltage v, gives in column j at gain k the code

    y = C_kj - B_kij (v + z_i - w_j),      B_kij = R_kj G_ij (1 + g_i) / LSB

with z_i = o_i / (1 + g_i), w_j = V_os,j and C_kj the code without current, V_os / LSB + o_adc.

Known from this: the ratios R_kj / R_k'j of a column (the same current at two gains), C_kj, the
zero z_i of each row and w_j of each column. To see z and w apart from each other takes cells that
differ, which they always do; to see them apart from C takes cells that conduct at all.

Not known: conductances, g_i and one common factor of R_kj per column appear as products only. No
reading of the board itself can part them; they need a reference (`memlab.calibrate.reference`).
Until then g_i is taken for 0, and the common factor is chosen so that the resistors of a column are
right in the geometric mean: as they err independently, this halves the error of four.

z and w may be shifted together by one voltage (the potential that is called zero); here the mean of
z is 0, over the rows that have a cell which conducts.

A correction that is smaller than its own error makes a good board worse: on a loaded column an
error of w of 5 uV drives 0.2 uA. So z, w and the ratios are taken for normal, with a deviation from
line to line that the readings themselves tell (empirical Bayes); where they tell of none, all lines
of that kind are nominal, and what is then less than its error is left out. Readings that could not
tell leave both free. Lines without a cell that conducts are nominal, and not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from drivers.board import Capabilities
from memlab.calibrate.lines import QUANTISATION, Line, fit_lines
from memlab.calibrate.readings import Readings
from memlab.calibration import CalibrationRecord
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Estimate", "estimate", "spread_of"]


_PRIOR_VOLTS = 10e-3
_PRIOR_CODES = 1000.0
"""Size of zeros and of C before anything is measured; the answer where no cell conducts."""
_TELLING_ERROR = 0.1e-3
"""V; of a zero that is known this well it would show whether it errs as data sheets allow, 0.2 mV
of amplifiers and 0.7 mV of DACs."""
_TELLING_LINES = 3
"""As few such lines tell a spread."""
_LEAST_MOVE = 100.0
"""Codes rms by which a column's readings must move to tell a ratio: below, noise flattens it."""
_SMALLEST_SPREAD = 1e-8
"""V; stands for no spread at all, so that the matrix stays well conditioned."""
_SMALLEST_SLOPE = 1.0
"""Codes per volt at the highest gain below which a cell says nothing about zeros: 0.15 nS."""
_ROW_RESOLUTION = 0.3e-6
"""V; how well the zero of a row can be known at all, from some dozens of its codes. That the steps
of a DAC differ (DNL, up to a step of 153 uV by its data sheet) is not in any error bar here."""
_GAIN_ERROR = 8e-4
"""Of a row DAC, as large as its data sheet allows (board reference 1.5, recalled). A row carries no
current at V = V_os; from there to the voltage at code 0 is a way on which the gain errs."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Static errors found and one standard error of each.

    Parameters
    ----------
    record, uncertainty
        As in `memlab.calibration.Calibration`; what cannot be known is nominal, its error NaN.
    zero
        Nominal voltage (V) at which each row carries no current, shape (rows,).
    zero_uncertainty
        One standard error of it.
    conducting
        Cells that took part, shape (rows, columns).
    adc_step
        V of one ADC code.
    """

    record: CalibrationRecord
    uncertainty: CalibrationRecord
    zero: FloatArray
    zero_uncertainty: FloatArray
    conducting: BoolArray
    adc_step: float

    @property
    def row_uncertainty(self) -> float:
        """Median standard error (V) of the zeros of the rows that have a cell which conducts."""
        return float(np.median(self.zero_uncertainty[self.conducting.any(axis=1)]))

    @property
    def silent_rows(self) -> list[int]:
        """Rows on which no cell conducts: nothing is known of their zeros."""
        return [int(row) for row in np.flatnonzero(~self.conducting.any(axis=1))]

    @property
    def silent_columns(self) -> list[int]:
        """Columns in which no cell conducts: nothing is known of their amplifiers."""
        return [int(column) for column in np.flatnonzero(~self.conducting.any(axis=0))]


def estimate(readings: Readings, able: Capabilities) -> Estimate:
    """Find the static errors behind readings.

    Parameters
    ----------
    readings
        Of one or more passes.
    able
        Of the board: its nominal transimpedances, and its ADC.
    """
    saturated_code = able.clipped_code
    single = readings.single_code.astype(np.float64) - able.sense.zero_code
    group = readings.group_code.astype(np.float64) - able.sense.zero_code
    nominal = np.array(able.transimpedance)
    chain = _ratios(single, group, nominal, saturated_code)
    slope, at_zero, variance = _cells(
        readings.single_voltage, single, np.abs(single) < saturated_code, chain
    )
    conducting = np.isfinite(variance)
    first = _zeros(slope, at_zero, variance)
    # w_j is really w_j / (1 + g_i): what is not known of the gains is noise, once w is known.
    blurred = slope * _GAIN_ERROR * (first.w - first.w.mean())
    variance = variance + blurred**2
    free = _zeros(slope, at_zero, variance)
    rows, columns = (np.asarray(conducting.any(axis=axis)) for axis in (1, 0))
    priors = (
        _told_spread(free.z[rows], free.z_variance[rows]),
        _told_spread(free.w[columns], free.w_variance[columns]),
    )
    solution = _zeros(slope, at_zero, variance, *priors)
    # Nominal because nothing tells otherwise: the error is that with which something would.
    if not priors[0]:
        solution = replace(solution, z_variance=free.z_variance)
    if not priors[1]:
        solution = replace(solution, w_variance=free.w_variance)
    step = able.sense.step
    record, uncertainty = _assemble(chain, _significant(solution), nominal, rows, columns, step)
    return Estimate(
        record,
        uncertainty,
        zero=-solution.z,
        zero_uncertainty=np.sqrt(solution.z_variance),
        conducting=conducting,
        adc_step=step,
    )


def spread_of(values: FloatArray, variance: FloatArray) -> float:
    """Return the deviation of true values from 0 that their estimates tell; 0 where they tell none.

    Parameters
    ----------
    values, variance
        Estimates, and the variance of the error of each, shape (n,).

    Returns
    -------
    That at which the mean square of the estimates, in their expected deviations, is 1 (Paule and
    Mandel). Estimates that differ from 0 by no more than their errors once in a thousand tell none.
    """
    if not values.size or float((values**2 / variance).sum()) < chdtri(values.size, 1e-3):
        return 0.0

    def excess(spread: float) -> float:
        return float((values**2 / (spread**2 + variance)).mean()) - 1.0

    highest = 2.0 * float(np.abs(values).max()) + 1e-300
    return float(brentq(excess, 0.0, highest)) if excess(0.0) > 0.0 > excess(highest) else 0.0


def _told_spread(values: FloatArray, variance: FloatArray) -> float:
    """Return the spread (V) of zeros as `spread_of`, or the prior one where too few could tell it.

    Where a column has one cell, its zeros and C are one sum: that such zeros show no spread is no
    reason to hold them at 0, which would put all of a row's offset into C.
    """
    able = variance < _TELLING_ERROR**2
    if np.count_nonzero(able) < _TELLING_LINES:
        return _PRIOR_VOLTS
    return spread_of(values[able], variance[able])


def _significant(zeros: _Zeros) -> _Zeros:
    """Return the zeros without those that are smaller than their error."""
    return replace(
        zeros,
        z=np.where(zeros.z**2 < zeros.z_variance, 0.0, zeros.z),
        w=np.where(zeros.w**2 < zeros.w_variance, 0.0, zeros.w),
    )


def _ratios(
    single: FloatArray, group: FloatArray, nominal: FloatArray, saturated_code: int
) -> list[Line]:
    """Return for each gain but the highest the line from the next gain's codes to its own."""
    gains, columns = single.shape[-2:]
    code = np.concatenate([single.reshape(-1, gains, columns), group.reshape(-1, gains, columns)])
    block = np.repeat([0, 1], [single.size // (gains * columns), group.size // (gains * columns)])
    fits = np.abs(code) < saturated_code
    chain = []
    for k in range(gains - 1):
        expected = float(nominal[k] / nominal[k + 1])
        both = fits[:, k] & fits[:, k + 1]
        line = fit_lines(code[:, k + 1], code[:, k], both, block, expected)
        chain.append(_shrunk(line, _moves(code[:, k + 1], both), expected))
    return chain


def _moves(code: FloatArray, used: BoolArray) -> BoolArray:
    """Return in which columns the codes move by far more than they scatter, shape (columns,)."""
    count = np.maximum(used.sum(axis=0), 1)
    mean = np.where(used, code, 0.0).sum(axis=0) / count
    square = np.where(used, (code - mean) ** 2, 0.0).sum(axis=0) / count
    moves: BoolArray = square > _LEAST_MOVE**2
    return moves


def _shrunk(line: Line, moves: BoolArray, expected: float) -> Line:
    """Return a line whose slopes deviate by no more than their errors let them.

    Where the codes do not move there is no slope but the expected one.
    """
    deviation = line.slope - expected
    spread = spread_of(deviation[moves], line.slope_variance[moves])
    keep = np.where(moves, spread**2 / (spread**2 + line.slope_variance), 0.0)
    variance = np.where(moves, keep * line.slope_variance, expected**2)
    # Nominal because nothing tells otherwise: its own error is still that of the readings.
    variance = np.where(moves & (keep == 0.0), line.slope_variance, variance)
    return replace(line, slope=expected + keep * deviation, slope_variance=variance)


def _cells(
    voltage: FloatArray, code: FloatArray, fits: BoolArray, chain: list[Line]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit a line through the readings of each cell, each at the highest gain that it did not clip.

    Codes of lower gains are carried to the highest by `chain`.

    Returns
    -------
    Slope B (codes/V), code at 0 V and its variance, all shape (rows, columns); the variance is
    infinite where a cell does not conduct.
    """
    passes, rows, levels, gains, columns = code.shape
    best = np.where(fits, np.arange(gains)[:, np.newaxis], -1).max(axis=-2)
    u = np.zeros(best.shape)
    per_code = np.zeros((gains, columns))
    offset, factor = np.zeros(columns), np.ones(columns)
    for k in reversed(range(gains)):
        if k < gains - 1:
            line = chain[k]
            # y_k = y0 + slope (y_{k+1} - x0), and y_{k+1} = offset + factor u
            offset, factor = line.y0 + line.slope * (offset - line.x0), line.slope * factor
        u = np.where(best == k, (code[..., k, :] - offset) / factor, u)
        per_code[k] = 1.0 / factor
    # Samples of a cell along one axis: (rows, passes * levels, columns).
    u, best = (np.moveaxis(a, 1, 0).reshape(rows, -1, columns) for a in (u, best))
    v = np.moveaxis(voltage, 1, 0).reshape(rows, -1, 1)
    used = best >= 0
    noise = np.full((gains, columns), QUANTISATION)
    scale, column = per_code[np.maximum(best, 0), np.arange(columns)], np.arange(columns)
    for _ in range(2):  # the second time with the noise that the first has found
        weight = used / (noise[np.maximum(best, 0), column] * scale**2)
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        v0 = (weight * v).sum(axis=1, keepdims=True) / total
        u0 = (weight * u).sum(axis=1, keepdims=True) / total
        information = np.maximum((weight * (v - v0) ** 2).sum(axis=1, keepdims=True), 1e-300)
        slope = (weight * (v - v0) * (u - u0)).sum(axis=1, keepdims=True) / information
        residual = np.where(used, (u - u0 - slope * (v - v0)) / scale, 0.0)
        # Each cell takes two of its samples' freedom.
        free = 1.0 - 2.0 / (passes * levels)
        for k in range(gains):
            of_gain = best == k
            count = np.maximum(of_gain.sum(axis=(0, 1)) * free, 1.0)
            noise[k] = np.maximum((residual**2 * of_gain).sum(axis=(0, 1)) / count, QUANTISATION)
    at_zero = (u0 - slope * v0)[:, 0]
    variance = (1.0 / total + v0**2 / information)[:, 0]
    conducts = (-slope[:, 0] > _SMALLEST_SLOPE) & (used.sum(axis=1) >= 4)
    significant = slope[:, 0] ** 2 * information[:, 0] > 25.0
    return -slope[:, 0], at_zero, np.where(conducts & significant, variance, np.inf)


@dataclass(frozen=True, eq=False)
class _Zeros:
    """C (codes at the highest gain), w and z (V), and the variances of their errors."""

    C: FloatArray
    w: FloatArray
    z: FloatArray
    C_variance: FloatArray
    w_variance: FloatArray
    z_variance: FloatArray


def _zeros(
    B: FloatArray,
    at_zero: FloatArray,
    variance: FloatArray,
    z_spread: float = _PRIOR_VOLTS,
    w_spread: float = _PRIOR_VOLTS,
) -> _Zeros:
    """Solve at_zero = C_j - B_ij (z_i - w_j) for C, w and z by weighted least squares.

    z and w are known to deviate from 0 by `z_spread` and `w_spread` (V) beforehand.

    The mean of z over rows with a cell that conducts is held at 0 by a Lagrange multiplier; the
    inverse of the bordered matrix then holds the covariance. Voltages are in mV here, which keeps
    the matrix well conditioned.
    """
    rows, columns = B.shape
    B = B * 1e-3
    W = 1.0 / variance
    WB, WBB = W * B, W * B**2
    diagonal = np.concatenate([W.sum(axis=0), WBB.sum(axis=0), WBB.sum(axis=1)])
    of_w, of_z = ((max(spread, _SMALLEST_SPREAD) * 1e3) ** -2.0 for spread in (w_spread, z_spread))
    prior = np.repeat([_PRIOR_CODES**-2.0, of_w, of_z], [columns, columns, rows])
    n = 2 * columns + rows
    matrix = np.zeros((n + 1, n + 1))
    matrix[:n, :n] = np.diag(diagonal + prior)
    C, w, z = slice(0, columns), slice(columns, 2 * columns), slice(2 * columns, n)
    matrix[C, w] = matrix[w, C] = np.diag(WB.sum(axis=0))
    matrix[C, z], matrix[z, C] = -WB.T, -WB
    matrix[w, z], matrix[z, w] = -WBB.T, -WBB
    # Rows of which nothing is known leave the common zero of the others as it is.
    known = (W > 0.0).any(axis=1)
    matrix[z, n] = matrix[n, z] = known if known.any() else 1.0
    right = np.concatenate(
        [
            (W * at_zero).sum(axis=0),
            (WB * at_zero).sum(axis=0),
            -(WB * at_zero).sum(axis=1),
            [0.0],
        ]
    )
    covariance = np.linalg.inv(matrix)[:n, :n]
    solution = covariance @ right[:n]
    spread = np.diag(covariance) * _birge(B, at_zero, W, solution, C, w, z)
    return _Zeros(
        C=solution[C],
        w=solution[w] * 1e-3,
        z=solution[z] * 1e-3,
        C_variance=spread[C],
        w_variance=spread[w] * 1e-6,
        z_variance=spread[z] * 1e-6 + _ROW_RESOLUTION**2,
    )


def _birge(
    B: FloatArray,
    at_zero: FloatArray,
    W: FloatArray,
    solution: FloatArray,
    C: slice,
    w: slice,
    z: slice,
) -> float:
    """Return by how much variances must grow for the residuals to be what they should; >= 1."""
    model = solution[C] - B * (solution[z][:, np.newaxis] - solution[w])
    freedom = np.count_nonzero(W) - solution.size + 1
    if freedom < 1:
        return 1.0
    return max(1.0, float((W * (at_zero - model) ** 2).sum()) / freedom)


def _assemble(
    chain: list[Line],
    zeros: _Zeros,
    nominal: FloatArray,
    known_rows: BoolArray,
    known_columns: BoolArray,
    step: float,
) -> tuple[CalibrationRecord, CalibrationRecord]:
    """Carry codes and ratios down from the highest gain, and choose the scale of each column.

    Lines that are not known are nominal, with NaN for their errors.
    """
    rows, columns, gains = zeros.z.size, zeros.w.size, nominal.size
    C, C_variance = [zeros.C], [zeros.C_variance]
    log_R, log_variance = [np.zeros(columns)], [np.zeros(columns)]
    for k in reversed(range(gains - 1)):
        line = chain[k]
        code, variance = line.at(C[0], C_variance[0])
        C, C_variance = [code, *C], [variance, *C_variance]
        deviation = np.log(line.slope * nominal[k + 1] / nominal[k])
        log_R = [log_R[0] + deviation, *log_R]
        log_variance = [log_variance[0] + line.slope_variance / line.slope**2, *log_variance]
    deviation = np.array(log_R)
    deviation = deviation - deviation.mean(axis=0)
    # The resistors err independently, with a spread that shows in how they differ from each other.
    ratio_variance = np.array(log_variance)
    # Of a ratio of which nothing is known, the relative variance is 1 (`_shrunk`).
    ratio_variance = np.where(ratio_variance < 1.0, ratio_variance, np.nan)
    whole = known_columns & np.isfinite(ratio_variance).all(axis=0)
    freedom = max(int(whole.sum()), 1) * max(gains - 1, 1)
    common = (deviation[:, whole] ** 2).sum() / freedom / gains if gains > 1 else np.nan
    R = nominal[:, np.newaxis] * np.exp(deviation)
    adc_offset = np.where(known_columns, np.array(C) - zeros.w / step, 0.0)
    record = CalibrationRecord(
        row_offset=np.where(known_rows, zeros.z, 0.0),
        row_gain=np.zeros(rows),
        row_inl=np.zeros(rows),
        amplifier_offset=np.where(known_columns, zeros.w, 0.0),
        adc_offset=adc_offset,
        transimpedance=np.where(known_columns, R, nominal[:, np.newaxis]),
    )
    unknown = np.full(rows, np.nan)
    blurred = _GAIN_ERROR * (zeros.z - zeros.w.mean())
    # Their mean shifts the zero of all voltages by as much.
    shift = float((blurred[known_rows] ** 2).sum()) / max(int(known_rows.sum()), 1) ** 2
    row, column = np.where(known_rows, 1.0, np.nan), np.where(known_columns, 1.0, np.nan)
    uncertainty = CalibrationRecord(
        row_offset=row * np.sqrt(zeros.z_variance + blurred**2 + shift),
        row_gain=unknown,
        row_inl=unknown,
        amplifier_offset=column * np.sqrt(zeros.w_variance + shift),
        adc_offset=column * np.sqrt(np.array(C_variance) + (zeros.w_variance + shift) / step**2),
        transimpedance=column * R * np.sqrt(common + ratio_variance),
    )
    return record, uncertainty
