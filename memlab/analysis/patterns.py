"""Which cells are pulsed together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.numeric import BoolArray

__all__ = ["diagonal_groups", "largest_group"]


def diagonal_groups(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], groups: int
) -> npt.NDArray[np.intp]:
    """Return the group, 0 .. groups - 1, of each cell: (row + column) modulo `groups`.

    A group lies evenly on all lines, and only a `groups`-th of the cells of a line belongs to it:
    with the other cells RESET, the wires carry little, and what they take can be neglected.

    Parameters
    ----------
    rows, columns
        Line numbers on the chip.

    Returns
    -------
    Shape (rows, columns).
    """
    return np.add.outer(rows, columns) % groups


def largest_group(
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    mask: BoolArray,
    groups: int,
) -> BoolArray:
    """Return the cells of `mask` in that group which has most of them, shape (rows, columns)."""
    group = diagonal_groups(rows, columns, groups)
    count = np.bincount(group[mask], minlength=groups)
    largest: BoolArray = mask & (group == count.argmax())
    return largest
