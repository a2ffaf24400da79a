"""Relaxation and retention, fitted to the mean conductance of several states over time.

The errors of a mean at different ages hang together: each cell keeps the tendency that its pulse
left. For n cells whose tendencies have variance s^2 and whose readings have variance e^2, changes
since the first reading have the covariance

    (s^2 x x^T + e^2 (I + 1 1^T)) / n,    x = log10(1 + t / relaxation_time)

with which the least squares are weighted. s^2 and e^2 come from what each cell does besides its
state's mean: a deviation that fades like the mean, a tendency times x, and noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares

from memlab.characterize.statistics import CONVERTER_ERROR

__all__ = ["DriftLaw", "StateMeans", "fit_drift"]

FloatArray = npt.NDArray[np.float64]

SIGNIFICANT = 14.0
"""Retention is reported if it lowers chi^2 by this much: 1 in 1,000 for two more parameters."""


@dataclass(frozen=True)
class DriftLaw:
    """Relaxation (S/decade), retention (s), stretch (1), and one standard error each.

    NaN where they cannot be told: retention and stretch where little is lost yet.
    """

    relaxation: float = np.nan
    relaxation_error: float = np.nan
    retention: float = np.nan
    retention_error: float = np.nan
    stretch: float = np.nan
    stretch_error: float = np.nan


@dataclass(frozen=True, eq=False)
class StateMeans:
    """What is left of the cells of each state; state 0 is the RESET state.

    Parameters
    ----------
    age
        Of each reading in s, shape (readings,).
    mean, spread
        Mean and standard deviation in S, shape (states, readings).
    count
        Cells of each state.
    tendency, noise
        Variance of the cells' tendencies in (S/decade)^2, and how much of it is noise of the
        readings; shape (states,).
    residual
        Variance of a reading in S^2, shape (states,).
    """

    age: FloatArray
    mean: FloatArray
    spread: FloatArray
    count: FloatArray
    tendency: FloatArray
    noise: FloatArray
    residual: FloatArray

    @property
    def complete(self) -> bool:
        """Whether every SET state has cells enough."""
        return bool((self.count[1:] > 1).all() and self.age.size > 4)

    def relaxation_spread(self) -> tuple[float, float]:
        """Return the standard deviation of the tendencies (S/decade), and its error."""
        freedom = self.count[1:] - 1.0
        if not self.complete:
            return np.nan, np.nan
        variance = float(np.average((self.tendency - self.noise)[1:], weights=freedom))
        total = float(np.average(self.tendency[1:], weights=freedom))
        error = total * (2.0 / freedom.sum()) ** 0.5
        deviation = max(variance, 0.0) ** 0.5
        return deviation, error / (2.0 * deviation) if deviation else error**0.5


def fit_drift(means: StateMeans, relaxation_time: float) -> DriftLaw:
    """Fit both laws to the SET states; `relaxation_time` (s) is known."""
    age, start = means.age[1:], means.mean[1:, :1]
    x = np.log10(1.0 + age / relaxation_time)
    weigh = _weights(means, x)
    changed = weigh(means.mean[1:, 1:] - start)
    unit = 1e-6  # S/decade

    def relaxed(p: FloatArray) -> FloatArray:
        return weigh(np.tile(unit * p[0] * x, (len(start), 1))) - changed

    def both(p: FloatArray) -> FloatArray:
        lost = -np.expm1(-((age / 10.0 ** p[1]) ** p[2]))
        return weigh(unit * p[0] * x - start * lost) - changed

    alone = least_squares(relaxed, [0.0])
    low, high = np.log10(age[0]), np.log10(age[-1])
    tries = [
        least_squares(
            both, [0.0, guess, 0.6], bounds=([-np.inf, low, 0.1], [np.inf, high + 9, 1.5])
        )
        for guess in (max(low, high - 1.0), high + 1.0, high + 3.0)
    ]
    best = min(tries, key=lambda fit: float(fit.cost))
    if 2.0 * (alone.cost - best.cost) < SIGNIFICANT:
        return DriftLaw(unit * alone.x[0], unit * _errors(np.asarray(alone.jac))[0])
    errors = _errors(np.asarray(best.jac))
    if np.log(10.0) * errors[1] > 1.0:
        return DriftLaw(unit * best.x[0], unit * errors[0])
    tau = 10.0 ** best.x[1]
    return DriftLaw(
        relaxation=unit * best.x[0],
        relaxation_error=unit * errors[0],
        retention=tau,
        retention_error=tau * np.log(10.0) * errors[1],
        stretch=best.x[2],
        stretch_error=errors[2],
    )


def _errors(jacobian: FloatArray) -> FloatArray:
    errors: FloatArray = np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)))
    return errors


def _weights(means: StateMeans, x: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return what makes deviations of the means independent and of variance one."""
    n = x.size
    factors = []
    variances = np.maximum(means.tendency - means.noise, 0.0)
    for count, slope, noise in zip(means.count, variances, means.residual, strict=True):
        own = (slope * np.outer(x, x) + noise * (np.eye(n) + 1.0)) / count
        factors.append(np.linalg.cholesky(own + CONVERTER_ERROR**2 * (np.eye(n) + 1.0)))

    def weigh(deviation: FloatArray) -> FloatArray:
        rows = [
            solve_triangular(factor, row, lower=True)
            for factor, row in zip(factors[1:], deviation, strict=True)
        ]
        return np.concatenate(rows)

    return weigh
