"""Forming: a pristine cell does nothing until one SET pulse exceeds its forming voltage.

Forming voltages are normal from cell to cell. The forming pulse is a SET pulse: its gate limits
the current, so the cell ends at the SET level of that gate voltage. A RESET never forms. Chips
arrive formed unless the preset says otherwise.
"""

from __future__ import annotations

import numpy as np

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for
from memlab.numeric import BoolArray, Cells, FloatArray

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

    def set_pulse(self, cells: Cells, selected: BoolArray, voltage: FloatArray) -> BoolArray:
        """Apply SET pulses (V at each cell) and return which of these cells are now formed."""
        if self._arrived_formed:
            return self.formed[cells]
        formed = self.formed[cells] | (selected & self.forms(cells, voltage))
        self.formed[cells] = formed
        return formed

    def forms(self, cells: Cells, voltage: FloatArray | float) -> BoolArray:
        """Return which of these cells a voltage (V) at the cell would form, or has."""
        formed: BoolArray = self.formed[cells]
        return formed if self._arrived_formed else formed | (voltage >= self.voltage[cells])
