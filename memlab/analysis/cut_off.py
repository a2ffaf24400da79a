"""Levels of which nothing below 0 S is seen.

A cell that a RESET would leave below 0 S ends at 0 S. Where levels are normal, mean and deviation
of what would have been follow from the part that is cut off and from the mean of the rest: with
a = Phi^-1(part cut off),

    rest = mean + deviation lambda(a),    limit = mean + deviation a,    lambda = phi / (1 - Phi)
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from memlab.numeric import FloatArray

__all__ = ["LOST", "SILENT", "means_above_zero"]


SILENT = 0.5e-6
"""Conductance in S below which a cell counts as cut off: more than a board errs around zero."""

LOST = 0.9
"""Part cut off from which the rest tells nothing."""

_FEW = 3


def means_above_zero(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean and standard error of normal levels, and which part of them is cut off.

    Parameters
    ----------
    values
        Conductances in S, shape (..., cells).

    Returns
    -------
    Each of shape (...). Where hardly any is cut off, or nearly all, mean and error are those of
    the values.
    """
    n = values.shape[-1]
    cut = values < SILENT
    count = cut.sum(axis=-1)
    share = count / max(n, 1)
    mean = values.mean(axis=-1)
    error = values.std(axis=-1) / max(n, 1) ** 0.5
    some = (count >= _FEW) & (share < LOST)
    # Elsewhere these are not used.
    a = ndtri(np.where(some, share, 0.5))
    above = np.where(cut, 0.0, values).sum(axis=-1) / np.maximum(n - count, 1)
    hazard = np.exp(-0.5 * a**2) / (2.0 * np.pi) ** 0.5 / (1.0 - np.where(some, share, 0.5))
    deviation = np.maximum(above - SILENT, 0.0) / (hazard - a)
    # Of half a sample: what was cut off weighs as what is known of it.
    own = deviation * np.sqrt((1.0 + a**2) / (max(n, 1) * (1.0 - np.where(some, share, 0.5))))
    return np.where(some, SILENT - deviation * a, mean), np.where(some, own, error), share
