"""The cells: what a pulse does to a conductance, and what a read finds.

The model is the one of the simulations published with Li 2019 and Wang 2019:

    SET     G <- max(slope * V_gate + offset, G) + N(0, noise)
    RESET   G <- reset_conductance + N(0, noise)

Only the cells that a pulse selects change and draw noise (the published simulation adds noise to
all cells at every pulse, a defect we do not inherit). A conductance is never negative.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.preset import ChipPreset

__all__ = ["GRID", "MAX_CONDUCTANCE", "Chip"]

GRID = 2.0**33
"""Steps per siemens of the conductance grid on which currents are exact (see `signal_chain`)."""

MAX_CONDUCTANCE = 5e-3
"""Largest conductance of a cell, in S: 128 cells of 5 mS at 1 V still sum exactly in float64."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class Chip:
    """A crossbar of one-transistor-one-memristor cells.

    Parameters
    ----------
    preset
        The kind of chip.
    shape
        (rows, columns).
    rng
        Source of all randomness of this chip: which cells are defective, and pulse noise.
    """

    def __init__(self, preset: ChipPreset, shape: tuple[int, int], rng: np.random.Generator):
        self.preset = preset
        self.shape = shape
        self.version = 0
        """Counts the changes, so that others can tell whether what they derived still holds."""
        self._rng = rng
        self._responsive = rng.random(shape) >= preset.non_responsive
        self._conductance = np.where(self._responsive, preset.reset_conductance, 0.0)

    @property
    def conductance(self) -> FloatArray:
        """True conductance of every cell in S, shape (rows, columns), a copy."""
        return self._conductance.copy()

    @property
    def responsive(self) -> BoolArray:
        """True for the cells that pulses can change, shape (rows, columns), a copy."""
        return self._responsive.copy()

    def set_cells(self, rows: npt.NDArray[np.intp], selected: BoolArray, gate: FloatArray) -> None:
        """Pulse cells of different rows towards SET.

        Parameters
        ----------
        rows
            Rows, each at most once, shape (n,).
        selected
            Cells to pulse, shape (n, columns).
        gate
            Gate voltage in V, shape (n, columns).
        """
        level = self.preset.set_slope * gate[selected] + self.preset.set_offset
        before = self._conductance[rows][selected]
        self._change(rows, selected, np.maximum(level, before))

    def reset_cells(self, rows: npt.NDArray[np.intp], selected: BoolArray) -> None:
        """Pulse cells of different rows towards RESET; arguments as in `set_cells`."""
        level = np.full(int(np.count_nonzero(selected)), self.preset.reset_conductance)
        self._change(rows, selected, level)

    def _change(self, rows: npt.NDArray[np.intp], selected: BoolArray, level: FloatArray) -> None:
        """Put the selected cells at `level` plus noise, drawn in row-major order."""
        if self.preset.noise:
            level += self.preset.noise * self._rng.standard_normal(level.size)
        np.clip(level, 0.0, MAX_CONDUCTANCE, out=level)
        block = self._conductance[rows]
        pulsed = self._responsive[rows][selected]
        block[selected] = np.where(pulsed, level, block[selected])
        self._conductance[rows] = block
        self.version += 1

    def transfer(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> FloatArray:
        """Conductance from each driven row to each sensed column on the integer grid.

        Returns
        -------
        Whole numbers of 2^-33 S held in float64, shape (len(rows), len(columns)).
        """
        return np.rint(self._conductance[np.ix_(rows, columns)] * GRID)
