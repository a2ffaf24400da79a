"""Wire resistance from reads of the same cells below different loads.

A row of cells that conduct little hardly loads its lines; when more cells are SET, what the wires
leave of the cells that were there before becomes less, though these have not changed. So there is
no need to know any conductance. For given resistances r the cells follow from the reads: those SET
at a stage are found from the read at this stage, the first in which they conduct, by

    G <- G measured / model(G, r)

with `memlab.emulator.wires` as the model. At every later stage the model then predicts the read of
these cells, and r is what makes the logarithms of measured over predicted vanish: a Gauss-Newton
fit of wire, driver and sense resistance. Cells far from the fit (they switched, or a trap did) are
left out. The errors count each cell once, however often it was read (a sandwich estimate).

By superposition a product with many rows driven holds nothing that reads row by row do not hold:
comparing those two tells nothing about wires. Only a different load does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.emulator import effective_conductance, wire_segments

__all__ = ["Resistances", "Stage", "WireFit", "WireModel", "fit_resistances"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SMALL = 5e-6
"""A cell that conducts less (S) is taken as it is read: it loads nothing."""

_INVERSIONS = 4
_STEP = 0.02
"""Step in ohm for derivatives; what is measured is smooth on this scale."""


@dataclass(frozen=True)
class Resistances:
    """In ohm: of one segment of wire, of a row driver, of a column's amplifier input."""

    wire: float
    driver: float = 0.0
    sense: float = 0.0


@dataclass(frozen=True, eq=False)
class Stage:
    """One load: which cells were SET for it, and what was then read.

    Parameters
    ----------
    added
        Cells that changed since the stage before, shape (rows, columns).
    conductance
        Read conductance in S, offsets taken off, same shape.
    """

    added: BoolArray
    conductance: FloatArray


class WireModel:
    """What is read of cells behind wires, and which cells explain what was read.

    Parameters
    ----------
    rows, columns
        Line numbers of the view; the other lines take no part.
    chip_shape
        (rows, columns) of the whole chip.
    """

    def __init__(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        chip_shape: tuple[int, int],
    ):
        self._row_segments, self._column_segments = wire_segments(rows, columns, chip_shape)

    def read(self, cells: FloatArray, resistances: Resistances) -> FloatArray:
        """Return what is read (S) of cells (S), shape (rows, columns)."""
        return effective_conductance(
            cells,
            resistances.wire,
            driver_resistance=resistances.driver,
            sense_resistance=resistances.sense,
            row_segments=self._row_segments,
            column_segments=self._column_segments,
        )

    def cells(
        self,
        read: FloatArray,
        resistances: Resistances,
        start: FloatArray,
        unknown: BoolArray,
        iterations: int = _INVERSIONS,
    ) -> FloatArray:
        """Return the cells (S) that explain a read (S); all but the `unknown` stay at `start`."""
        cells = np.maximum(start, 0.0)
        unknown = unknown & (read > _SMALL)
        cells[unknown] = np.where(cells[unknown] > _SMALL, cells[unknown], read[unknown])
        for _ in range(iterations):
            model = self.read(cells, resistances)
            cells[unknown] *= np.clip(read[unknown] / model[unknown], 0.5, 2.0)
        return np.minimum(cells, 1.0)


@dataclass(frozen=True, eq=False)
class WireFit:
    """What a fit has found.

    Parameters
    ----------
    resistances, error
        Found, and one standard error of each, in ohm.
    cells
        Conductance of the cells themselves at the last stage, in S, shape (rows, columns).
    model
        What the fit expects to be read at each stage, in S, shape (stages, rows, columns).
    scatter
        Standard deviation of the logarithms of measured over predicted.
    """

    resistances: Resistances
    error: Resistances
    cells: FloatArray
    model: FloatArray
    scatter: float


def fit_resistances(
    model: WireModel, stages: Sequence[Stage], start: Resistances, iterations: int = 6
) -> WireFit | None:
    """Find wire, driver and sense resistance; None where the stages do not determine them.

    Parameters
    ----------
    model
        The network.
    stages
        At least three, the first with all cells RESET, in which every cell counts as added.
    start
        Where to begin.
    iterations
        Largest number of Gauss-Newton steps; it ends when a step is below its own error.
    """
    prediction = _Prediction(model, stages)
    theta = np.array([start.wire, start.driver, start.sense])
    if len(prediction.cell) <= theta.size:
        return None
    for _ in range(iterations):
        residual, _, _ = prediction(theta)
        jacobian = np.empty((residual.size, theta.size))
        for k in range(theta.size):
            moved = theta.copy()
            moved[k] += _STEP
            jacobian[:, k] = (prediction(moved)[0] - residual) / _STEP
        usable = _without_outliers(residual)
        normal = jacobian[usable].T @ jacobian[usable]
        if np.linalg.cond(normal) > 1e14:
            return None
        step = -np.linalg.solve(normal, jacobian[usable].T @ residual[usable])
        covariance = _sandwich(jacobian[usable], residual[usable], prediction.cell[usable])
        error = np.sqrt(np.diag(covariance))
        # A resistance is not negative; one that is not there lies within its error of zero.
        new = np.maximum(theta + step, 0.0)
        done = bool((np.abs(new - theta) <= 0.1 * error + 1e-4).all())
        theta = new
        if done:
            break
    residual, cells, models = prediction(theta)
    scatter = float(residual[_without_outliers(residual)].std())
    return WireFit(Resistances(*theta), Resistances(*error), cells, models, scatter)


class _Prediction:
    """Residuals of all cells that were read again at a later stage."""

    def __init__(self, model: WireModel, stages: Sequence[Stage]):
        self._model, self._stages = model, stages
        self._guess = [np.maximum(stage.conductance, 0.0) for stage in stages]
        known = np.zeros(stages[0].added.shape, bool)
        self._again: list[BoolArray] = []
        for stage in stages[1:]:
            self._again.append(known & (stage.conductance > 4.0 * _SMALL))
            known = known | (stage.added & (stage.conductance > 4.0 * _SMALL))
        self.cell = np.concatenate([np.flatnonzero(again) for again in self._again])
        """Number of the cell of each residual."""

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return residuals, the cells at the last stage and the model of each stage."""
        resistances = Resistances(*theta)
        cells = np.zeros(self._stages[0].added.shape)
        residuals, models = [], []
        for k, stage in enumerate(self._stages):
            start = np.where(stage.added, self._guess[k], cells)
            cells = self._model.cells(stage.conductance, resistances, start, stage.added)
            # The next evaluation, at resistances not far from these, begins where this one ends.
            self._guess[k] = np.where(stage.added, cells, self._guess[k])
            models.append(self._model.read(cells, resistances))
            if k:
                again = self._again[k - 1]
                residuals.append(np.log(stage.conductance[again] / models[-1][again]))
        return np.concatenate(residuals), cells, np.array(models)


def _without_outliers(residual: FloatArray) -> BoolArray:
    """Return which residuals lie within five robust deviations of their median."""
    distance = np.abs(residual - np.median(residual))
    usable: BoolArray = distance <= 5.0 * 1.4826 * np.median(distance) + 1e-9
    return usable


def _sandwich(jacobian: FloatArray, residual: FloatArray, cell: npt.NDArray[np.intp]) -> FloatArray:
    """Covariance of the parameters when the residuals of one cell belong together."""
    bread = np.linalg.inv(jacobian.T @ jacobian)
    scores = np.zeros((cell.max() + 1, jacobian.shape[1]))
    np.add.at(scores, cell, jacobian * residual[:, np.newaxis])
    covariance: FloatArray = bread @ (scores.T @ scores) @ bread
    return covariance
