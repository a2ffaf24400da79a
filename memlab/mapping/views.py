"""Reading an array as it is used: view by view, each under its own load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memlab.array import Array
from memlab.numeric import FloatArray

__all__ = ["cells_within", "read_in_use"]


def cells_within(view: Array, array: Array) -> tuple[npt.NDArray[np.intp], ...]:
    """Return where the cells of a view stand in the map of an array, in the order of the view."""
    row_at = {line: k for k, line in enumerate(array.rows.tolist())}
    column_at = {line: k for k, line in enumerate(array.columns.tolist())}
    return np.ix_(
        [row_at[line] for line in view.rows.tolist()],
        [column_at[line] for line in view.columns.tolist()],
    )


def read_in_use(array: Array, views: Sequence[Array] = ()) -> FloatArray:
    """Return the conductances (S) of an array as its views read them, NaN for cells in none.

    Parameters
    ----------
    array
        Shape (rows, columns) of what is returned; read itself where there are no views.
    views
        Views of its lines, each under its own load (`memlab.chip.load`).
    """
    if not views:
        return array.read_conductance()
    whole = np.full(array.shape, np.nan)
    for view in views:
        whole[cells_within(view, array)] = view.read_conductance()
    return whole
