"""Forming: a pristine cell does nothing until one SET pulse exceeds its forming voltage.

Forming voltages are normal from cell to cell. The forming pulse is a SET pulse: its gate limits
the current, so the cell ends at the SET level of that gate voltage. A RESET never forms. Chips
arrive formed unless the preset says otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for

__all__ = ["Forming", "FormingParameters"]


class FormingParameters(Parameters):
    """When a pristine cell forms; `voltage` = 0 means that chips arrive formed."""

    voltage: float = quantity(0.0, "V", "Mean forming voltage at the cell; 0: arrives formed.")
    spread: float = quantity(0.1, "V", "Standard deviation of it from cell to cell.")
    pristine_conductance: float = quantity(1e-6, "S", "Of a pristine cell.", le=5e-3)


class Forming:
    """Which cells are formed."""

    def __init__(
        self, parameters: FormingParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._arrived_formed = not parameters.voltage
        self.formed = np.full(shape, self._arrived_formed)
        """True for the cells that are formed, shape (rows, columns)."""
        self.voltage = np.zeros(shape)
        """Forming voltage of each cell (V), 0 where it arrived formed, shape (rows, columns)."""
        if parameters.voltage:
            deviate = generator_for(rng, "forming").standard_normal(shape)
            self.voltage = parameters.voltage + parameters.spread * deviate

    def set_pulse(
        self,
        rows: npt.NDArray[np.intp],
        selected: npt.NDArray[np.bool_],
        voltage: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.bool_]:
        """Apply SET pulses (V at each cell) and return which cells of these rows are now formed."""
        if self._arrived_formed:
            return self.formed[rows]
        formed = self.formed[rows] | (selected & self.forms(rows, voltage))
        self.formed[rows] = formed
        return formed

    def forms(
        self, rows: npt.NDArray[np.intp], voltage: npt.NDArray[np.float64] | float
    ) -> npt.NDArray[np.bool_]:
        """Return which cells of these rows a voltage (V) at the cell would form, or has."""
        formed: npt.NDArray[np.bool_] = self.formed[rows]
        return formed if self._arrived_formed else formed | (voltage >= self.voltage[rows])
