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
    cubic: FloatArray | None
    version: int = -1
    tick: int = -1
    operands: Operands | None = None


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
                assert view.operands is not None
                return view.operands
        key = (selection.rows.tobytes(), selection.columns.tobytes())
        view = self._renewed(self._views.pop(key, None), selection, gate)
        self._views[key] = view
        if len(self._views) > _KEPT:
            del self._views[next(iter(self._views))]
        self._last = (selection, view)
        if view.operands is None or view.tick != tick:
            view.operands = self._quantise(view, selection)
            view.tick = tick
        return view.operands

    def _renewed(self, view: _View | None, selection: Selection, gate: float) -> _View:
        """Return the view if its cells are still what they were, or else a new one."""
        chip = self._chip
        if view is None or view.gate != gate:
            same, cells = False, chip.part(selection.rows, selection.columns)
        elif view.version == chip.version:
            return view
        else:
            cells = chip.part(selection.rows, selection.columns)
            same = np.array_equal(view.cells, cells)
        if view is None or not same:
            view = _View(cells, gate, *self._solve(cells, selection, gate))
        view.version = chip.version
        return view

    def _solve(
        self, cells: FloatArray, selection: Selection, gate: float
    ) -> tuple[FloatArray, FloatArray | None]:
        """Return transfer conductance (S) and the coefficient of V^3 (A/V^3), behind the wires."""
        preset = self._chip.preset
        path = effective = path_conductance(preset.transistor, cells, gate)
        wires = preset.wires
        if wires.active:
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
        if not preset.nonlinearity.voltage:
            return effective, None
        # To first order the cubic current takes the way of the linear one through the wires.
        share = np.divide(effective, path, out=np.zeros(path.shape), where=path > 0.0)
        return effective, cubic_conductance(preset.nonlinearity, path) * share

    def _quantise(self, view: _View, selection: Selection) -> Operands:
        chip, noise = self._chip, self._chip.preset.read_noise
        linear, cubic = view.effective, view.cubic
        if chip.fluctuation.active:
            # A cell that fluctuates changes the current of its own row and column in proportion;
            # the wires are not solved again for it.
            factor = chip.fluctuation.relative[np.ix_(selection.rows, selection.columns)]
            factor += 1.0
            linear = linear * factor
            cubic = None if cubic is None else cubic * factor
        return Operands(
            linear=np.rint(linear * GRID),
            cubic=None if cubic is None else np.rint(cubic * GRID),
            variance=(noise.white * linear) ** 2 if noise.white else None,
            row_conductance=linear.sum(axis=1),
            column_conductance=linear.sum(axis=0),
        )


def _is_current(view: _View, version: int, tick: int, gate: float) -> bool:
    return view.version == version and view.tick == tick and view.gate == gate
