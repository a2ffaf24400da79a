"""Cells that do not take part: non-responsive, stuck on, stuck off, and shorted lines.

One uniform deviate u per cell decides: stuck on where u < stuck_on, stuck off where
stuck_on <= u < stuck_on + stuck_off. A non-responsive cell stays at 0 S, whatever is done to it.
All cells of a shorted row or column are stuck on.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for

__all__ = ["DefectParameters", "stuck_cells"]


class DefectParameters(Parameters):
    """Fractions of stuck cells and of shorted lines, and where they stick."""

    stuck_on: float = quantity(0.0, "1", "Fraction of cells stuck at a large conductance.", le=1.0)
    stuck_off: float = quantity(0.0, "1", "Fraction of cells stuck at a small one.", le=1.0)
    short_rows: float = quantity(0.0, "1", "Fraction of rows that are shorted.", le=1.0)
    short_columns: float = quantity(0.0, "1", "Fraction of columns that are shorted.", le=1.0)
    on_conductance: float = quantity(1e-3, "S", "Of a cell stuck on or shorted.", le=5e-3)
    off_conductance: float = quantity(1e-6, "S", "Conductance of a cell stuck off.", le=5e-3)

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.stuck_on + self.stuck_off > 1.0:
            raise ValueError("stuck_on + stuck_off must be at most 1")
        return self


def stuck_cells(
    parameters: DefectParameters, shape: tuple[int, int], rng: np.random.Generator
) -> npt.NDArray[np.float64] | None:
    """Return the conductance (S) of each stuck cell, NaN elsewhere; None if there are none."""
    on, off = parameters.stuck_on, parameters.stuck_off
    if not (on or off or parameters.short_rows or parameters.short_columns):
        return None
    u = generator_for(rng, "defects").random(shape)
    stuck = np.full(shape, np.nan)
    stuck[u < on + off] = parameters.off_conductance
    stuck[u < on] = parameters.on_conductance
    lines = generator_for(rng, "defects.lines")
    stuck[lines.random(shape[0]) < parameters.short_rows] = parameters.on_conductance
    stuck[:, lines.random(shape[1]) < parameters.short_columns] = parameters.on_conductance
    return stuck
