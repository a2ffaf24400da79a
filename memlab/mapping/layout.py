"""Where the two cells of a differential pair lie: the two published layouts."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Layout", "pair_rows"]


class Layout(StrEnum):
    """Order of the positive and negative rows of a block of differential pairs."""

    BLOCK = "block"
    """Rows 0..n-1 positive, rows n..2n-1 negative (Li 2019)."""
    INTERLEAVED = "interleaved"
    """Even rows positive, odd rows negative (Wang 2019)."""


def pair_rows(layout: Layout, inputs: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the positive and the negative row of each input, both of shape (inputs,)."""
    if layout is Layout.BLOCK:
        plus = np.arange(inputs)
        return plus, plus + inputs
    plus = 2 * np.arange(inputs)
    return plus, plus + 1
