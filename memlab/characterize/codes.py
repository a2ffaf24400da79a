"""What the raw codes of a measurement say: voltages that were driven, steps of a reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.array import Measurement
from memlab.numeric import FloatArray

__all__ = ["driven_voltage", "value_step"]


def driven_voltage(vectors: Sequence[Measurement]) -> FloatArray:
    """Return what the row DACs nominally made of vectors, in V, shape (vectors, rows).

    Not what was asked for: a DAC step of 152.6 uV is 0.08 % of 0.2 V, as much as the bending of a
    cell.
    """
    driven = [
        one.row.decode(one.dac_code)
        for one in vectors
        if one.dac_code is not None and one.row is not None
    ]
    return np.array(driven)


def value_step(measurement: Measurement) -> FloatArray:
    """Return how much one ADC code is worth in each value, in its unit, same shape.

    It follows from value and code themselves; NaN where the code is that of zero.
    """
    if measurement.adc_code is None or measurement.sense is None:
        return np.zeros(measurement.value.shape)
    signed = measurement.adc_code - float(measurement.sense.zero_code)
    signed[signed == 0.0] = np.nan
    step: FloatArray = np.abs(measurement.value / signed)
    return step
