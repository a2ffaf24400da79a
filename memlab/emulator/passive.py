"""Arrays without transistors: which voltages select a cell.

A pulse of amplitude v on cells of one row puts them between their row and their columns. What the
other lines do decides what all other cells see, but for the wires:

    scheme      row     columns   other rows   other columns    other cells see
    V/2         -v/2    +v/2      0            0                v/2 in row and columns, 0 elsewhere
    V/3          0       v        2 v/3        v/3              v/3, either sign
    floating     0       v        float        float            what the network leaves them

for a SET; the signs are opposite for a RESET.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.emulator.parameters import Parameters
from memlab.numeric import BoolArray, FloatArray

__all__ = ["PassiveParameters", "line_voltages"]

Lines = npt.NDArray[np.intp]

_SHARES = {
    "V/2": (-0.5, 0.5, 0.0, 0.0),
    "V/3": (0.0, 1.0, 2.0 / 3.0, 1.0 / 3.0),
    "floating": (0.0, 1.0, np.nan, np.nan),
}
"""Of the amplitude of a SET: pulsed row, pulsed columns, other rows, other columns."""


class PassiveParameters(Parameters):
    """An array whose cells have no transistors; `scheme` = none is one with them."""

    scheme: Literal["none", "V/2", "V/3", "floating"] = Field(
        "none",
        description="How cells are selected in pulses; none: by their transistors.",
        json_schema_extra={"unit": "1", "source": "memlab.emulator.passive"},
    )
    unselected: Literal["grounded", "floating"] = Field(
        "grounded",
        description="What lines of a passive array do that take no part in a reading.",
        json_schema_extra={"unit": "1", "source": "a choice"},
    )

    @property
    def active(self) -> bool:
        """Whether the array has no transistors."""
        return self.scheme != "none"


def line_voltages(
    scheme: str, shape: tuple[int, int], row: int, columns: BoolArray, amplitude: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the voltages (V) of all rows and columns during a pulse, NaN where they float.

    Parameters
    ----------
    scheme
        V/2, V/3 or floating.
    shape
        (rows, columns) of the array.
    row, columns
        The cells pulsed: their row, and a mask of shape (columns,).
    amplitude
        Of each column over the row, in V, shape (columns,); negative in a RESET. Lines that are not
        pulsed take their share of the mean.
    """
    pulsed_row, pulsed, other_row, other = _SHARES[scheme]
    # A sum of equals over their number may differ from them in the last bit.
    chosen = amplitude[columns]
    mean = float(chosen[0] if (chosen == chosen[0]).all() else chosen.mean())
    rows = np.full(shape[0], other_row * mean)
    rows[row] = pulsed_row * mean
    return rows, np.where(columns, pulsed * amplitude, other * mean)
