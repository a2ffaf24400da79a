"""Relaxation after programming as it was measured: quantiles by level and time, interpolated.

A cell that its last pulse left at G0 is found, an age t later, at

    G(t) = G0 + Q_t(G0, z_t)

with Q_t the quantile function of the change at time t of cells of this level: linear in the level
between the measured ones, linear in the normal deviate z between the measured probabilities (and
beyond them, with the last slope), linear in x = log(1 + t / t_1) between the measured times, from
no change at t = 0. Behind the last time nothing is known, and nothing changes. Each pulse draws one
deviate for each measured time, of which neighbours are correlated as measured,

    z_1 = e_1    z_k = c_k z_(k-1) + (1 - c_k^2)^(1/2) e_k

so that the quantiles at each time are those of the measurement, and a cell that has gone far tends
to go on. Nothing is drawn while time passes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from scipy.special import ndtri

from memlab.emulator.parameters import ASSUMED, Parameters
from memlab.numeric import FloatArray

__all__ = ["Relaxation", "RelaxationParameters"]

Numbers = tuple[float, ...]

_MOST = 64
_LARGEST = 5e-3


def _list(unit: str, description: str) -> Any:
    return Field(
        (),
        description=description,
        max_length=_MOST,
        json_schema_extra={"unit": unit, "source": ASSUMED},
    )


class RelaxationParameters(Parameters):
    """Measured relaxation; no `times` is none."""

    times: Numbers = _list("s", "Times since the last pulse, rising, above 0.")
    levels: Numbers = _list("S", "Conductances at time 0, rising.")
    probabilities: Numbers = _list("1", "Of the quantiles, rising, between 0 and 1.")
    change: tuple[tuple[Numbers, ...], ...] = _list(
        "S", "Quantiles of the change since time 0, as [time][level][probability]."
    )
    correlation: Numbers = _list("1", "Of the deviates of one cell at neighbouring times.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in ("times", "levels", "probabilities"):
            numbers = getattr(self, name)
            if any(not a < b for a, b in pairwise(numbers)):
                raise ValueError(f"{name} must rise, got {list(numbers)}")
        if not self.times:
            return self
        if not self.times[0] > 0.0:
            raise ValueError(f"times must lie above 0 s, got {self.times[0]}")
        if (
            len(self.probabilities) < 2
            or not 0.0 < self.probabilities[0] < self.probabilities[-1] < 1.0
        ):
            raise ValueError("probabilities must be two or more between 0 and 1")
        if not self.levels:
            raise ValueError("levels must be one or more")
        shape = len(self.times), len(self.levels), len(self.probabilities)
        try:
            change = np.array(self.change, np.float64)
        except ValueError as error:
            raise ValueError("change must have equally many numbers in each list") from error
        if change.shape != shape:
            raise ValueError(
                f"change has shape {change.shape}, expected {shape}: times, levels, probabilities"
            )
        if not np.all(np.abs(change) <= _LARGEST):
            raise ValueError(f"change must lie within +-{_LARGEST:g} S")
        if np.any(np.diff(change, axis=2) < 0.0):
            raise ValueError("quantiles of a change must not fall with their probability")
        if len(self.correlation) != shape[0] - 1 or any(abs(c) > 1.0 for c in self.correlation):
            raise ValueError(f"correlation must be {shape[0] - 1} numbers between -1 and 1")
        return self


class Relaxation:
    """The law of the module's documentation."""

    def __init__(self, parameters: RelaxationParameters):
        self.active = bool(parameters.times)
        """False when nothing relaxes."""
        self.terms = len(parameters.times)
        """Deviates of each pulse."""
        if not self.active:
            return
        self.first_time = parameters.times[0]
        """t_1 in s."""
        self._x = np.append(0.0, np.log1p(np.array(parameters.times) / self.first_time))
        self._levels = np.array(parameters.levels)
        self._z = ndtri(np.array(parameters.probabilities))
        change = np.array(parameters.change)
        self._change = np.concatenate([np.zeros((1, *change.shape[1:])), change])
        self._kept = np.array(parameters.correlation)
        self._new = np.sqrt(1.0 - self._kept**2)

    def deviates(self, normal: FloatArray) -> FloatArray:
        """Return the correlated deviates of pulses from independent ones, shape (n, terms)."""
        z = normal.copy()
        for k in range(1, self.terms):
            z[:, k] = self._kept[k - 1] * z[:, k - 1] + self._new[k - 1] * normal[:, k]
        return z

    def change(self, conductance: FloatArray, deviates: FloatArray, age: FloatArray) -> FloatArray:
        """Return how much cells have changed, in S, shape as `conductance`.

        Parameters
        ----------
        conductance
            That the last pulse left, in S, any shape.
        deviates
            Of that pulse, shape (..., terms); NaN for cells that were never pulsed.
        age
            Of that pulse in s, same shape as `conductance`.
        """
        x = np.minimum(np.log1p(np.maximum(age, 0.0) / self.first_time), self._x[-1])
        after = np.clip(np.searchsorted(self._x, x, side="left"), 1, self.terms)
        part = (x - self._x[after - 1]) / (self._x[after] - self._x[after - 1])
        here = np.take_along_axis(deviates, (after - 1)[..., np.newaxis], axis=-1)[..., 0]
        before = np.take_along_axis(deviates, np.maximum(after - 2, 0)[..., np.newaxis], axis=-1)
        change: FloatArray = part * self._quantile(after, conductance, here)
        change += (1.0 - part) * self._quantile(after - 1, conductance, before[..., 0])
        change[np.isnan(here)] = 0.0
        return change

    def steepest(self) -> float:
        """Return the largest change (S) per unit of x, of cells up to one deviation off."""
        z = np.array([-1.0, 0.0, 1.0])
        ends = np.array(
            [
                [self._quantile(np.full(3, k), np.full(3, level), z) for level in self._levels]
                for k in range(self.terms + 1)
            ]
        )
        return float((np.abs(np.diff(ends, axis=0)).max(axis=(1, 2)) / np.diff(self._x)).max())

    def _quantile(
        self, time: npt.NDArray[np.intp], conductance: FloatArray, z: FloatArray
    ) -> FloatArray:
        """Return the quantile (S) at time number `time`; 0 is no time, and no change."""
        z = np.nan_to_num(z)
        j = np.clip(np.searchsorted(self._z, z), 1, self._z.size - 1)
        along = (z - self._z[j - 1]) / (self._z[j] - self._z[j - 1])

        def at(level: npt.NDArray[np.intp]) -> FloatArray:
            low = self._change[time, level, j - 1]
            return np.asarray(low + along * (self._change[time, level, j] - low))

        if self._levels.size == 1:
            return at(np.zeros(z.shape, np.intp))
        held = np.clip(conductance, self._levels[0], self._levels[-1])
        above = np.clip(np.searchsorted(self._levels, held), 1, self._levels.size - 1)
        part = (held - self._levels[above - 1]) / (self._levels[above] - self._levels[above - 1])
        return np.asarray((1.0 - part) * at(above - 1) + part * at(above))
