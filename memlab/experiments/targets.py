"""Where trained weights go: from a network in software to target conductances of the arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memlab.array import Array
from memlab.experiments.config import PairPlacement
from memlab.mapping import Block, pair_targets, pair_weight
from memlab.nn import Network
from memlab.numeric import BoolArray, FloatArray

__all__ = ["place_weights", "used_cells", "views_of"]


def place_weights(
    network: Network,
    software: Network,
    arrays: Sequence[Array],
    window: tuple[float, float],
    placement: PairPlacement = PairPlacement.CENTRED,
    clip: float = 0.0,
) -> tuple[list[FloatArray], float]:
    """Return target conductances (S) of every array, and which share of them was clipped.

    Every matrix of `network` gets the R_gw that fills the window of conductances.

    Parameters
    ----------
    network
        On the arrays.
    software
        The same network, trained, on ideal arrays.
    arrays
        The whole arrays.
    window
        Smallest and largest conductance in S.
    placement
        Where the cells of a pair lie in that window.
    clip
        Share of the weights of a matrix, the largest ones, that need not fit.
    """
    low, high = window
    targets = [np.full(array.shape, np.nan) for array in arrays]
    clipped = cells = 0
    for matrix, trained in zip(network.matrices, software.matrices, strict=True):
        largest = float(np.quantile(np.abs(trained.weight), 1.0 - clip))
        matrix.siemens_per_weight = (high - low) / (largest or 1.0)
        for block, ideal in zip(matrix.blocks, trained.blocks, strict=True):
            conductance = ideal.reading.value
            weight = pair_weight(conductance, trained.siemens_per_weight, ideal.layout)
            held, beyond = pair_targets(
                weight,
                matrix.siemens_per_weight,
                window,
                block.layout,
                centred=placement is PairPlacement.CENTRED,
            )
            clipped += beyond
            cells += held.size
            targets[_array_of(block, arrays)][_lines(block)] = held
    return targets, clipped / cells


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
