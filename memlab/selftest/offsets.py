"""Offsets of rows and amplifiers, and leakage, told apart by the conductance of the cells.

With one row connected and everything at 0 V the current of a column is

    I_ij = (o_i + v_j) G_ij + leakage_j

with the offset o_i of the row's driver and v_j of the amplifier's input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress

from memlab.numeric import BoolArray, FloatArray

__all__ = ["CONDUCTS", "Offsets", "find_offsets", "median"]


CONDUCTS = 5e-6
"""S; a cell from which on shows what its lines do."""


@dataclass(frozen=True, eq=False)
class Offsets:
    """What makes currents at 0 V.

    Parameters
    ----------
    row
        Offset of each row in V, from the median row; NaN where no cell conducts.
    leakage, leakage_error
        Of each column in A, with one standard error.
    """

    row: FloatArray
    leakage: FloatArray
    leakage_error: FloatArray


def find_offsets(conductance: FloatArray, current: FloatArray, quiet: BoolArray) -> Offsets:
    """Tell offsets and leakage apart.

    Parameters
    ----------
    conductance, current
        Of each row alone, in S and, at 0 V, in A, shape (rows, columns); NaN where it clipped.
    quiet
        Rows that do not follow their drivers; they say nothing of the others.
    """
    conducting = np.abs(np.nan_to_num(conductance)) > CONDUCTS
    with np.errstate(invalid="ignore", divide="ignore"):
        volts = np.where(conducting, current / conductance, np.nan)
    # Medians over columns: one that leaks makes no difference.
    row = median(volts - median(volts, axis=0), axis=1)
    own = current - np.nan_to_num(row)[:, np.newaxis] * np.nan_to_num(conductance)
    used = np.ones_like(quiet) if quiet.all() else ~quiet
    fits = [_intercept(g[used], i[used]) for g, i in zip(conductance.T, own.T, strict=True)]
    leakage, error = np.array(fits).T
    return Offsets(row, leakage, error)


def median(values: FloatArray, axis: int) -> FloatArray:
    """Return medians without NaN; NaN where nothing is left."""
    left = np.isfinite(values).any(axis=axis)
    filled = np.where(np.expand_dims(left, axis), values, 0.0)
    found: FloatArray = np.where(left, np.nanmedian(filled, axis=axis), np.nan)
    return found


def _intercept(conductance: FloatArray, current: FloatArray) -> tuple[float, float]:
    """Return the current of a column at no conductance with its error; 0 where none was read."""
    good = np.isfinite(conductance) & np.isfinite(current)
    if not good.any():
        return 0.0, 0.0
    g, i = conductance[good], current[good]
    if g.size < 8 or np.ptp(g) < CONDUCTS:
        # Of a median; where a few cells conduct, nothing says how much of it is theirs.
        error = 1.25 * i.std() / np.sqrt(i.size)
        return float(np.median(i)), float(np.abs(i).max() if g.max() > CONDUCTS else error)
    fit = linregress(g, i)
    # Currents that are all alike have no correlation, and scipy then knows no error.
    return float(fit.intercept), float(np.nan_to_num(fit.intercept_stderr))
