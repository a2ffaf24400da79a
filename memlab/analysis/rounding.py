"""What rounding to steps of a converter does to means and variances of noisy readings.

A reading is rounded to a multiple of the step q. Averaged over where in a step the true values lie,
half the mean square of the difference of two readings whose noise has variance s^2 is

    V(s^2) = s^2 + q^2 / 12 - q^2 / (2 pi^2) sum over m of exp(-4 pi^2 m^2 s^2 / q^2) / m^2

since the difference d of two readings, of variance 2 s^2, comes out as a multiple of q with a
square that is on average d^2 + r (q - r), r = d mod q (Fourier series). From half a step on that is
s^2 + q^2 / 12; without noise it is 0, for all readings are alike.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

__all__ = ["FINE", "mean_rounding", "rounded_variance", "unrounded_variance"]

FINE = 1.0 / 3.0
"""Noise in steps from which rounding only adds white noise; below, it bends spectra."""

_LITTLE = 0.1
"""Noise in steps up to which readings hardly ever differ by more than a step: V is s q / pi^(1/2).
The series is for more."""

_TERMS = np.arange(1, 9)


def mean_rounding(scatter: float, step: float) -> float:
    """Return the error that rounding leaves in a mean of readings, however many they are.

    The mean of rounded normal values errs by less than q / pi exp(-2 pi^2 s^2 / q^2), its standard
    deviation over places in a step by at most as much as stated: q / 12^(1/2) without scatter.

    Parameters
    ----------
    scatter
        Standard deviation of what is averaged.
    step
        Of the converter, in the same unit; 0 is no rounding.
    """
    if not step > 0.0:
        return 0.0
    left = float(np.exp(-2.0 * np.pi**2 * min((scatter / step) ** 2, 30.0)))
    return step / math.sqrt(12.0) * left


def rounded_variance(variance: float, step: float) -> float:
    """Return the variance of readings whose noise has this variance before they are rounded."""
    if not step > 0.0:
        return variance
    noise = math.sqrt(variance) / step
    if noise <= _LITTLE:
        return step**2 * noise / math.sqrt(math.pi)
    faded = np.exp(-4.0 * np.pi**2 * _TERMS**2 * noise**2) / _TERMS**2
    return variance + step**2 * (1.0 / 12.0 - float(faded.sum()) / (2.0 * math.pi**2))


def unrounded_variance(variance: float, step: float) -> float:
    """Return the variance before rounding, from that of rounded readings: the inverse."""
    if not step > 0.0:
        return variance
    scaled = variance / step**2
    if scaled <= _LITTLE / math.sqrt(math.pi):
        return math.pi * scaled**2 * step**2
    if scaled >= 1.0:
        return variance - step**2 / 12.0
    found = brentq(lambda x: rounded_variance(x, 1.0) - scaled, 0.5 * _LITTLE**2, 1.0, xtol=1e-12)
    return float(found) * step**2
