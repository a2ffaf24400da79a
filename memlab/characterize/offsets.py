"""The current that flows while all rows are at 0 V, and reads without it.

Offsets of row drivers and amplifiers drive a current through every cell of a column. On a loaded
column it is as large as that of a cell, it changes when other cells change, and every read holds
it: cells of a column err together, and part of it is the same for all columns. A vector of zeros
measures it, with the same cells below, and nothing needs to be known about the board. A calibrated
board takes it off each read by itself; what its vectors of zeros then show is no part of a read.
"""

from __future__ import annotations

import numpy as np

from drivers.board import AUTO_GAIN
from memlab.characterize.bench import Bench
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Record

__all__ = [
    "ZEROS",
    "are_net",
    "net_conductance",
    "net_maps",
    "read_net",
    "reads_without_offset",
]


_ZEROS = 16
"""Vectors of zeros for each reading. Their noise is shared by the cells of a column; with 16 of
them its variance is a sixteenth of what a reading has by itself."""

ZEROS = {"reading": Coordinate("1", "Number of the reading that these zeros belong to, from 0")}
"""Coordinates of the vectors of a procedure that reads with `read_net`."""


def read_net(bench: Bench, **coordinates: float) -> FloatArray:
    """Read the cells, and what flows at 0 V; return conductances (S) without it.

    On a calibrated board, and in run files of before, it is a plain reading.
    """
    value = bench.read(gain=AUTO_GAIN, read_voltage=None, **coordinates)
    if not bench.measures_zeros:
        return value
    reading = bench.readings - 1
    # Zeros of amplifier and ADC are not the same at every gain: that of the largest currents.
    used = bench.record.readings.measurements[reading].gain
    gain = AUTO_GAIN if used is None else int(used.min())
    zeros = bench.vmm(np.zeros((_ZEROS, bench.shape[0])), gain=gain, reading=float(reading))
    net: FloatArray = value - zeros.value.mean(axis=0) / bench.array.operating_point.read_voltage
    return net


def are_net(record: Record) -> bool:
    """Return whether the readings of a record are without offsets, or can be made so.

    Those of a calibrated board are; of files of before nobody knows.
    """
    return "reading" in record.vectors.coordinates


def net_maps(record: Record, read_voltage: float) -> FloatArray:
    """Return the readings (S) less what flowed at 0 V, shape (readings, rows, columns).

    Parameters
    ----------
    record
        Of a procedure that reads with `read_net`.
    read_voltage
        With which the readings were made, in V.
    """
    values = record.readings.value
    if not are_net(record) or not len(record.vectors):
        return values
    reading = record.vectors.coordinate("reading")
    current = record.vectors.value
    offset = np.array([current[reading == k].mean(axis=0) for k in range(len(values))])
    net: FloatArray = values - offset[:, np.newaxis, :] / read_voltage
    return net


def net_conductance(record: Record, read_voltage: float) -> FloatArray:
    """Return `net_maps` of the cells in the record's mask, shape (readings, cells)."""
    net: FloatArray = net_maps(record, read_voltage)[:, record.mask]
    return net


def reads_without_offset(
    record: Record,
    step: float,
    read_voltage: float,
    readings: BoolArray | None = None,
) -> FloatArray:
    """Return the readings of a step less the mean current of its vectors of zeros.

    Parameters
    ----------
    record
        Its readings and vectors have a coordinate `step`; all vectors are zeros. Without any of
        this step, the board takes the current off by itself.
    step
        Which of them.
    read_voltage
        With which the readings were made, in V.
    readings
        Some of all readings of the record, bool; by default all.

    Returns
    -------
    Conductance in S, shape (readings of the step, rows, columns).
    """
    of_step = record.readings.coordinate("step") == step
    reads = np.flatnonzero(of_step if readings is None else of_step & readings)
    zeros = np.flatnonzero(record.vectors.coordinate("step") == step)
    values = np.array([record.readings.measurements[k].value for k in reads])
    if not zeros.size:
        return values
    current = np.mean([record.vectors.measurements[k].value for k in zeros], axis=0)
    without: FloatArray = values - current / read_voltage
    return without
