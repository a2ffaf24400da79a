"""Spectra of read noise, and the 1/f part in them.

A periodogram is not the spectrum: the window spreads each frequency over its neighbours, what is
faster than half the sampling rate comes back as slower, and a slow drift of all cells, which is
taken off, takes noise with it. So a law S(f) is not laid through the periodogram but compared with
the periodogram that is expected of it,

    E I_k = integral of S(f) |sum_n v_kn exp(2 pi i f n interval)|^2 df,

where v_k is all that is done to a series to find I_k: any linear thing has its share. The fit is
the most likely one (Whittle): I_k of a cell is exponentially distributed, and squares would be
pulled to what is small by chance. Errors come from how cells differ, which counts the dependence
of neighbouring frequencies; of few cells, from the windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import ndtri

from memlab.numeric import BoolArray, FloatArray

__all__ = ["Flicker", "Periodograms", "fit_flicker", "periodograms", "restless_cells"]


_FIRST_BIN = 2
"""Below this little is left by the window and what is taken off."""

_ENOUGH = 20
"""Cells whose differences tell errors."""

_CLEAR = 4.0
"""Errors by which 1/f noise must stand out before its exponent is asked for."""

_EXPONENTS = 0.3, 2.5

_LARGEST_ERROR = 0.35
"""Of an exponent: beyond, it says nothing."""

_FEWEST, _FALSE = 10, 0.02
"""Cells from which one can be told to differ; chance that any of a level is so by mistake."""

_PER_BIN, _FASTEST = 12, 4.0
"""Frequencies of the integral per bin, and its end in sampling rates: faster noise is as white."""


@dataclass(frozen=True, eq=False)
class Periodograms:
    """One-sided periodograms of cells, relative to their conductance squared.

    Parameters
    ----------
    frequency
        In Hz, shape (bins,).
    interval
        In s.
    analysis
        All that is done to a series (v of the module's documentation), shape (bins, reads).
    conductance
        Mean of each cell in S, shape (cells,).
    cells
        In 1/Hz, shape (bins, cells).
    """

    frequency: FloatArray
    interval: float
    analysis: npt.NDArray[np.complex128]
    conductance: FloatArray
    cells: FloatArray

    @property
    def relative(self) -> FloatArray:
        """Mean of the cells in 1/Hz, shape (bins,)."""
        if not self.cells.shape[1]:
            return np.full(self.frequency.shape, np.nan)
        mean: FloatArray = self.cells.mean(axis=1)
        return mean

    @property
    def error(self) -> FloatArray:
        """One standard error of `relative`."""
        count = self.cells.shape[1]
        if count < _ENOUGH:
            # A periodogram scatters as much as it is large.
            few: FloatArray = self.relative / max(1, count) ** 0.5
            return few
        error: FloatArray = self.cells.std(axis=1, ddof=1) / count**0.5
        return error

    @property
    def density(self) -> FloatArray:
        """Mean density of the conductance in S^2/Hz, shape (bins,)."""
        if not self.cells.shape[1]:
            return np.full(self.frequency.shape, np.nan)
        density: FloatArray = (self.cells * self.conductance**2).mean(axis=1)
        return density

    def only(self, cells: BoolArray) -> Periodograms:
        """Return those of some of the cells."""
        chosen = self.cells[:, cells], self.conductance[cells]
        return Periodograms(self.frequency, self.interval, self.analysis, chosen[1], chosen[0])

    def expected(self, exponent: float) -> FloatArray:
        """Return the periodogram (1/Hz) expected of f^-exponent, shape (bins,)."""
        f, response = self._response
        expected: FloatArray = response @ f**-exponent
        return expected

    @cached_property
    def _response(self) -> tuple[FloatArray, FloatArray]:
        """Frequencies of the integral (Hz), and their weights in each bin."""
        reads = self.analysis.shape[1]
        step = 1.0 / (_PER_BIN * reads * self.interval)
        # Slower than one period in the series: on a logarithmic scale.
        slow = step * 2.0 ** np.arange(-12.0, 0.0, 0.25)
        even = step * np.arange(1.0, _FASTEST * _PER_BIN * reads)
        f = np.concatenate([slow, even])
        width = np.concatenate([np.diff(slow, append=step), np.full(even.size, step)])
        # The response repeats with the sampling rate: it is found once for a period.
        period = np.abs(np.fft.fft(self.analysis, _PER_BIN * reads, axis=1)) ** 2
        phase = np.exp(2j * np.pi * self.interval * np.outer(np.arange(reads), slow))
        # A real process has as much at -f as at f; a one-sided density holds both.
        turned = 0.5 * (
            np.abs(self.analysis @ phase) ** 2 + np.abs(self.analysis @ phase.conj()) ** 2
        )
        index = np.arange(1, even.size + 1) % period.shape[1]
        both = 0.5 * (period[:, index] + period[:, -index % period.shape[1]])
        return f, np.hstack([turned, both]) * width

    @cached_property
    def dependence(self) -> FloatArray:
        """Correlation of the bins of white noise, shape (bins, bins)."""
        product = np.abs(self.analysis @ self.analysis.conj().T) ** 2
        mirrored = np.abs(self.analysis @ self.analysis.T) ** 2
        size = np.sqrt(np.diag(product))
        correlation: FloatArray = (product + mirrored) / np.outer(size, size)
        return correlation


@dataclass(frozen=True)
class Flicker:
    """S_G / G^2 = floor + power / f^exponent; errors are one standard error, NaN if not found.

    `power` is that of a fit with the exponent 1, in 1 (at 1 Hz); the exponent that of a second fit.
    """

    floor: float = np.nan
    power: float = np.nan
    power_error: float = np.nan
    exponent: float = np.nan
    exponent_error: float = np.nan


def periodograms(series: FloatArray, interval: float) -> Periodograms:
    """Return the periodograms of cells (Hann window), without the lowest bins.

    A constant, a straight line and log10(1 + t / 1 s), as cells relax, are taken off before.

    Parameters
    ----------
    series
        Conductance in S at even intervals, shape (reads, cells).
    interval
        In s.
    """
    reads = len(series)
    t = interval * np.arange(reads)
    drifts = np.linalg.qr(np.column_stack([np.ones(reads), t, np.log1p(t)]))[0]
    bins = np.arange(_FIRST_BIN, (reads + 1) // 2)
    window = np.hanning(reads + 1)[:-1]
    turns: npt.NDArray[np.complex128] = np.exp(
        -2j * np.pi * np.outer(bins, np.arange(reads)) / reads
    )
    # One-sided, of density 1/Hz: white noise of variance 1 gives 2 intervals.
    analysis = window * turns * (2.0 * interval / (window**2).sum()) ** 0.5
    analysis = analysis - (analysis @ drifts) @ drifts.T
    mean = series.mean(axis=0)
    relative = np.divide(series, mean, out=np.zeros(series.shape), where=mean != 0.0)
    # A constant goes anyway; gone before, its rounding is not taken for noise.
    cells = np.abs(analysis @ (relative - relative[0])) ** 2
    return Periodograms(bins / (reads * interval), interval, analysis, mean, cells)


def fit_flicker(found: Periodograms) -> Flicker:
    """Fit white floor and 1/f part to the relative periodograms."""
    if not found.cells.shape[1] or not found.cells.any():
        return Flicker()
    fit = _fitted(found, found.expected(1.0))
    (floor, power), model = fit
    error = _errors(found, model, [np.ones(model.size), found.expected(1.0)])[1]
    flicker = Flicker(floor, power, error)
    if not power > _CLEAR * error:
        return flicker
    best = minimize_scalar(
        lambda exponent: _unlikely(found, _fitted(found, found.expected(exponent))[1]),
        bounds=_EXPONENTS,
        method="bounded",
        options={"xatol": 1e-4},
    )
    exponent = float(best.x)
    shape = found.expected(exponent)
    (_, power), model = _fitted(found, shape)
    step = 1e-3
    bent = (found.expected(exponent + step) - found.expected(exponent - step)) / (2.0 * step)
    exponent_error = _errors(found, model, [np.ones(model.size), shape, power * bent])[2]
    inside = _EXPONENTS[0] + 0.01 < exponent < _EXPONENTS[1] - 0.01
    if not inside or not exponent_error < _LARGEST_ERROR:
        return flicker
    return Flicker(floor, flicker.power, error, exponent, exponent_error)


def _fitted(found: Periodograms, shape: FloatArray) -> tuple[tuple[float, float], FloatArray]:
    """Return floor and power of the most likely floor + power shape, and this model.

    Weights 1 / model^2 make least squares the condition for that of exponential deviates.
    """
    design, mean = np.column_stack([np.ones(shape.size), shape]), found.relative
    level = float(mean.mean())
    model: FloatArray = np.full(shape.size, level)
    law: FloatArray = np.zeros(2)
    for _ in range(30):
        weight = 1.0 / model
        law = np.asarray(
            np.linalg.lstsq(design * weight[:, np.newaxis], mean * weight, rcond=None)[0],
            np.float64,
        )
        new: FloatArray = np.maximum(design @ law, 1e-3 * level)
        done = bool((np.abs(new - model) <= 1e-6 * new).all())
        model = new
        if done:
            break
    return (float(law[0]), float(law[1])), model


def _unlikely(found: Periodograms, model: FloatArray) -> float:
    return float((np.log(model) + found.relative / model).sum())


def _errors(
    found: Periodograms, model: FloatArray, derivatives: Sequence[FloatArray]
) -> list[float]:
    """Return one standard error of each parameter."""
    slopes = np.array(derivatives) / model
    information = slopes @ slopes.T
    count = found.cells.shape[1]
    if count < _ENOUGH:
        between = slopes @ found.dependence @ slopes.T / count
    else:
        score = slopes @ (found.cells / model[:, np.newaxis])
        between = np.atleast_2d(np.cov(score)) / count
    size = np.sqrt(np.diag(information))
    scaled = information / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e10:
        return [np.nan] * len(derivatives)
    inverse = np.linalg.inv(scaled) / np.outer(size, size)
    return [float(x) for x in np.sqrt(np.diag(inverse @ between @ inverse))]


def restless_cells(series: FloatArray) -> BoolArray:
    """Return which cells wander or jump by far more than the others, shape (cells,).

    By how far the means of the reads before and after any moment differ at most, compared with the
    middle of all cells. Of normal noise, whatever its spectrum, one level in fifty shows a cell
    beyond the limit.

    Parameters
    ----------
    series
        Conductance in S at even intervals, shape (reads, cells).
    """
    reads, cells = series.shape
    if cells < _FEWEST:
        return np.zeros(cells, bool)
    mean = series.mean(axis=0)
    relative = np.divide(series, mean, out=np.ones(series.shape), where=mean > 0.0) - 1.0
    # With k reads before: k (reads - k) / reads^2 times their difference, at most a quarter.
    steps = np.abs(np.cumsum(relative, axis=0)).max(axis=0) / reads
    limit = float(ndtri(0.5 * _FALSE / cells) / ndtri(0.25))
    restless: BoolArray = steps > limit * float(np.median(steps))
    return restless
