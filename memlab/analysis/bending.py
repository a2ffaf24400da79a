"""How the bending of I-V curves depends on the conductance: c/G = a / (1 + b G).

Every cell that was measured at a level counts for itself, so that few cells of one region say what
they can: where they conduct too alike to tell a from b, the error of a is as large as that, and V0
is not determined. Errors are those of lines where cells of a line deviate together (`clusters`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from memlab.analysis.clusters import Lines
from memlab.numeric import FloatArray

__all__ = ["Bending", "BentCells", "BinnedBending", "added_voltage", "bin_bending", "fit_bending"]


_CELLS_PER_BIN = 50
_MOST_BINS = 40

_FEWEST = 8
"""Cells from which a law with two parameters has an error."""

_CLEAR = 4.0
"""Errors by which bending stands out before it is made a voltage, whose error is then normal."""


@dataclass(frozen=True, eq=False)
class BentCells:
    """Cells at all levels, shape (cells,).

    Parameters
    ----------
    conductance, bending
        G in S and c/G in 1/V^2.
    error
        One standard error of c/G, about: weights.
    lines
        Where the cells lie.
    rounding
        What steps of the ADC add to c/G, one standard error, where all cells of a level are rounded
        alike; 0 at other levels. Shape (levels, cells); None: nothing.
    """

    conductance: FloatArray
    bending: FloatArray
    error: FloatArray
    lines: Lines
    rounding: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class BinnedBending:
    """c/G (1/V^2) of cells of similar conductance (S), with standard errors; shape (bins,)."""

    conductance: FloatArray
    bending: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class Bending:
    """The fitted law and its standard errors; NaN where the data do not determine it.

    Parameters
    ----------
    value, value_error
        a in 1/V^2: bending of small cells.
    fade, fade_error
        b in 1/S.
    """

    value: float = np.nan
    value_error: float = np.nan
    fade: float = np.nan
    fade_error: float = np.nan

    def doubted(self, other: Bending) -> Bending:
        """Return this law with the difference to another, if it is determined, in the errors."""
        return replace(
            self,
            value_error=float(np.hypot(self.value_error, np.nan_to_num(other.value - self.value))),
            fade_error=float(np.hypot(self.fade_error, np.nan_to_num(other.fade - self.fade))),
        )

    @property
    def voltage(self) -> float:
        """V0 (V) of I = G V0 sinh(V / V0); NaN unless bending stands out of its error."""
        return (6.0 * self.value) ** -0.5 if self.value > _CLEAR * self.value_error else np.nan

    @property
    def voltage_error(self) -> float:
        """One standard error of V0 (V), by propagation."""
        return 0.5 * self.voltage * self.value_error / self.value


def added_voltage(voltage: FloatArray, bending_voltage: float) -> FloatArray:
    """Return what a sinh adds to V (V), over 1 / (6 V0^2): V^3 at small V, and for V0 inf."""
    if not np.isfinite(bending_voltage):
        return voltage**3
    added: FloatArray = bending_voltage * np.sinh(voltage / bending_voltage) - voltage
    return 6.0 * bending_voltage**2 * added


def bin_bending(cells: BentCells) -> BinnedBending:
    """Sort cells by conductance into bins of equal numbers, for people to look at."""
    bins = int(np.clip(cells.conductance.size // _CELLS_PER_BIN, 1, _MOST_BINS))
    parts = np.array_split(np.argsort(cells.conductance), bins)
    parts = [part for part in parts if part.size > 1]
    return BinnedBending(
        np.array([cells.conductance[part].mean() for part in parts]),
        np.array([cells.bending[part].mean() for part in parts]),
        np.array([cells.bending[part].std(ddof=1) / part.size**0.5 for part in parts]),
    )


def fit_bending(cells: BentCells) -> Bending:
    """Fit a and b."""
    G, y = cells.conductance, cells.bending
    if G.size < _FEWEST:
        return Bending()
    scale = 1.0 / float(G.mean())
    weight = 1.0 / np.maximum(cells.error, 1e-9 + 1e-6 * np.abs(y))

    def deviation(p: FloatArray) -> FloatArray:
        return np.asarray(weight * (p[0] / (1.0 + p[1] * G * scale) - y), np.float64)

    # A little below 0, so that chance around no fading has two sides.
    lowest = -0.5 / float(G.max() * scale)
    start = float(np.average(y, weights=weight**2))
    fits = [
        least_squares(deviation, [start * (1.0 + b), b], bounds=([-np.inf, lowest], [np.inf, 1e3]))
        for b in (0.1, 2.0)
    ]
    fit = min(fits, key=lambda one: float(one.cost))
    jacobian = np.asarray(fit.jac)
    size = np.sqrt((jacobian**2).sum(axis=0))
    scaled = jacobian / size
    if not size.all() or np.linalg.cond(scaled) > 1e6:
        return Bending()
    take = np.linalg.pinv(scaled) / size[:, np.newaxis]
    errors = [_error(one, cells.lines) for one in take * np.asarray(fit.fun)]
    if cells.rounding is not None:
        shared = (take * weight) @ cells.rounding.T
        errors = [float(x) for x in np.hypot(errors, np.sqrt((shared**2).sum(axis=1)))]
    a, b = (float(x) for x in fit.x)
    return Bending(a, errors[0], b * scale, errors[1] * scale)


def _error(influence: FloatArray, lines: Lines) -> float:
    """Return the error of a parameter from what each cell adds to it."""
    n = influence.size
    alone = float(influence @ influence)
    shared = -alone
    for line in (lines.row, lines.column):
        _, member = np.unique(line, return_inverse=True)
        sums = np.bincount(member, weights=influence)
        shared += float(sums @ sums) * sums.size / max(sums.size - 1, 1)
    return float((max(alone, shared) * n / (n - 2)) ** 0.5)
