"""The transimpedance amplifiers: column currents to volts at four gains, and which to believe.

A column feeds its current I into the virtual ground of an amplifier with the feedback resistor R:

    V = -I * R,    until the output clips.

Sources: the four gains, the sign and the 220 uA threshold from the group's published host code
(danielbelkin/dpe_libs; `backend/sim_array/real_array1.m` in lican81/memNN); the supply of the
LTC6268, 5.25 V in total, from its data sheet 62689f, page 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers._integers import checked_integers
from drivers.capabilities import CLIP_MARGIN
from drivers.errors import LimitError


@dataclass(frozen=True)
class Transimpedance:
    """The switched-gain amplifier of every column; gains are numbered 1, 2, ... upwards.

    Parameters
    ----------
    resistance
        Feedback resistance in V/A of gain 1, 2, ...: positive, rising.
    clip
        Output in V, of either sign, at which the amplifier clips. The real supply rails are not
        published; 2.5 V assumes symmetric ones inside the amplifier's 5.25 V.
    gain_threshold
        Output in V up to which a gain is used when gains are merged; positive, at most `clip`.
    adc_step
        One code of the ADC behind it, in V.
    """

    resistance: tuple[float, ...] = (1e3, 1e4, 1e5, 1e6)
    clip: float = 2.5
    gain_threshold: float = 2.2
    adc_step: float = 10.0 / 65536

    def current(self, voltage: npt.ArrayLike, gain: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the column current behind an output voltage, I = -V / R.

        Parameters
        ----------
        voltage
            Amplifier output in V, any shape. At the clip voltage the current is a lower bound.
        gain
            Gain number, 1 to 4 by default; one for all, or an array that broadcasts.

        Returns
        -------
        numpy.ndarray
            Currents into the summing node in A, float64.

        Raises
        ------
        LimitError
            If a gain number does not exist.
        """
        return np.asarray(-np.asarray(voltage, dtype=np.float64) / self._resistance(gain))

    def usable_current(self, gain: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the largest current (A) a gain is trusted with, gain_threshold / R.

        2.2 mA, 220 uA, 22 uA and 2.2 uA for gains 1 to 4 by default. A gain number that does not
        exist raises `LimitError`.
        """
        return np.asarray(self.gain_threshold / self._resistance(gain))

    def select_gain(self, current: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Choose for each channel the gain to believe, from its currents at all gains.

        Start at gain 1 and take the next gain as long as the magnitude measured so far is below
        what the next gain can be trusted with (2.2e-4, 2.2e-5, 2.2e-6 A by default); a current
        exactly at the threshold stays. The step from gain 1 to gain 2 is the rule of
        `real_array1.m`; the steps beyond repeat it. A reading that clips, because noise or an
        offset made it larger than the one before, is not believed: the gain below is.

        Parameters
        ----------
        current
            Currents in A; `current[k]` was measured at gain k + 1. Fewer gains than the amplifier
            has may be given, from 1 up: two for the published rule.

        Returns
        -------
        numpy.ndarray
            Gain numbers, uint8, the shape of `current[0]`.

        Raises
        ------
        ValueError
            If there is no gain, or more than the amplifier has, along the first axis.
        """
        currents = np.asarray(current, dtype=np.float64)
        if currents.ndim == 0 or not 1 <= len(currents) <= len(self.resistance):
            raise ValueError(
                f"currents must have 1 to {len(self.resistance)} gains along the first axis, "
                f"got shape {currents.shape}"
            )
        gain = np.ones(currents.shape[1:], dtype=np.uint8)
        for candidate in range(2, len(currents) + 1):
            below = np.abs(currents[candidate - 2]) < self.usable_current(candidate)
            fits = np.abs(currents[candidate - 1]) < self._largest_current(candidate)
            gain[below & fits & (gain == candidate - 1)] = candidate
        return gain

    def _largest_current(self, gain: int) -> float:
        """Return the current (A) from which a reading counts as clipped."""
        code = int(self.clip / self.adc_step) - CLIP_MARGIN
        return float(code * self.adc_step / self._resistance(gain))

    def _resistance(self, gain: npt.ArrayLike) -> npt.NDArray[np.float64]:
        count = len(self.resistance)
        number = checked_integers("gain", gain, 1, count, LimitError)
        # Gain numbers count from 1, so entry 0 is never read.
        return np.asarray(np.asarray((np.nan, *self.resistance))[number])
