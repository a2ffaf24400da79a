"""Rows whose cells could draw more than their driver gives are pulsed in groups, each cell once.

What a pulse will draw is predicted from what is asked, not from what the chip is: the same request
makes the same pulses on any board, also when a run goes on after a kill.

    SET      0.5 V x G(gate voltage)          the transistor limits the current
    RESET    RESET voltage x G(gate voltage)  before the cell opens, nothing does

with the largest published conductance G of `coupled_limits.largest_conductance`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.errors import LimitError
from memlab.numeric import FloatArray

__all__ = ["group_numbers", "split_groups"]


def group_numbers(current: FloatArray, largest: float) -> npt.NDArray[np.intp]:
    """Return the group, from 0, in which each cell is pulsed; same shape.

    Groups of a row are neighbouring cells of about the same current, as few as keep each of them
    at or below `largest`.

    Parameters
    ----------
    current
        Of each cell in A, shape (rows, columns).
    largest
        Of a row at once, in A.

    Raises
    ------
    LimitError
        If one cell alone could draw more.
    """
    total = current.sum(axis=1)
    number = np.zeros(current.shape, np.intp)
    # Sums are compared with a little room, so that their rounding makes no group.
    allowed = largest * (1.0 + 1e-9)
    left = np.flatnonzero(total > allowed)
    if not left.size:
        return number
    if not (most := float(current.max())) <= allowed:
        raise LimitError(
            f"one cell could draw {most:.3g} A, and the driver of its row gives {largest:.3g} A "
            "(capabilities of the board: row_current). Lower the gate voltage of a SET, or the "
            "voltage of a RESET. Nothing was sent"
        )
    groups = np.ceil(total / allowed)
    middle = np.cumsum(current, axis=1) - 0.5 * current
    while left.size:
        part = np.floor(middle[left] * (groups[left] / total[left])[:, np.newaxis])
        number[left] = np.clip(part, 0, groups[left, np.newaxis] - 1)
        sums = np.zeros((left.size, int(groups[left].max())))
        np.add.at(sums, (np.arange(left.size)[:, np.newaxis], number[left]), current[left])
        # Two cells that may not go together are apart, at the latest, in groups of half the size.
        left = left[(sums > allowed).any(axis=1)]
        groups[left] += 1.0
    return number


def split_groups(
    group: npt.NDArray[np.intp],
    selected: npt.NDArray[np.bool_],
    cells: int,
    amplitude: npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.intp]:
    """Return groups of selected cells that one pulse can have, each within one of `group`.

    A pulse has one amplitude, and some boards pulse few cells at a time.

    Parameters
    ----------
    group, selected
        Group of each cell, and whether it is pulsed at all, shape (rows, columns).
    cells
        Of a pulse, at most; 0: all.
    amplitude
        Code of each cell, same shape; None where all have one.
    """
    if amplitude is None:
        amplitude = np.zeros(group.shape, np.intp)
        if not cells:
            return group
    number = np.zeros_like(group)
    for row, mask in enumerate(selected):
        next_ = 0
        pairs = np.stack([group[row], amplitude[row].astype(np.intp)])
        for one in np.unique(pairs[:, mask], axis=1).T:
            which = np.flatnonzero(mask & (pairs == one[:, np.newaxis]).all(axis=0))
            number[row, which] = next_ + np.arange(which.size) // (cells or which.size)
            next_ = int(number[row, which[-1]]) + 1
    return number
