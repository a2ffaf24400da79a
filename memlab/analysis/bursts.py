"""White noise from bursts: reads in quick succession, in which slow noise is little, not nothing.

The cosine transform of a burst sorts its noise by frequency: white noise has the same variance w in
every coefficient, noise that is slow more in the first ones. Half the mean square of the difference
of two reads, l reads apart, is taken to be

    w + B l  for l up to m,    w + B m (1 + log(l / m))  beyond:

noise that wanders as long as m reads and is 1/f in what is slower. w and B are found for every m
from 1.4 (1/f noise all through the burst) to the length of the burst (steps rarer than
bursts), and the middle of them is taken, as likely as they are; how they differ is in the error.
What is faster than the reads follow each other counts as white.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from memlab.numeric import FloatArray

__all__ = ["Bursts", "white_noise"]


_SHORTEST = 6
"""Reads of a burst from which a wandering can be told."""

_LONGEST = 32
"""Reads of a burst from which it is cut in pieces."""

_ENOUGH = 20
"""Cells whose differences tell errors."""


@dataclass(frozen=True, eq=False)
class Bursts:
    """Bursts of cells, and what is known of them.

    Parameters
    ----------
    reads
        In S, shape (reads, cells).
    conductance
        Of the cells in S, shape (cells,).
    electronics, electronics_error
        Variance of a read that is not the cells', and its standard error, in S^2, shape (cells,).
    column
        Of each cell; cells of a column share the electronics, shape (cells,).
    step
        Of the converter, in S.
    rounding_error
        Standard error of what rounding adds to a variance, in S^2, the same for all cells.
    """

    reads: FloatArray
    conductance: FloatArray
    electronics: FloatArray
    electronics_error: FloatArray
    column: npt.NDArray[np.intp]
    step: float = 0.0
    rounding_error: float = 0.0


def white_noise(bursts: Bursts) -> tuple[float, float]:
    """Return white noise relative to the conductance, and one standard error."""
    bursts = _shortened(bursts)
    n = len(bursts.reads)
    power = dct(bursts.reads, norm="ortho", axis=0)[1:] ** 2
    if not power.any():
        # Noise of less than a quarter of a step leaves most reads on one code.
        return 0.0, 0.25 * bursts.step / float(bursts.conductance.mean())
    even = np.ones((n - 1, 1))
    designs = [even]
    if n >= _SHORTEST:
        shapes = [_wandering(n, m) for m in 2.0 ** np.arange(0.5, np.log2(n) + 1)]
        designs = [np.column_stack([even, shape]) for shape in shapes]
    ratios, errors, unlikely = np.array([_fit(bursts, power, design) for design in designs]).T
    weight = np.exp(unlikely.min() - unlikely)
    weight /= weight.sum()
    # Not the mean: what is 1/f all through the burst pulls it down with little likelihood.
    order = np.argsort(ratios)
    ratio = float(np.interp(0.5, np.cumsum(weight[order]) - 0.5 * weight[order], ratios[order]))
    error = float(weight @ (errors**2 + (ratios - ratio) ** 2)) ** 0.5
    white = max(ratio, 0.0) ** 0.5
    # A square that does not stand out of its error tells only how large the root may be.
    return white, 0.5 * error / white if ratio > error else error**0.5


def _shortened(bursts: Bursts) -> Bursts:
    """Cut long bursts in pieces, which say of white noise what the whole does."""
    reads, cells = bursts.reads.shape
    pieces = max(1, reads // _LONGEST)
    length = reads // pieces
    cut = bursts.reads[: pieces * length].reshape(pieces, length, cells)
    return Bursts(
        cut.transpose(1, 0, 2).reshape(length, -1),
        np.tile(bursts.conductance, pieces),
        np.tile(bursts.electronics, pieces),
        np.tile(bursts.electronics_error, pieces),
        np.tile(bursts.column, pieces),
        bursts.step,
        bursts.rounding_error,
    )


def _fit(bursts: Bursts, power: FloatArray, design: FloatArray) -> tuple[float, float, float]:
    """Return w relative to G^2, its error, and minus the logarithm of the likelihood."""
    square = bursts.conductance**2
    total, known = power.sum(axis=1) / square.sum(), bursts.electronics.sum() / square.sum()
    model = np.full(len(power), float(total.mean()))
    take = np.empty_like(design.T)
    law = np.zeros(design.shape[1])
    for _ in range(20):
        weighted = design / model[:, np.newaxis]
        take = np.linalg.pinv(weighted) / model
        law = take @ total
        model = np.maximum(design @ law, 1e-3 * model.mean())
    white = float(law[0] - known)
    of_cell = take[0] @ power
    if square.size < _ENOUGH:
        relative = np.maximum(design @ np.array([white, *law[1:]]), 0.0)
        each = bursts.electronics + np.outer(relative, square)
        variance = float(2.0 * (take[0] ** 2 @ each**2).sum())
    else:
        variance = float(((of_cell - bursts.electronics - white * square) ** 2).sum())
    # Cells of a column have their electronics, and its error, in common.
    columns = np.bincount(bursts.column, bursts.electronics_error)
    rounding = (square.size * bursts.rounding_error) ** 2
    error = float((variance + (columns**2).sum() + rounding) ** 0.5 / square.sum())
    unlikely = 0.5 * square.size * float((np.log(model) + total / model).sum())
    return white, error, unlikely


def _wandering(n: int, m: float) -> FloatArray:
    """Return the variance of each coefficient but the first, for B = 1; shape (n - 1,)."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(np.float64)
    half_square = np.where(lag <= m, lag, m * (1.0 + np.log(np.maximum(lag, m) / m)))
    # The constant does not count: it is not in these coefficients.
    shape: FloatArray = np.diag(dct(dct(-half_square, norm="ortho", axis=0), norm="ortho", axis=1))
    return shape[1:]
