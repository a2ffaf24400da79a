"""What the signal chain multiplies by: the chip as seen from its drivers and amplifiers.

Cells, their transistors, the wires and the slow noise become matrices of whole numbers, so that
products are exact. They are made when they are needed and kept until a cell in use changes: the
map read after an update and the products of the next epoch share one solution of the wires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.board import Selection
from memlab.emulator.cells.conduction import cubic_conductance, path_conductance
from memlab.emulator.chip import GRID, Chip
from memlab.emulator.wires import effective_conductance, wire_segments

__all__ = ["Operands", "Readout"]

FloatArray = npt.NDArray[np.float64]

_KEPT = 8
"""Selections whose matrices are kept: the layers of a network on one chip."""


@dataclass(frozen=True, eq=False)
class Operands:
    """The chip seen through one selection; matrices have shape (rows, columns).

    Parameters
    ----------
    linear
        Transfer conductance, whole numbers of 2^-33 S.
    cubic
        Coefficient of V^3, whole numbers of 2^-33 A/V^3, or None for ohmic cells.
    variance
        White noise of the cells in S^2: the variance of a column is V^2 @ variance. Or None.
    row_conductance, column_conductance
        Sums of the transfer conductance over the other axis, in S.
    """

    linear: FloatArray
    cubic: FloatArray | None
    variance: FloatArray | None
    row_conductance: FloatArray
    column_conductance: FloatArray


@dataclass(eq=False)
class _View:
    """One selection: what was last found there, and what was made of it."""

    cells: FloatArray
    gate: float
    effective: FloatArray
    version: int
    tick: int
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
        self._last: tuple[Selection, _View] | None = None

    def operands(self, selection: Selection, gate: float) -> Operands:
        """Return the matrices of a selection with the gates at `gate` (V), at the chip's time."""
        chip, tick = self._chip, self._chip.fluctuation.tick
        if self._last is not None:
            last, view = self._last
            if last is selection and _is_current(view, chip.version, tick, gate):
                return view.operands
        key = (selection.rows.tobytes(), selection.columns.tobytes())
        view = self._renewed(self._views.pop(key, None), selection, gate, tick)
        self._views[key] = view
        if len(self._views) > _KEPT:
            del self._views[next(iter(self._views))]
        self._last = (selection, view)
        return view.operands

    def _renewed(self, view: _View | None, selection: Selection, gate: float, tick: int) -> _View:
        chip = self._chip
        if view is not None and _is_current(view, chip.version, tick, gate):
            return view
        cells = chip.part(selection.rows, selection.columns)
        same = view is not None and view.gate == gate and np.array_equal(view.cells, cells)
        if view is not None and same and view.tick == tick:
            view.version = chip.version
            return view
        if view is not None and same:
            effective = view.effective
        else:
            effective = self._solve(cells, selection, gate)
        operands = self._quantise(cells, effective, selection, gate)
        return _View(cells, gate, effective, chip.version, tick, operands)

    def _solve(self, cells: FloatArray, selection: Selection, gate: float) -> FloatArray:
        preset = self._chip.preset
        path = path_conductance(preset.transistor, cells, gate)
        wires = preset.wires
        if not wires.active:
            return path
        row_segments, column_segments = wire_segments(
            selection.rows, selection.columns, self._chip.shape
        )
        return effective_conductance(
            path,
            wires.resistance,
            driver_resistance=wires.driver_resistance,
            sense_resistance=wires.sense_resistance,
            row_segments=row_segments,
            column_segments=column_segments,
        )

    def _quantise(
        self, cells: FloatArray, effective: FloatArray, selection: Selection, gate: float
    ) -> Operands:
        preset, noise = self._chip.preset, self._chip.preset.read_noise
        seen = effective
        if self._chip.fluctuation.active:
            # A cell that fluctuates changes the current of its own row and column in proportion;
            # the wires are not solved again for it.
            relative = self._chip.fluctuation.relative
            seen = effective * (1.0 + relative[np.ix_(selection.rows, selection.columns)])
        cubic = None
        if preset.nonlinearity.voltage:
            # To first order the cubic current takes the way of the linear one through the wires.
            path = path_conductance(preset.transistor, cells, gate)
            share = np.divide(seen, path, out=np.zeros(path.shape), where=path > 0.0)
            cubic = np.rint(cubic_conductance(preset.nonlinearity, path) * share * GRID)
        return Operands(
            linear=np.rint(seen * GRID),
            cubic=cubic,
            variance=(noise.white * seen) ** 2 if noise.white else None,
            row_conductance=seen.sum(axis=1),
            column_conductance=seen.sum(axis=0),
        )


def _is_current(view: _View, version: int, tick: int, gate: float) -> bool:
    return view.version == version and view.tick == tick and view.gate == gate
