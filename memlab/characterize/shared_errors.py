"""Whether cells of a column share an error that nobody has taken off: then a calibration is due."""

from __future__ import annotations

from memlab.analysis.clusters import Lines, column_share
from memlab.characterize.offsets import are_net
from memlab.numeric import FloatArray
from memlab.runs import Record

__all__ = ["CALIBRATE", "shared_error"]

CALIBRATE = (
    "cells of a column share an error, {:.0%} of the variance from cell to cell: calibrate the "
    "board first (memlab calibrate), and measure again"
)

_SHARE, _CHANCE = 0.1, 1e-6
"""Part of the variance that columns share, and how improbable by chance, from which it counts."""


def shared_error(record: Record, values: FloatArray, lines: Lines) -> str:
    """Return why nothing can be said of the cells, or "" where it can.

    Readings from which the offsets were taken off, by vectors of zeros or by a calibration, say
    what they say. In others columns may share an error as large as the cells differ, of which a
    part is the same for all of them, and cannot be seen.

    Parameters
    ----------
    record
        Where the values come from.
    values, lines
        Mean conductance (S) of each cell, shape (cells,), and where the cells lie.
    """
    if are_net(record) or values.size < 3:
        return ""
    share, chance = column_share(values, lines)
    return CALIBRATE.format(share) if share > _SHARE and chance < _CHANCE else ""
