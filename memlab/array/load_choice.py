"""Under which load cells are read: that of their own selection, or of the whole array."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from memlab.array.seam import Array

__all__ = ["LoadChoice", "select"]

AnyArray = TypeVar("AnyArray", bound=Array)
Lines = npt.NDArray[np.intp]


class LoadChoice(StrEnum):
    """Which lines of the chip take part in a reading (`memlab.chip.load`)."""

    SELECTION = "selection"
    """The rows and columns that are selected; other rows float, other gates are at 0 V. Lines
    without gates do what the board says."""
    ARRAY = "array"
    """All of them: rows at 0 V, gates open."""


def select(array: AnyArray, rows: Lines, columns: Lines, load: LoadChoice) -> AnyArray:
    """Return the view of these lines, as it is read under the chosen load."""
    part = array[rows, columns]
    if load is LoadChoice.ARRAY and part.shape != array.shape:
        return part.under(array)
    return part
