"""A pulse on an array without transistors: every cell sees a voltage, and moves as its law says.

The currents of all cells flow through the same wires, so that the voltages are those of the whole
network (`line_solution`). They change while cells switch: as in `pulse_drop`, a cell is taken to
conduct as the mean of its conductances before and after, where "after" is what the voltages of the
array as it was would have left of it.

A compliance holds the current of each cell that is SET: its rise ends at the conductance that
carries this current at the voltage across it. Cells that are not selected have none.
"""

from __future__ import annotations

import numpy as np

from memlab.emulator.chip import Chip
from memlab.emulator.line_solution import LineSolution, solve_lines
from memlab.emulator.passive import line_voltages
from memlab.numeric import BoolArray, FloatArray

__all__ = ["pulse_passive"]


def pulse_passive(
    chip: Chip,
    row: int,
    columns: BoolArray,
    amplitude: FloatArray,
    width: float,
    time: int,
    compliance: float | None,
) -> float:
    """Pulse cells of one row once, and return the energy (J) that the drivers gave.

    Parameters
    ----------
    chip
        A passive one.
    row, columns
        The cells: their row, and a mask of shape (columns,).
    amplitude
        Of columns over the row, in V, shape (columns,): positive is a SET.
    width
        In s.
    time
        When the pulse ends, in ns.
    compliance
        Largest current of a selected cell in a SET, in A; None: no limit.
    """
    if not columns.any():
        return 0.0
    lines = line_voltages(chip.preset.passive.scheme, chip.shape, row, columns, amplitude)
    before = chip.conductance
    first = _solve(chip, before, lines).cell_voltage
    part = chip.part_done(first, width)
    after = before + part * (chip.bias_levels(first, before) - before)
    cells = np.zeros(chip.shape, bool)
    cells[row] = columns
    if compliance is not None:
        after = np.minimum(after, _held(first, cells, compliance, before))
    solution = _solve(chip, 0.5 * (before + np.where(chip.alive, after, before)), lines)
    voltage = solution.cell_voltage
    most = None if compliance is None else _held(voltage, cells, compliance, before)
    chip.bias_cells(voltage, width, time, most)
    return solution.power * width


def _solve(
    chip: Chip, conductance: FloatArray, lines: tuple[FloatArray, FloatArray]
) -> LineSolution:
    wires = chip.preset.wires
    return solve_lines(
        conductance,
        wires.resistance,
        *lines,
        driver_resistance=wires.driver_resistance,
        sense_resistance=wires.sense_resistance,
    )


def _held(
    voltage: FloatArray, cells: BoolArray, compliance: float, before: FloatArray
) -> FloatArray:
    """Return the conductance (S) to which a compliance lets each cell rise."""
    most = np.full(voltage.shape, np.inf)
    np.divide(compliance, voltage, out=most, where=cells & (voltage > 0.0))
    held: FloatArray = np.maximum(most, before)
    return held
