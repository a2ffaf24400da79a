"""How much bent cells may change of a fit of wires; reads at half of the voltage tell it.

Of a row at V a cell gets s V, with s what wires leave, and conducts beta s^2 more than in
proportion; at V/2 a quarter of that. So

    log(G(V) / G(V/2)) = 3/4 beta s^2

for all cells and loads, with one beta for cells of one level, and s from what is read of a cell
over its own conductance. Where a heavier load takes a part x of s, beta s^2 falls by 2 beta x,
which looks like 2 beta more of resistance; that the load itself is less by beta than the reads say
looks like beta less of it. What is left, between -beta and +beta of a resistance, depends on which
of the wires take the voltage. It is no more than this, and stays in the error.
"""

from __future__ import annotations

import numpy as np

from memlab.analysis.wire_fit import without_outliers
from memlab.numeric import FloatArray

__all__ = ["bent_share"]


_FEWEST = 3
"""Reads that say anything."""


def bent_share(ratio: FloatArray, left: FloatArray) -> float | None:
    """Return beta; None where there is too little.

    Parameters
    ----------
    ratio
        log(G(V) / G(V/2)), shape (reads,).
    left
        Part of its voltage that wires leave to each cell, same shape.
    """
    if ratio.size < _FEWEST:
        return None
    usable = without_outliers(ratio)
    expected = 0.75 * np.clip(left[usable], 0.0, 1.0) ** 2
    return float(expected @ ratio[usable]) / float(expected @ expected)
