"""The grid of voltages on which products are exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.ltc2668 import Span

__all__ = ["VOLT_GRID", "grid_volts"]

VOLT_GRID = 2.0**20
"""Steps per volt of the voltage grid: every DAC step is a multiple of it."""


def grid_volts(code: npt.NDArray[np.uint16], span: Span) -> npt.NDArray[np.float64]:
    """Return the nominal DAC output as whole numbers of 2^-20 V held in float64, same shape."""
    volts = np.multiply(code, span.step * VOLT_GRID, dtype=np.float64)
    volts += span.minimum * VOLT_GRID
    return volts
