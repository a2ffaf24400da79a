"""What the signal chain multiplies by: the chip as seen from its drivers and amplifiers.

Cells, their transistors and the wires become matrices of whole numbers, so that products are exact.
They are made when they are needed and kept until a cell in use changes: the map read after an
update and the products of the next epoch share one solution of the wires.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drivers.board import Selection
from memlab.emulator.cells.conduction import bent_conductance, path_conductance
from memlab.emulator.chip import GRID, Chip
from memlab.emulator.line_solution import OPEN
from memlab.emulator.wires import effective_conductance, row_voltage_share, wire_segments
from memlab.numeric import FloatArray

__all__ = ["KEPT", "Operands", "Readout"]


KEPT = 8
"""Selections whose matrices are kept: the layers of a network on one chip."""


@dataclass(frozen=True, eq=False)
class Operands:
    """The chip seen through one selection, without slow noise.

    Parameters
    ----------
    linear
        Transfer conductance, whole numbers of 2^-33 S, shape (rows, columns).
    bent
        The part of it that follows V0 sinh(V / V0), likewise, or None for ohmic cells.
    bent_most
        The largest sum of a column of it.
    bending_voltage, bending_share
        V0 in V, and the share of a cell that bends as slow noise takes it.
    of_state
        What the state multiplies relative noise by, same shape. Or None: by 1.
    variance
        White noise of the cells in S^2, shape (rows, columns): the variance of a column is
        V^2 @ variance. Or None.
    row_conductance, column_conductance
        Sums of the transfer conductance over the other axis, in S.
    """

    linear: FloatArray
    bent: FloatArray | None
    bent_most: float
    bending_voltage: float
    bending_share: float
    of_state: FloatArray | None
    variance: FloatArray | None
    row_conductance: FloatArray
    column_conductance: FloatArray

    @cached_property
    def most(self) -> float:
        """What no sum of a column of `linear` exceeds."""
        # In S, and half a unit for each cell that was rounded.
        return float(self.column_conductance.max()) * GRID + len(self.linear)


_Moment = tuple[int, int, int, float]
"""Pulses so far, times of wire solution and of conductances, gate (V)."""


@dataclass(frozen=True, eq=False)
class _Solved:
    """One selection with the cells for which the wires were solved.

    Parameters
    ----------
    cells
        In S.
    around
        Cells that conduct, in S: those selected, and in an array without transistors all others.
    path
        Of cell and transistor in series, in S.
    effective
        Behind the wires, in S.
    share
        What the wires leave of a small change of a path. Or None: all.
    bent_share
        What they leave of the current that bending adds, which goes with the cube of the voltage
        at the cell to first order. Or None: all.
    """

    cells: FloatArray
    around: FloatArray
    path: FloatArray
    effective: FloatArray
    share: FloatArray | None
    bent_share: FloatArray | None


@dataclass(frozen=True, eq=False)
class _View:
    """One selection: what was made of it, and when."""

    moment: _Moment
    solved: _Solved
    operands: Operands


class Readout:
    """Makes and keeps `Operands`.

    Parameters
    ----------
    chip
        The chip that is read.
    """

    def __init__(self, chip: Chip):
        self._chip = chip
        self._views: dict[tuple[bytes, bytes], _View] = {}

    def operands(self, selection: Selection, gate: float) -> Operands:
        """Return the matrices of a selection with the gates at `gate` (V), at the chip's time."""
        chip = self._chip
        moment = chip.version, chip.solved_at, chip.found_at, gate
        view = self._views.pop(selection.key, None)
        if view is None or view.moment != moment:
            view = self._at_present(view, selection, moment)
        self._views[selection.key] = view  # the last one in use is the last to go
        if len(self._views) > KEPT:
            del self._views[next(iter(self._views))]
        return view.operands

    def _at_present(self, view: _View | None, selection: Selection, moment: _Moment) -> _View:
        """Make what has changed since the view was made."""
        chip, gate = self._chip, moment[-1]
        solved = None if view is None or view.moment[-1] != gate else view.solved
        if view is None or solved is None or view.moment[:2] != moment[:2]:
            cells = chip.part(selection.rows, selection.columns, chip.solved_at)
            around = cells
            if chip.preset.passive.active:
                rows, columns = chip.shape
                around = chip.part(np.arange(rows), np.arange(columns), chip.solved_at)
            if solved is None or not np.array_equal(solved.around, around):
                solved = self._solve(cells, around, selection, gate)
        if view is None or view.solved is not solved or view.moment[2] != moment[2]:
            return _View(moment, solved, self._present(solved, selection, gate))
        return _View(moment, solved, view.operands)

    def _solve(
        self, cells: FloatArray, around: FloatArray, selection: Selection, gate: float
    ) -> _Solved:
        """Solve the wires for these cells (S)."""
        preset = self._chip.preset
        path = path_conductance(preset.transistor, cells, gate)
        wires = preset.wires
        if preset.passive.active:
            effective = self._among_all(around, selection)
            return _Solved(cells, around, path, effective, _share(effective, path), None)
        if not wires.active:
            return _Solved(cells, around, path, path, None, None)
        row_segments, column_segments = wire_segments(
            selection.rows, selection.columns, self._chip.shape
        )
        effective = effective_conductance(
            path,
            wires.resistance,
            driver_resistance=wires.driver_resistance,
            sense_resistance=wires.sense_resistance,
            row_segments=row_segments,
            column_segments=column_segments,
        )
        share = _share(effective, path)
        bent_share = None
        if preset.nonlinearity.voltage:
            at_cell = row_voltage_share(
                path,
                wires.resistance,
                driver_resistance=wires.driver_resistance,
                row_segments=row_segments,
            )
            bent_share = share * at_cell**2
        return _Solved(cells, around, path, effective, share, bent_share)

    def _among_all(self, around: FloatArray, selection: Selection) -> FloatArray:
        """Return the transfer matrix (S) of a selection while all cells conduct.

        Rows and columns that take no part are at 0 V, or float, and carry current between others.
        """
        preset = self._chip.preset
        wires = preset.wires
        driver, sense = (
            np.full(lines, resistance)
            for lines, resistance in zip(
                around.shape, (wires.driver_resistance, wires.sense_resistance), strict=True
            )
        )
        if preset.passive.unselected == "floating":
            driver[np.delete(np.arange(driver.size), selection.rows)] = OPEN
            sense[np.delete(np.arange(sense.size), selection.columns)] = OPEN
        effective = effective_conductance(
            around, wires.resistance, driver_resistance=driver, sense_resistance=sense
        )
        return np.ascontiguousarray(effective[np.ix_(selection.rows, selection.columns)])

    def _present(self, solved: _Solved, selection: Selection, gate: float) -> Operands:
        """Make the matrices of the time of the present conductances."""
        chip, preset = self._chip, self._chip.preset
        cells, path, linear = solved.cells, solved.path, solved.effective
        if chip.found_at != chip.solved_at:
            cells = chip.part(selection.rows, selection.columns, chip.found_at)
            path = path_conductance(preset.transistor, cells, gate)
            change = path - solved.path
            linear = linear + (change if solved.share is None else change * solved.share)
            np.maximum(linear, 0.0, out=linear)
        bent = variance = None
        if preset.nonlinearity.voltage:
            bent = bent_conductance(preset.nonlinearity, path)
            bent = np.rint((bent if solved.bent_share is None else bent * solved.bent_share) * GRID)
        of_state, white = preset.read_noise.of_state(cells), preset.read_noise.white
        if white:
            relative = white if of_state is None else np.minimum(white * of_state, 1.0)
            variance = (relative * linear) ** 2
        return Operands(
            linear=np.rint(linear * GRID),
            bent=bent,
            bent_most=0.0 if bent is None else float(bent.sum(axis=0).max()),
            bending_voltage=preset.nonlinearity.voltage,
            bending_share=preset.nonlinearity.typical_share,
            of_state=of_state,
            variance=variance,
            row_conductance=linear.sum(axis=1),
            column_conductance=linear.sum(axis=0),
        )


def _share(effective: FloatArray, path: FloatArray) -> FloatArray:
    """Return what the wires leave of the current of each cell: of a small change of it, too."""
    return np.divide(effective, path, out=np.ones(path.shape), where=path > 0.0)
