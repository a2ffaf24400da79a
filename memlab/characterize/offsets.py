"""The current that flows while all rows are at 0 V, and reads without it.

Offsets of row drivers and amplifiers drive a current through every cell of a column. On a loaded
column it is as large as that of a cell, it changes when other cells change, and every read holds
it. A vector of zeros measures it, with the same cells below, and nothing needs to be known about
the board.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.runs import Record

__all__ = ["reads_without_offset"]

FloatArray = npt.NDArray[np.float64]


def reads_without_offset(record: Record, step: float, read_voltage: float) -> FloatArray:
    """Return the readings of a step less the mean current of its vectors of zeros.

    Parameters
    ----------
    record
        Its readings and vectors have a coordinate `step`; all vectors are zeros.
    step
        Which of them.
    read_voltage
        With which the readings were made, in V.

    Returns
    -------
    Conductance in S, shape (readings of the step, rows, columns).
    """
    reads = np.flatnonzero(record.readings.coordinate("step") == step)
    zeros = np.flatnonzero(record.vectors.coordinate("step") == step)
    values = np.array([record.readings.measurements[k].value for k in reads])
    current = np.mean([record.vectors.measurements[k].value for k in zeros], axis=0)
    without: FloatArray = values - current / read_voltage
    return without
