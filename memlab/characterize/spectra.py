"""Spectra of read noise, and the 1/f part in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.signal import periodogram

__all__ = ["Flicker", "Spectrum", "fit_flicker", "mean_spectrum"]

FloatArray = npt.NDArray[np.float64]

_FIRST_BIN = 2
"""Below this the window and the subtracted mean take part of the power."""

_ENOUGH = 30
"""Cells from which the scatter at each frequency is known."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One-sided power spectral density, mean of many cells.

    Parameters
    ----------
    frequency
        In Hz, shape (bins,).
    density
        Of the conductance, in S^2/Hz.
    relative, error
        Of the conductance relative to its mean, in 1/Hz, and one standard error of it.
    """

    frequency: FloatArray
    density: FloatArray
    relative: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class Flicker:
    """S_G / G^2 = floor + power / f^exponent; errors are one standard error, NaN if not found.

    `power` is that of a fit with the exponent 1, in 1 (at 1 Hz); the exponent that of a second fit.
    """

    floor: float
    power: float
    power_error: float
    exponent: float
    exponent_error: float


def mean_spectrum(series: FloatArray, interval: float) -> Spectrum:
    """Return the mean periodogram (Hann window) of cells, without the lowest bins.

    Parameters
    ----------
    series
        Conductance in S at even intervals, shape (reads, cells).
    interval
        In s.
    """
    mean = series.mean(axis=0)
    frequency, density = periodogram(
        series, fs=1.0 / interval, window="hann", detrend="constant", axis=0
    )
    # The last bin, at half the sampling rate, is not doubled in a one-sided density.
    frequency, density = frequency[_FIRST_BIN:-1], density[_FIRST_BIN:-1]
    relative = density / mean**2
    cells = relative.shape[1]
    if not cells:
        unknown = np.full(frequency.shape, np.nan)
        return Spectrum(frequency, unknown, unknown, unknown)
    scatter = relative.std(axis=1)
    if cells < _ENOUGH:
        # A periodogram scatters as much as it is large; too few say that only all together.
        scatter = np.full(frequency.shape, relative.mean())
    return Spectrum(
        frequency, density.mean(axis=1), relative.mean(axis=1), scatter / max(1, cells - 1) ** 0.5
    )


def fit_flicker(spectrum: Spectrum) -> Flicker:
    """Fit white floor and 1/f part to the relative density."""
    f, S = spectrum.frequency, spectrum.relative
    weight = 1.0 / np.maximum(spectrum.error, 1e-6 * S.max() + 1e-30)
    design = np.column_stack([np.ones(f.size), 1.0 / f]) * weight[:, np.newaxis]
    (floor, power), *_ = np.linalg.lstsq(design, S * weight, rcond=None)
    error = float(np.linalg.inv(design.T @ design)[1, 1] ** 0.5)
    exponent = exponent_error = np.nan
    if power > 3.0 * error:
        law, covariance = curve_fit(
            lambda x, w, a, alpha: w + a * x**-alpha,
            f,
            S / S.max(),
            (max(floor, 0.0) / S.max(), power / S.max(), 1.0),
            1.0 / weight / S.max(),
            absolute_sigma=True,
            bounds=([0.0, 0.0, 0.0], [np.inf, np.inf, 3.0]),
        )
        exponent, exponent_error = float(law[2]), float(covariance[2, 2] ** 0.5)
    return Flicker(float(floor), float(power), error, exponent, exponent_error)
