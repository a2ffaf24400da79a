"""Wire resistance from reads of the same cells below different loads.

A row of cells that conduct little hardly loads its lines; when more cells are SET, what the wires
leave of the cells that were there before becomes less, though these have not changed. So there is
no need to know any conductance. For given resistances r the cells follow from the reads: those SET
at a stage are found from the read at this stage, the first in which they conduct, by

    G <- G measured / model(G, r)

with `memlab.emulator.wires` as the model. At every later stage the model then predicts the read of
these cells, and r is what makes the logarithms of measured over predicted vanish: a Gauss-Newton
fit of wire, driver and sense resistance. Cells far from the fit (they switched, or a trap did) are
left out. The errors come from leaving out each cell in turn, with all that was read of it: few
cells err more than their scatter shows. They are those of a fit that may go below zero, of which
what is reported ends at zero; else the others would have to make up for what the end cuts off.

By superposition a product with many rows driven holds nothing that reads row by row do not hold:
comparing those two tells nothing about wires. Only a different load does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.emulator import effective_conductance, wire_segments
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Resistances", "Stage", "WireFit", "WireModel", "fit_resistances", "without_outliers"]


_SMALL = 5e-6
"""A cell that conducts less (S) is taken as it is read: it loads nothing."""

_INVERSIONS = 4
_STEP = 0.02
"""Step in ohm for derivatives; what is measured is smooth on this scale."""

_SINGULAR = 1e14
"""Condition of the normal equations from which they tell nothing."""


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
    rounding
        Error in S that all its readings may have in common, by steps of the ADC.
    """

    added: BoolArray
    conductance: FloatArray
    rounding: float = 0.0


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
        Found, and one standard error of each, in ohm; NaN where the reads do not tell it, which was
        left at its start.
    cells
        Conductance of the cells themselves at the last stage, in S, shape (rows, columns).
    model
        What the fit expects to be read at each stage, in S, shape (stages, rows, columns).
    scatter
        Standard deviation of the logarithms of measured over predicted.
    used
        Cells that were read below more than one load and lie near the fit.
    """

    resistances: Resistances
    error: Resistances
    cells: FloatArray
    model: FloatArray
    scatter: float
    used: int


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
    if not prediction.told.any():
        return None
    for _ in range(iterations):
        linear = _linearised(prediction, theta)
        if linear is None:
            return None
        # A resistance is not negative; one that is not there lies within its error of zero.
        new = np.maximum(theta + linear.step, 0.0)
        done = bool((np.abs(new - theta) <= 0.1 * np.nan_to_num(linear.error) + 1e-4).all())
        theta = new
        if done:
            break
    else:
        return None
    residual, cells, models = prediction(theta)
    usable = without_outliers(residual)
    return WireFit(
        Resistances(*theta),
        Resistances(*linear.error),
        cells,
        models,
        float(residual[usable].std()),
        int(np.unique(prediction.cell[usable]).size),
    )


@dataclass(frozen=True, eq=False)
class _Linear:
    """A Gauss-Newton step and the standard errors where it ends, in ohm, shape (3,).

    What the residuals do not tell stays where it is; its error is NaN.
    """

    step: FloatArray
    error: FloatArray


def _linearised(prediction: _Prediction, theta: FloatArray) -> _Linear | None:
    """Return the step to the best fit, be it negative; None where residuals do not tell it."""
    residual, _, _ = prediction(theta)
    jacobian = np.empty((residual.size, theta.size))
    for k in range(theta.size):
        moved = theta.copy()
        moved[k] += _STEP
        jacobian[:, k] = (prediction(moved)[0] - residual) / _STEP
    usable = without_outliers(residual)
    near, cell = jacobian[usable], prediction.cell[usable]
    told = prediction.told
    near = near[:, told]
    if np.unique(cell).size <= told.sum():
        return None
    if np.linalg.cond(near.T @ near) > _SINGULAR:
        return None
    take = np.linalg.pinv(near)
    step, error = np.zeros(theta.size), np.full(theta.size, np.nan)
    step[told] = -take @ residual[usable]
    shared = take @ prediction.rounding()[usable]
    variance = _jackknife(near, residual[usable] + near @ step[told], cell)
    if not np.isfinite(variance).all():
        return None
    error[told] = np.sqrt(variance + (shared**2).sum(axis=1))
    return _Linear(step, error)


class _Prediction:
    """Residuals of all cells that were read again at a later stage."""

    def __init__(self, model: WireModel, stages: Sequence[Stage]):
        self._model, self._stages = model, stages
        self._guess = [np.maximum(stage.conductance, 0.0) for stage in stages]
        known = np.zeros(stages[0].added.shape, bool)
        self._again: list[BoolArray] = []
        self._first = np.zeros(known.shape, np.intp)
        for k, stage in enumerate(stages[1:], start=1):
            self._first[stage.added] = k
            self._again.append(known & (stage.conductance > 4.0 * _SMALL))
            known = known | (stage.added & (stage.conductance > 4.0 * _SMALL))
        self.cell = np.concatenate([np.flatnonzero(again) for again in self._again])
        """Number of the cell of each residual."""
        along = [self._load_changes(axis) for axis in (1, 0)]
        self.told = np.array([any(along), *along])
        """Which of wire, driver and sense resistance the residuals tell at all, bool (3,)."""

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

    def _load_changes(self, axis: int) -> bool:
        """Whether any cell is read again after others on its row (axis 1) or column were added.

        Of a row by itself every amplifier sees one cell; its resistance is taken for the cell's.
        """
        known = [stage.added & (stage.conductance > 4.0 * _SMALL) for stage in self._stages]
        count = np.cumsum([one.sum(axis=axis, keepdims=True) for one in known], axis=0)
        every = np.broadcast_to(count, (len(known), *known[0].shape))
        before = np.take_along_axis(every, self._first[np.newaxis], axis=0)[0]
        return any(
            bool((every[k] > before)[again].any()) for k, again in enumerate(self._again, start=1)
        )

    def rounding(self) -> FloatArray:
        """Return what one rounding of each stage adds to each residual, (residuals, stages).

        That of a cell's first reading stays in all that is predicted of it.
        """
        parts = []
        for k, again in enumerate(self._again, start=1):
            first = self._first[again]
            own = np.zeros((first.size, len(self._stages)))
            own[:, k] = self._stages[k].rounding / self._stages[k].conductance[again]
            for j in np.unique(first):
                read = self._stages[j].conductance[again][first == j]
                own[first == j, j] = -self._stages[j].rounding / read
            parts.append(own)
        return np.concatenate(parts)


def without_outliers(residual: FloatArray) -> BoolArray:
    """Return which residuals lie within five robust deviations of their median."""
    distance = np.abs(residual - np.median(residual))
    usable: BoolArray = distance <= 5.0 * 1.4826 * np.median(distance) + 1e-9
    return usable


def _jackknife(
    jacobian: FloatArray, residual: FloatArray, cell: npt.NDArray[np.intp]
) -> FloatArray:
    """Variances of the parameters, (parameters,), from leaving out each cell; inf: one decides."""
    _, member = np.unique(cell, return_inverse=True)
    count = int(member.max()) + 1
    scores = np.zeros((count, jacobian.shape[1]))
    np.add.at(scores, member, jacobian * residual[:, np.newaxis])
    own = np.zeros((count, *jacobian.shape[1:] * 2))
    np.add.at(own, member, jacobian[:, :, np.newaxis] * jacobian[:, np.newaxis, :])
    rest = jacobian.T @ jacobian - own
    if np.linalg.cond(rest).max() > _SINGULAR:
        return np.full(jacobian.shape[1], np.inf)
    moved = np.linalg.solve(rest, scores[:, :, np.newaxis])[:, :, 0]
    variance: FloatArray = (moved**2).sum(axis=0) * (count - 1) / count
    return variance
