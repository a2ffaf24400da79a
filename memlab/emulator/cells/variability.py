"""Spread from cell to cell, and from pulse to pulse.

Each cell has its own SET law and RESET level, drawn once:

    slope_ij = slope (1 + s_slope z1)    offset_ij = offset + s_offset z2
    reset_ij = reset (1 + s_reset z3)    z normal

Each pulse adds to the level it reaches a normal deviate, absolute (`noise` of the preset, the term
of the published simulations) and relative to the level (`cycle`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for

__all__ = ["Spread", "SpreadParameters"]

FloatArray = npt.NDArray[np.float64]


class SpreadParameters(Parameters):
    """Standard deviations; 0 is no spread."""

    set_slope: float = quantity(0.0, "1", "Device to device: of the SET slope, relative.")
    set_offset: float = quantity(0.0, "S", "Device to device: of the SET offset.")
    reset: float = quantity(0.0, "1", "Device to device: of the RESET level, relative.")
    cycle: float = quantity(0.0, "1", "Cycle to cycle: of the level a pulse reaches, relative.")


class Spread:
    """The cells' own deviations, and the relative part of the pulse noise."""

    def __init__(
        self, parameters: SpreadParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._cycle = parameters.cycle
        self._cycle_rng = generator_for(rng, "spread.cycle")

        def fixed(name: str, deviation: float) -> FloatArray | None:
            # Each from a generator of its own, so that one does not depend on the others.
            if not deviation:
                return None
            return deviation * generator_for(rng, f"spread.{name}").standard_normal(shape)

        self._slope = fixed("set_slope", parameters.set_slope)
        self._offset = fixed("set_offset", parameters.set_offset)
        self._reset = fixed("reset", parameters.reset)

    def set_law(
        self, slope: float, offset: float, rows: npt.NDArray[np.intp], gate: FloatArray
    ) -> FloatArray:
        """Return slope * gate + offset with the deviations of each cell of these rows, in S."""
        steep = slope * gate
        if self._slope is not None:
            steep = steep * (1.0 + self._slope[rows])
        level: FloatArray = steep + offset
        if self._offset is not None:
            level = level + self._offset[rows]
        return level

    def reset_level(self, level: float, rows: npt.NDArray[np.intp], columns: int) -> FloatArray:
        """Return the level of a full RESET of each cell of these rows, in S."""
        full = np.full((rows.size, columns), level)
        return full if self._reset is None else full * (1.0 + self._reset[rows])

    def cycle(self, level: FloatArray) -> FloatArray | None:
        """Draw the relative part of the noise of one pulse to each of these levels, in S."""
        if not self._cycle:
            return None
        return self._cycle * level * self._cycle_rng.standard_normal(level.shape)
