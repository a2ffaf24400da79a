"""What the slow noise of the cells adds to the currents of the columns, exactly summed.

A cell that fluctuates changes the current of its own row and column in proportion; the wires are
not solved again for it, and offsets and white noise stay what they were:

    I_j = sum_i U_i G_ij d_ij(t),    U = V + w (V0 sinh(V / V0) - V)

with d the relative deviation, never below -1. G d is made of whole numbers, as voltages and
conductances are (`memlab.emulator.signal_chain`), on a finer grid: noise is small. w is the share
of a cell that bends (`memlab.emulator.cells.conduction`), here one number for all cells: where it
depends on the conductance, the noise is that of a voltage between V and V0 sinh(V / V0).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise

import numpy as np

from memlab.emulator.cells.fluctuation import Deviation, Steps
from memlab.emulator.readout import Operands
from memlab.numeric import FloatArray

__all__ = ["SlowNoise"]

_EXACT = 2.0**53

_FINER_BITS = 20
"""More would tell nothing: a millionth of a step of the conductances."""

_TOGETHER = 1 << 17
"""Elements of the matrices that are made at once: a megabyte, which stays in the cache."""


class SlowNoise:
    """The slow noise of cells that stay as they are otherwise.

    Parameters
    ----------
    operands
        The cells.
    deviation
        Any of theirs: `unit` and `most` are those of all.
    largest
        Of U in units.
    """

    def __init__(self, operands: Operands, deviation: Deviation, largest: float):
        self.operands = operands
        linear, state = operands.linear, operands.of_state
        scaled = linear if state is None else linear * state
        sums = float(scaled.sum(axis=0).max()) * deviation.most + len(linear)
        bits = min(_FINER_BITS, math.floor(math.log2(_EXACT / (sums * largest))))
        self._scaled = (scaled * 2.0**bits).reshape(-1)
        self._grid = 2.0**-bits
        # A power of 2: what is exact in whole numbers is so in these.
        self._each = np.rint(scaled * 2.0**bits * deviation.unit) * self._grid
        most = deviation.most * (1.0 if state is None else float(state.max()))
        self._least = None if most < 1.0 else -linear
        self._space = np.empty((max(1, _TOGETHER // linear.size), *linear.shape))

    def add(self, voltage: FloatArray, steps: Steps, start: int, current: FloatArray) -> None:
        """Add its currents to those of vectors from number `start` on.

        Parameters
        ----------
        voltage
            U in units of V, shape (vectors, rows).
        current
            Shape (vectors, columns).
        """
        stops, deviation = steps
        first, last = bisect_right(stops, start), bisect_left(stops, start + len(voltage)) + 1
        edges = [0, *(end - start for end in stops[first : last - 1]), len(voltage)]
        more = np.empty_like(current)
        for k in range(first, last, len(self._space)):
            matrices = self._matrices(deviation, k, min(k + len(self._space), last))
            for matrix, (a, b) in zip(matrices, pairwise(edges[k - first :]), strict=False):
                np.dot(voltage[a:b], matrix, out=more[a:b])
        current += more

    def change(self, deviation: Deviation) -> FloatArray:
        """Return what the first step adds to `linear` of the cells, same shape."""
        change: FloatArray = self._matrices(deviation, 0, 1)[0].copy()
        return change

    def _matrices(self, deviation: Deviation, start: int, stop: int) -> FloatArray:
        """Return G d of some steps, on the finer grid, shape (steps, rows, columns)."""
        matrices = self._space[: stop - start]
        if deviation.number is None:
            matrices.fill(0.0)
        else:
            matrices[...] = deviation.number[start:stop]
            matrices *= self._each
        if deviation.cell.size:
            drop = deviation.drop[start:stop] * self._scaled.take(deviation.cell)
            np.rint(drop, out=drop)
            matrices.reshape(len(matrices), -1)[:, deviation.cell] -= drop * self._grid
        if self._least is not None:
            np.maximum(matrices, self._least, out=matrices)
        return matrices
