"""Types of arrays by what they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BoolArray", "Cells", "FloatArray"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.intp] | tuple[npt.NDArray[np.intp] | slice, ...]
"""An index of arrays of cells: some rows, or some columns of them. What it takes is a copy."""
