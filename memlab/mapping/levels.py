"""Between which voltages SETs choose their levels, and by how much one moves a level.

Where cells have gates these are gate voltages, and a SET there lifts a cell to its level from
wherever it is below. Elsewhere they are SET amplitudes: a SET does a part of the way from where the
cell is, so that a cell is RESET before each, and amplitudes are rounded to steps, because cells of
a row that have the same one are pulsed together. Every pulse disturbs the half-selected cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.array import Array, nearest_step
from memlab.errors import SettingError
from memlab.numeric import FloatArray

__all__ = ["Amplitudes", "Levels"]


@dataclass(frozen=True)
class Levels:
    """The voltages (V) that choose levels on one array.

    Parameters
    ----------
    minimum, initial, maximum
        Ends, and what cells start with.
    spread
        Of the start, to either side.
    volts_per_siemens
        What a wanted change of conductance moves the voltage by, in V/S.
    step
        On which voltages are sent; 0: as they are.
    anew
        Whether a cell is RESET before each SET, since a SET alone does not end at a level.
    """

    minimum: float
    initial: float
    maximum: float
    spread: float
    volts_per_siemens: float
    step: float
    anew: bool = False

    def on_step(self, voltage: FloatArray) -> FloatArray:
        """Return voltages (V) as they are sent."""
        nearest = nearest_step(voltage, self.step)
        return np.clip(nearest, self.minimum, self.maximum) if self.anew else nearest


@dataclass(frozen=True)
class Amplitudes:
    """Which SET amplitudes choose levels, where cells have no gates.

    Parameters
    ----------
    minimum, maximum
        In V; 0 for half of the operating point's amplitude, and for all of it.
    step
        In V, above 0.
    volts_per_siemens
        In V/S; 0 for half of what the law of the chip says: both cells of a pair are asked for the
        full change, so that a weight moves by what was asked.
    """

    minimum: float = 0.0
    maximum: float = 0.0
    step: float = 0.05
    volts_per_siemens: float = 0.0

    def on(self, array: Array, spread: float = 0.0) -> Levels:
        """Return the levels of an array without gates; `spread` is a part of their range.

        Raises
        ------
        SettingError
            If they are no range, or nothing says how far an amplitude moves these cells.
        """
        low, high = array.control_range((0.0, 0.0), (self.minimum, self.maximum))
        if not low < high:
            raise SettingError(
                f"SET amplitudes of {low:g} to {high:g} V choose no levels: mapping.set_minimum "
                "must lie below mapping.set_maximum (0: point.set_voltage)"
            )
        scale = self.volts_per_siemens
        if not scale:
            law = array.stated_law
            if law is None:
                raise SettingError(
                    "the cells of this board have no gates, and nothing says how far a SET "
                    "amplitude moves them: set mapping.set_volts_per_siemens, half of 1 / slope of "
                    "conductance over amplitude (memlab characterize set measures it). Nothing was "
                    "pulsed"
                )
            scale = 0.5 / law.set_slope
        middle = 0.5 * (low + high)
        return Levels(low, middle, high, spread * (high - low), scale, self.step, anew=True)
