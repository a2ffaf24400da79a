"""What a programming pulse really puts across each cell, behind the resistance of the wires.

The current of a pulse is not constant while a cell switches. Its mean is taken: the path through a
cell conducts as the mean of the conductances before and after, in series with the transistor at the
gate voltage of the pulse. Each row is pulsed by itself; cells with their gate off carry nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.cells.conduction import path_conductance
from memlab.emulator.preset import ChipPreset
from memlab.emulator.wires import cell_voltage, wire_segments
from memlab.numeric import FloatArray

__all__ = ["pulsed_voltage"]


_VOLT_GRID = 2.0**20


def pulsed_voltage(
    preset: ChipPreset,
    shape: tuple[int, int],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    selected: npt.NDArray[np.bool_],
    before: FloatArray,
    after: FloatArray,
    gate: FloatArray | float,
    row_voltage: FloatArray | float,
    column_voltage: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """Return path conductance (S) and magnitude of the voltage (V) at each cell of these rows.

    Parameters
    ----------
    shape
        (rows, columns) of the whole array.
    rows, columns, selected
        Pulsed rows, shape (n,), the columns that arrays are of, and cells, shape (n, columns).
    before, after
        Conductances that the pulse begins and would end with, in S, shape (n, columns).
    gate
        Gate voltage in V, a number or shape (n, columns).
    row_voltage, column_voltage
        Of the drivers in V: numbers, (n, 1) or (n, columns).
    """
    mean = 0.5 * (before + np.maximum(after, 0.0))
    path = np.where(selected, path_conductance(preset.transistor, mean, gate), 0.0)
    wires = preset.wires
    if not wires.active:
        across = np.abs(np.asarray(column_voltage, np.float64) - row_voltage)
        return path, np.broadcast_to(across, path.shape)
    order = np.argsort(rows)
    row_segments, column_segments = wire_segments(rows[order], columns, shape)
    drive = np.broadcast_to(np.asarray(row_voltage, np.float64), (rows.size, 1))[order, 0]
    column = np.broadcast_to(np.asarray(column_voltage, np.float64), path.shape)[order]
    sorted_voltage = cell_voltage(
        path[order],
        wires.resistance,
        drive,
        column,
        driver_resistance=wires.driver_resistance,
        sense_resistance=wires.sense_resistance,
        row_segments=row_segments,
        column_segments=column_segments,
    )
    voltage = np.empty_like(sorted_voltage)
    voltage[order] = np.abs(sorted_voltage)
    # Rounded, so that the last bits do not depend on which rows were solved together.
    return path, np.rint(voltage * _VOLT_GRID) / _VOLT_GRID
