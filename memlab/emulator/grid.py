"""The grid of voltages on which products are exact.

Lines that make their nominal voltage are on the grid of the DAC itself: sums are exact below 160 A
for steps of 10 V / 65536. Lines with errors are rounded to 2^-20 V, where sums are exact below 1 A.
An array whose columns could carry more at the read limit (200 cells of 5 mS at 1 V) is rounded to
2^-19 V, and so on up to 2^-15 V, of which a DAC step is still a multiple: 32 A. More is refused.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drivers.converter import Codes, Converter

__all__ = ["COARSEST_BITS", "EXACT_CURRENT", "VOLT_GRID", "coarser_bits", "grid_volts"]

VOLT_GRID = 2.0**20
"""Steps per volt of the voltage grid: every DAC step is a multiple of it."""


EXACT_CURRENT = 1.0
"""Column current (A) below which sums are exact on it: 2^53 products of 2^-20 V and 2^-33 S."""

COARSEST_BITS = 5
"""Bits by which the grid may be coarser: a DAC step of 5 * 2^-15 V must be a multiple of it."""


def coarser_bits(current: float) -> int:
    """Return by how many bits the grid must be coarser than 2^-20 V for a column current (A)."""
    return max(0, math.floor(math.log2(max(current, 0.5) / EXACT_CURRENT)) + 1)


def grid_volts(code: Codes, span: Converter) -> npt.NDArray[np.float64]:
    """Return the nominal DAC output as whole numbers of 2^-20 V held in float64, same shape."""
    volts = np.multiply(code, span.step * VOLT_GRID, dtype=np.float64)
    volts += span.minimum * VOLT_GRID
    return volts
