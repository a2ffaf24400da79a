"""Where the weights of a network lie on its arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memlab.array import Array
from memlab.mapping import Block
from memlab.nn import Network
from memlab.numeric import BoolArray

__all__ = ["used_cells", "views_of"]


def used_cells(network: Network, arrays: Sequence[Array]) -> list[BoolArray]:
    """Return the cells of every array that a network lies on, as masks."""
    masks = [np.zeros(array.shape, bool) for array in arrays]
    for block in network.blocks:
        masks[_array_of(block, arrays)][_lines(block)] = True
    return masks


def views_of(network: Network, arrays: Sequence[Array]) -> list[list[Array]]:
    """Return for every array the views that a network uses it through, each under its load."""
    views: list[list[Array]] = [[] for _ in arrays]
    for block in network.blocks:
        views[_array_of(block, arrays)].append(block.array)
    return views


def _lines(block: Block) -> tuple[npt.NDArray[np.intp], ...]:
    return np.ix_(block.array.rows, block.array.columns)


def _array_of(block: Block, arrays: Sequence[Array]) -> int:
    """Return the number of the array that a block is a view of: views share their counts."""
    return [array.counts is block.array.counts for array in arrays].index(True)
