"""Relaxation and retention, fitted to the mean conductance of several states over time.

The mean of state s is

    m_s(t) = (G_s - G_end) exp(-(t / tau)^stretch) + G_end + r log10(1 + t / relaxation_time)

with a G_s of its own: what it was at age 0 is not read. Means at different ages hang together,
since each cell keeps the tendency that its pulse left; for n cells whose tendencies have variance
s^2 and whose readings have variance e^2 they have the covariance (s^2 x x^T + e^2 I) / n with
x = log10(1 + t / relaxation_time), by which the least squares are weighted. That is only how they
are weighted: the stated errors come from how the cells of a state differ (a sandwich estimate), so
that slow noise and jumps are in them.

Whether there is retention is itself uncertain, and a little of it that was not seen would be taken
for relaxation: r and its error are of the laws with and without it, averaged by their Akaike
weights (Buckland, Burnham, Augustin, Biometrics 53, 603, 1997). Only where chance alone hardly ever
shows as much is retention itself reported.

A law that the means contradict is not reported (`DriftLaw.contradicted`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.special import chdtrc, fdtrc

from memlab.analysis.rounding import mean_rounding
from memlab.analysis.statistics import CONVERTER_ERROR
from memlab.numeric import BoolArray, FloatArray

__all__ = ["DriftLaw", "StateCells", "fit_drift", "usable_readings"]


_BY_CHANCE = 1e-3
"""Retention, and an end that is not 0 S, are reported if less probable than this without them."""

_CONTRADICTED = 1e-4
"""A law that would fit as badly less often than this is contradicted."""

_LARGEST_ERROR = 0.35
"""Of the logarithm of tau: beyond, one standard error says little of where it is."""

_ENOUGH = 8
"""Cells of a state from which their differences tell the error; below, the weights do."""

_STEP = 12.0**0.5 * CONVERTER_ERROR
"""Of the converter at gain 2, in S."""

_UNIT, _LEVEL = 1e-6, 1e-4
"""Scales in S/decade and S, so that all parameters are of order one."""


@dataclass(frozen=True)
class DriftLaw:
    """What was found, and one standard error each; NaN where it cannot be told.

    Parameters
    ----------
    relaxation, spread
        Mean and standard deviation of the cells' tendencies in S/decade.
    retention, stretch
        In s, and of the exponent; NaN where little is lost yet.
    end
        Where retention ends, in S; 0, without an error, unless the means say otherwise.
    contradicted
        Whether the means contradict the law; then only `spread` is given.
    """

    relaxation: float = np.nan
    relaxation_error: float = np.nan
    spread: float = np.nan
    spread_error: float = np.nan
    retention: float = np.nan
    retention_error: float = np.nan
    stretch: float = np.nan
    stretch_error: float = np.nan
    end: float = 0.0
    end_error: float = np.nan
    contradicted: bool = False


@dataclass(frozen=True, eq=False)
class StateCells:
    """The cells of one SET state.

    Parameters
    ----------
    age
        Of each reading in s, shape (readings,).
    cells
        In S, shape (readings, cells); at least two cells.
    x
        log10(1 + age / relaxation_time), shape (readings,).
    left
        What retention leaves at each age, as far as known, shape (readings,).
    step
        Of the converter, in S.
    """

    age: FloatArray
    cells: FloatArray
    x: FloatArray
    left: FloatArray
    step: float

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.cells.T)

    @cached_property
    def mean(self) -> FloatArray:
        """Mean of the cells (S), shape (readings,)."""
        mean: FloatArray = self.cells.mean(axis=1)
        return mean

    @cached_property
    def variances(self) -> tuple[float, float, float]:
        """Of the tendencies as fitted, how much of it is noise, and of a reading."""
        # A cell's own deviation fades as its state does; its tendency grows with x.
        basis = np.column_stack([self.left, self.x])
        inverse = np.linalg.pinv(basis)
        deviation = self.cells - self.mean[:, np.newaxis]
        fitted = inverse @ deviation
        residual = ((deviation - basis @ fitted) ** 2).sum(axis=1) / (self.count - 1)
        # Noise is less where less is left. What a fit leaves of independent readings, whose
        # variances are v, is on average (M * M) v with M = 1 - basis inverse.
        left_over = (np.eye(self.x.size) - basis @ inverse) ** 2
        reading = np.linalg.lstsq(left_over, residual, rcond=1e-6)[0]
        noise = float(inverse[1] ** 2 @ reading)
        return float(fitted[1].var(ddof=1)), noise, float(reading.mean())

    def weight(self, tendency: float) -> FloatArray:
        """Return what makes deviations of the mean nearly independent and of variance one.

        `tendency` is the variance of the tendencies of all states, which knows it better than one:
        weights that were found from few cells would make the sum seem better than it is.
        """
        reading = self.variances[2]
        n = self.x.size
        own = max(tendency, 0.0) * np.outer(self.x, self.x)
        own = (own + max(reading, self.step**2 / 12.0) * np.eye(n)) / self.count
        own += self._rounding
        weight: FloatArray = np.linalg.inv(np.linalg.cholesky(own))
        return weight

    @cached_property
    def covariance(self) -> FloatArray:
        """Of the mean, from how the cells differ; shape (readings, readings)."""
        rounding = self.step**2 / 12.0 * np.eye(self.x.size)
        covariance: FloatArray = (np.atleast_2d(np.cov(self.cells)) + rounding) / self.count
        return covariance + self._rounding

    @cached_property
    def _rounding(self) -> FloatArray:
        """What rounding adds to the covariance where cells differ by less than a step."""
        errors = [mean_rounding(float(one.std()), self.step) for one in self.cells]
        return np.diag(np.square(errors))


def usable_readings(cells: FloatArray) -> BoolArray:
    """Return the readings in which no cell of a state comes near 0 S, where drift is cut off.

    Parameters
    ----------
    cells
        In S, shape (readings, cells).
    """
    usable: BoolArray = cells.mean(axis=1) > 4.0 * cells.std(axis=1)
    return usable


def fit_drift(
    age: FloatArray,
    states: Sequence[FloatArray],
    relaxation_time: float,
    steps: Sequence[float] | None = None,
    age_error: float = 0.0,
) -> DriftLaw:
    """Fit the law to SET states.

    Parameters
    ----------
    age
        Of each reading in s, rising, shape (readings,).
    states
        Conductance (S) of the cells of each state, shape (readings, cells).
    relaxation_time
        In s: it is known.
    steps
        Of the converter in each state, in S; where it is 0, or by default, that at gain 2.
    age_error
        Standard error that all ages have in common, in s.
    """
    steps = [one or _STEP for one in steps or [0.0] * len(states)]
    if any(cells.shape[1] < 2 for cells in states):
        return DriftLaw()
    chosen = [usable_readings(cells) for cells in states]
    if any(use.sum() < 5 for use in chosen):
        return DriftLaw()
    x = np.log10(1.0 + age / relaxation_time)

    def sorted_out(left: FloatArray) -> list[StateCells]:
        return [
            StateCells(age[use], cells[use], x[use], left[use], step)
            for cells, use, step in zip(states, chosen, steps, strict=True)
        ]

    fit = _Fit(sorted_out(np.ones(age.size)), relaxation_time, age_error)
    if fit.fades:
        # What is left is known now, and with it how cells differ.
        left = np.exp(-((age / fit.tau) ** fit.stretch))
        fit = _Fit(sorted_out(left), relaxation_time, age_error)
    return fit.law()


class _Fit:
    """Fits of the laws, from the one with fewest parameters on, and which of them holds."""

    def __init__(self, states: Sequence[StateCells], relaxation_time: float, age_error: float):
        self._states = states
        self._relaxation_time, self._age_error = relaxation_time, age_error
        self._tendency = self._pooled_tendency()
        self._weights = [one.weight(self._tendency[0]) for one in states]
        alone = self._least_squares(1, [])
        self.fades = False
        self._best, self._laws = alone, [alone]
        age = states[0].age
        low, high = np.log10(age[age > 0.0][0]), np.log10(age[-1])
        guesses = [[guess, 0.6] for guess in (max(low, high - 1.0), high + 1.0, high + 3.0)]
        fading = min((self._least_squares(3, g) for g in guesses), key=lambda one: float(one.cost))
        self._laws.append(fading)
        if self._gained(alone, fading, 2):
            self.fades, self._best = True, fading
            ending = self._least_squares(4, [*fading.x[-2:], 0.0])
            if len(states) > 2 and self._gained(fading, ending, 1):
                self._best = ending
                self._laws.append(ending)

    @property
    def tau(self) -> float:
        """Retention time (s)."""
        return float(10.0 ** self._best.x[len(self._states) + 1])

    @property
    def stretch(self) -> float:
        """Exponent."""
        return float(self._best.x[len(self._states) + 2])

    def law(self) -> DriftLaw:
        """Return what the fit that holds says."""
        spread, spread_error = self._spread()
        found = DriftLaw(spread=spread, spread_error=spread_error)
        if self._misfit() < _CONTRADICTED:
            return replace(found, contradicted=True)
        first = len(self._states)
        errors = self._errors(self._best)
        relaxation, error = self._averaged(first)
        found = replace(found, relaxation=_UNIT * relaxation, relaxation_error=_UNIT * error)
        if not self.fades or np.log(10.0) * errors[first + 1] > _LARGEST_ERROR:
            return found
        if self._best.x.size > first + 3:
            found = replace(
                found,
                end=_LEVEL * float(self._best.x[first + 3]),
                end_error=_LEVEL * float(errors[first + 3]),
            )
        return replace(
            found,
            retention=self.tau,
            retention_error=self.tau * float(np.log(10.0) * errors[first + 1]),
            stretch=self.stretch,
            stretch_error=float(errors[first + 2]),
        )

    def _model(self, p: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        """Return the mean (S) of each state and its derivatives by p.

        p: each G_s, then r and, as far as the law has them, log10 tau, stretch and G_end.
        """
        first = len(self._states)
        end = _LEVEL * p[first + 3] if p.size > first + 3 else 0.0
        models = []
        for k, one in enumerate(self._states):
            level, left = _LEVEL * p[k], np.ones(one.x.size)
            slopes = np.zeros((one.x.size, p.size))
            if p.size > first + 1:
                relative = one.age / 10.0 ** p[first + 1]
                power = relative ** p[first + 2]
                left = np.exp(-power)
                fading = (level - end) * left * power
                slopes[:, first + 1] = fading * p[first + 2] * np.log(10.0)
                slopes[:, first + 2] = -fading * np.log(np.maximum(relative, 1e-300))
            if p.size > first + 3:
                slopes[:, first + 3] = _LEVEL * (1.0 - left)
            slopes[:, k], slopes[:, first] = _LEVEL * left, _UNIT * one.x
            models.append((end + (level - end) * left + _UNIT * p[first] * one.x, slopes))
        return models

    def _least_squares(self, kind: int, more: Sequence[float]) -> OptimizeResult:
        start = [*(one.mean[0] / _LEVEL for one in self._states), 0.0, *more]
        first = len(self._states)
        age = self._states[0].age
        low, high = np.log10(age[age > 0.0][0]) - 1.0, np.log10(age[-1]) + 9.0
        bounds = [(-np.inf, np.inf)] * (first + 1) + [(low, high), (0.1, 1.5), (-1.0, 50.0)]
        lower, upper = zip(*bounds[: len(start)], strict=True)
        assert len(start) == first + kind

        def weighted(p: FloatArray) -> FloatArray:
            models = zip(self._weights, self._states, self._model(p), strict=True)
            return np.concatenate([weight @ (one.mean - mean) for weight, one, (mean, _) in models])

        def jacobian(p: FloatArray) -> FloatArray:
            models = zip(self._weights, self._model(p), strict=True)
            return np.concatenate([-weight @ slopes for weight, (_, slopes) in models])

        return least_squares(weighted, start, jacobian, bounds=(lower, upper), x_scale="jac")

    @staticmethod
    def _scale(fit: OptimizeResult) -> float:
        """Return how many times the weighted squares are what the weights let expect, from 1."""
        freedom = max(1, int(fit.fun.size) - int(fit.x.size))
        return max(1.0, 2.0 * float(fit.cost) / freedom)

    def _gained(self, before: OptimizeResult, after: OptimizeResult, more: int) -> bool:
        """Whether parameters lower the weighted squares by more than chance does."""
        gain = 2.0 * float(before.cost - after.cost) / self._scale(after)
        return bool(chdtrc(more, gain) < _BY_CHANCE)

    def _averaged(self, number: int) -> tuple[float, float]:
        """Return a parameter that all laws have, averaged over them, and its error."""
        scale = self._scale(self._best)
        deviance = np.array([2.0 * float(one.cost) / scale for one in self._laws])
        criterion = deviance + 2.0 * np.array([one.x.size for one in self._laws])
        weight = np.exp(-0.5 * (criterion - criterion.min()))
        weight /= weight.sum()
        value = np.array([float(one.x[number]) for one in self._laws])
        error = np.array([self._errors(one)[number] for one in self._laws])
        mean = float(weight @ value)
        return mean, float(weight @ (error**2 + (value - mean) ** 2)) ** 0.5

    def _errors(self, best: OptimizeResult) -> FloatArray:
        """One standard error of each parameter, by how the cells of each state differ."""
        jacobian = np.asarray(best.jac)
        bread = np.linalg.pinv(jacobian.T @ jacobian)
        if min(one.count for one in self._states) < _ENOUGH:
            weighted: FloatArray = np.sqrt(np.diag(bread))
            return weighted
        meat, start = np.zeros(bread.shape), 0
        for one, weight in zip(self._states, self._weights, strict=True):
            part = jacobian[start : start + one.x.size]
            start += one.x.size
            scores = part.T @ weight
            meat += scores @ one.covariance @ scores.T
        variance = np.diag(bread @ meat @ bread) + self._shift(best, bread) ** 2
        errors: FloatArray = np.sqrt(np.maximum(variance, 0.0))
        return errors

    def _shift(self, best: OptimizeResult, bread: FloatArray) -> FloatArray:
        """Return how far each parameter is off where all ages are, by one error of theirs."""
        if not self._age_error:
            return np.zeros(best.x.size)
        p, first = best.x, len(self._states)
        end = _LEVEL * p[first + 3] if p.size > first + 3 else 0.0
        moved = []
        for k, (one, weight) in enumerate(zip(self._states, self._weights, strict=True)):
            slope = _UNIT * p[first] / (np.log(10.0) * (self._relaxation_time + one.age))
            if p.size > first + 1:
                age = np.maximum(one.age, self._age_error)
                power = (age / 10.0 ** p[first + 1]) ** p[first + 2]
                slope -= (_LEVEL * p[k] - end) * np.exp(-power) * power * p[first + 2] / age
            moved.append(weight @ slope * self._age_error)
        shift: FloatArray = bread @ np.asarray(best.jac).T @ np.concatenate(moved)
        return shift

    def _misfit(self) -> float:
        """Return how probable means as far from the law are, in the state that fits worst."""
        probable = 1.0
        for one, (mean, _) in zip(self._states, self._model(self._best.x), strict=True):
            deviation = one.mean - mean
            n, size = one.count, one.x.size
            if n < 2 * size:
                continue
            # Hotelling's T^2; the parameters take less freedom than their number from one state.
            distance = float(deviation @ np.linalg.pinv(one.covariance) @ deviation)
            ratio = max(0.0, distance) * (n - size) / ((n - 1) * size)
            probable = min(probable, float(fdtrc(size, n - size, ratio)))
        return min(1.0, len(self._states) * probable)

    def _pooled_tendency(self) -> tuple[float, float]:
        """Return the variance of the tendencies of all states, and its error."""
        freedom = np.array([one.count - 1.0 for one in self._states])
        tendency, noise, _ = np.array([one.variances for one in self._states]).T
        variance = float(np.average(tendency - noise, weights=freedom))
        total = float(np.average(tendency, weights=freedom))
        return variance, total * float(2.0 / freedom.sum()) ** 0.5

    def _spread(self) -> tuple[float, float]:
        """Return the standard deviation of the tendencies (S/decade), and its error."""
        variance, error = self._tendency
        deviation = max(variance, 0.0) ** 0.5
        # Of a spread that does not stand out of the noise only its square has an error.
        if variance <= 2.0 * error:  # both are 0 of cells that are all alike
            return deviation, error**0.5
        return deviation, error / (2.0 * deviation)
