"""How the bending of I-V curves depends on the conductance: c/G = a / (1 + b G)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

__all__ = ["Bending", "BinnedBending", "bin_bending", "fit_bending"]

FloatArray = npt.NDArray[np.float64]

_CELLS_PER_BIN = 50
_MOST_BINS = 40


@dataclass(frozen=True, eq=False)
class BinnedBending:
    """c/G (1/V^2) of cells of similar conductance (S), with standard errors; shape (bins,)."""

    conductance: FloatArray
    bending: FloatArray
    error: FloatArray


@dataclass(frozen=True, eq=False)
class Bending:
    """The fitted law and its standard errors; NaN where the data do not determine it.

    Parameters
    ----------
    points
        What was fitted.
    value, value_error
        a in 1/V^2: bending of small cells.
    fade, fade_error
        b in 1/S.
    """

    points: BinnedBending
    value: float
    value_error: float
    fade: float
    fade_error: float

    @property
    def voltage(self) -> float:
        """V0 (V) of I = G V0 sinh(V / V0); NaN unless bending stands out of its error."""
        return (6.0 * self.value) ** -0.5 if self.value > 2.0 * self.value_error else np.nan

    @property
    def voltage_error(self) -> float:
        """One standard error of V0 (V), by propagation."""
        return 0.5 * self.voltage * self.value_error / self.value


def bin_bending(conductance: FloatArray, bending: FloatArray) -> BinnedBending:
    """Sort cells by conductance into bins of equal numbers.

    Parameters
    ----------
    conductance, bending
        Of each cell, in S and 1/V^2, shape (cells,).
    """
    bins = int(np.clip(conductance.size // _CELLS_PER_BIN, 1, _MOST_BINS))
    parts = np.array_split(np.argsort(conductance), bins)
    parts = [part for part in parts if part.size > 1]
    return BinnedBending(
        np.array([conductance[part].mean() for part in parts]),
        np.array([bending[part].mean() for part in parts]),
        np.array([bending[part].std(ddof=1) / part.size**0.5 for part in parts]),
    )


def fit_bending(points: BinnedBending) -> Bending:
    """Fit a and b; with fewer than three bins b is 0, and with none nothing is known.

    Errors hold the noise, and from four bins on how far wires make the law another one.
    """
    x, y = points.conductance, points.bending
    if not x.size:
        return Bending(points, np.nan, np.nan, np.nan, np.nan)
    error = np.maximum(points.error, 1e-9 + 1e-6 * np.abs(y))
    mean = float(np.average(y, weights=error**-2))
    mean_error = float((error**-2.0).sum() ** -0.5)
    # A law that fades can be told from none only where there is bending.
    if x.size < 3 or mean < 3.0 * mean_error:
        return Bending(points, mean, mean_error, 0.0, np.nan)
    scale = 1.0 / float(x.mean())
    law, covariance = _fit(x * scale, y, error, (mean, 0.1))
    deviation: FloatArray = np.sqrt(np.diag(covariance))
    if x.size > 3:
        # Behind wires a cell's share of G depends on G, which bends the law itself. What a term
        # for that moves the two numbers by is their error of the model.
        bent, _ = _fit(x * scale, y, error, (*law, 0.01))
        np.hypot(deviation, bent[:2] - law, out=deviation)
    value, fade = float(law[0]), float(law[1] * scale)
    return Bending(points, value, float(deviation[0]), fade, float(deviation[1] * scale))


def _fit(
    x: FloatArray, y: FloatArray, error: FloatArray, start: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    """Fit y = a / (1 + b x + ...), a polynomial below; return coefficients and covariance."""

    def law(x: FloatArray, a: float, *below: float) -> FloatArray:
        return np.asarray(a / np.polyval([*below[::-1], 1.0], x), np.float64)

    bounds = np.zeros(len(start)), np.array([np.inf, *[1e3] * (len(start) - 1)])
    found: tuple[FloatArray, FloatArray] = curve_fit(
        law, x, y, start, error, absolute_sigma=True, bounds=bounds
    )
    return found
