"""Rows and columns worth using: `array[good.rows, good.columns]`.

The most cells are to be kept while no kept line has more than a given share of bad cells among
those that are kept. That is a biclique problem and hard in general; chips are not made to be hard.
So, greedily: drop the line with the largest share of bad cells until no line has too many; then
take back, those with fewest bad cells first, each dropped line that breaks nothing. Where bad lines
do not hide behind each other (shorts, broken drivers, a worn corner) that is the best there is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.numeric import BoolArray, FloatArray

__all__ = ["choose_good_lines"]

Lines = npt.NDArray[np.intp]


def choose_good_lines(bad: BoolArray, largest_share: float) -> tuple[Lines, Lines]:
    """Choose rows and columns (see the module's documentation); indices into `bad`.

    Parameters
    ----------
    bad
        Cells that are not to be used, shape (rows, columns).
    largest_share
        Largest share of bad cells on a kept line, 0 to 1; 0 keeps no bad cell at all.

    Returns
    -------
    Rows and columns, rising; both are empty where no line of either kind is worth using.
    """
    keep = [np.ones(size, bool) for size in bad.shape]
    cells = bad.astype(float)
    dropped: list[tuple[int, int]] = []
    while all(one.any() for one in keep):
        worst, axis, line = max(
            (share[line], axis, line)
            for axis, share in enumerate(_shares(cells, keep))
            for line in [int(share.argmax())]
        )
        if worst <= largest_share:
            break
        keep[axis][line] = False
        dropped.append((axis, line))
    dropped.sort(key=lambda where: cells.take(where[1], axis=where[0]).sum())
    for axis, line in dropped:
        keep[axis][line] = True
        if max(share.max() for share in _shares(cells, keep)) > largest_share:
            keep[axis][line] = False
    if not all(one.any() for one in keep):
        # A row without a column has no cell.
        keep = [np.zeros(size, bool) for size in bad.shape]
    return np.flatnonzero(keep[0]), np.flatnonzero(keep[1])


def _shares(cells: FloatArray, keep: list[BoolArray]) -> list[FloatArray]:
    """Share of bad cells of each kept row and column among the kept cells; 0 on dropped lines."""
    rows, columns = keep
    of_rows = cells @ columns / max(1, int(columns.sum()))
    of_columns = rows @ cells / max(1, int(rows.sum()))
    return [of_rows * rows, of_columns * columns]
