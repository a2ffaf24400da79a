"""What one pulse of each amplitude does, from a sweep of pulses whose amplitude rises.

How far a sweep has come at an amplitude depends on how many pulses came before: with 9 steps it is
half done at 0.95 V, with 40 at 0.86 V. What a single pulse does of the way that is left does not:

    part(V_k) = sum of (G_k - G_k-1) over cells / sum of (G_level - G_k-1) over cells

Noise of pulses lifts cells a little beyond the level that they go for, with each pulse as far as
it can: what the falling half of a sweep adds is taken off, and once more for the rising half; half
of this correction is in the error. So the amplitude from which a pulse does a given part is that of
the cells and of the width alone. It lies between two amplitudes of the sweep: that is its interval,
widened where noise leaves open which two. When little is left to do no part can be told: a sweep of
many steps is through before its pulses do half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.analysis.statistics import shared_rounding
from memlab.numeric import FloatArray

__all__ = ["Amplitude", "SinglePulses", "single_pulses"]


_LEFT = 0.05
"""Part of the way that must be left for a pulse to show what it does."""

_SIGMAS = 2.0


@dataclass(frozen=True)
class Amplitude:
    """An amplitude in V, its standard error, and the interval that holds it; or why there is none.

    The error is that of a value anywhere within the interval.
    """

    value: float = np.nan
    error: float = np.nan
    interval: tuple[float, float] | None = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class SinglePulses:
    """What single pulses do.

    Parameters
    ----------
    amplitude
        In V, from 0 on, shape (points,).
    part, error
        Part of what is left that a pulse does, and its standard error, shape (points,); NaN where
        too little is left. A pulse of 0 V does nothing.
    sweeps
        From how many sweeps of cells.
    """

    amplitude: FloatArray
    part: FloatArray
    error: FloatArray
    sweeps: int

    def reaching(self, part: float) -> Amplitude:
        """Return the amplitude from which a pulse does this part of what is left."""
        known = np.isfinite(self.part)
        volts, found, error = self.amplitude[known], self.part[known], self.error[known]
        doubt = _SIGMAS * error
        surely = np.flatnonzero(found - doubt >= part)
        if not surely.size:
            last = volts[-1]
            if known.all():
                return Amplitude(why=f"up to {last:.3g} V no pulse does as much")
            why = f"the sweep is through at {last:.3g} V: take fewer steps or shorter pulses"
            return Amplitude(why=why)
        above = int(surely[0])
        below = int(np.flatnonzero(found[:above] + doubt[:above] < part)[-1])
        # Between the two that are nearest: the logarithm of a part goes about as the voltage.
        k = below + int(np.argmax(found[below:] >= part))
        low, high = max(found[k - 1], 0.0), found[k]
        share = np.log(part / low) / np.log(high / low) if low > 0.1 * part else 0.5
        value = float(volts[k - 1] + share * (volts[k] - volts[k - 1]))
        ends = float(volts[below]), float(volts[above])
        return Amplitude(value, (ends[1] - ends[0]) / 12.0**0.5, ends)


def single_pulses(amplitude: FloatArray, moved: FloatArray, step: float = 0.0) -> SinglePulses:
    """Return what single pulses of rising sweeps do.

    Parameters
    ----------
    amplitude
        In V, from 0 on, shape (points,).
    moved
        By how much each cell has moved after each pulse, in S and towards the end, shape
        (points + 1, sweeps): from 0 on, and at last where the whole sweep ends.
    step
        What one code of the ADC is worth in a reading, in S.
    """
    end, rising = moved[-1], moved[:-1]
    crept = float((end - rising[-1]).sum())
    went = np.diff(rising, axis=0)
    left = 2.0 * rising[-1] - end - rising[:-1]
    total, whole = left.sum(axis=1), float(left[0].sum())
    part, error = np.full((2, amplitude.size), np.nan)
    part[0] = error[0] = 0.0
    told = np.flatnonzero(total > _LEFT * whole) if whole > 0.0 else np.empty(0, int)
    # Not beyond the first that cannot be told: what is left does not become more.
    told = told[told == np.arange(told.size)]
    part[told + 1] = went[told].sum(axis=1) / total[told]
    deviation = went[told] - part[told + 1, np.newaxis] * left[told]
    n = max(end.size, 2)
    chance = (deviation**2).sum(axis=1) * n / (n - 1)
    level = part[told + 1] * 0.5 * crept
    # Two readings make a step; where sweeps do not scatter, they are rounded alike in all.
    spread = rising[told + 1].var(axis=1) if end.size else np.zeros(told.size)
    alike = np.array([shared_rounding(step, float(one)) for one in spread])
    rounded = 2.0**0.5 * end.size * alike
    error[told + 1] = np.sqrt(chance + level**2 + rounded**2) / total[told]
    return SinglePulses(amplitude, part, error, end.size)
