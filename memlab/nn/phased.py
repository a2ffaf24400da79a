"""Phased LSTM: each unit is awake for a part of a period of its own (Neil 2016, arXiv:1610.09513).

With the phase phi = ((time - shift) mod period) / period of a unit and the part r of its period in
which it is open, the gate of time is

    k = 2 phi / r  below r / 2,      2 - 2 phi / r  from there to r,      leak phi  beyond

and what an LSTM would make of a step, c~ and h~, counts as far as the gate is open:

    c_t = k c~ + (1 - k) c_{t-1}      h_t = k h~ + (1 - k) h_{t-1}

Left out of the paper: peepholes, training of period and shift (they are software, and stay as
drawn), and a leak of 0 where nothing is trained.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.mapping import DifferentialMatrix
from memlab.nn.lstm import LSTM
from memlab.nn.lstm_cell import LSTMCell, LSTMVariant
from memlab.numeric import FloatArray

__all__ = ["PhasedLSTM", "drawn_phases"]


class PhasedLSTM(LSTM):
    """A long short-term memory of units that are open in turn; state starts at zero.

    Parameters
    ----------
    matrix, bias
        As for `LSTM`; a time stamp has no row.
    period, shift
        Of each unit, (units,), in the unit of time; the period is above 0.
    open_ratio
        Part r of a period in which a unit is open, above 0, at most 1; 0.05 in the paper.
    leak
        What passes while it is closed, 0 to 1, times the phase; 0.001 in the paper.
    timed
        Whether the last feature of a step says when it was; otherwise step t is at time t.
        The gradient of times is not computed: it is 0.
    """

    def __init__(
        self,
        matrix: DifferentialMatrix,
        period: npt.ArrayLike,
        shift: npt.ArrayLike,
        open_ratio: float = 0.05,
        leak: float = 1e-3,
        bias: float | None = None,
        *,
        timed: bool = False,
    ):
        super().__init__(matrix, bias)
        self.period, self.shift = np.asarray(period, float), np.asarray(shift, float)
        self.open_ratio, self.leak, self.timed = open_ratio, leak, timed
        if self.period.shape != (self.units,) or self.shift.shape != (self.units,):
            raise ValueError(f"period and shift must be of each of the {self.units} units")
        if not (np.all(self.period > 0.0) and 0.0 < open_ratio <= 1.0 and 0.0 <= leak <= 1.0):
            raise ValueError(
                f"period, above 0, open_ratio={open_ratio}, above 0 and at most 1, or "
                f"leak={leak}, 0 to 1, is out of range"
            )

    def openness(self, time: FloatArray) -> FloatArray:
        """Return the gate of time of each unit, (..., units), for times of shape (...)."""
        phase = np.mod(time[..., np.newaxis] - self.shift, self.period) / self.period
        rising = 2.0 * phase / self.open_ratio
        gate = np.where(rising < 1.0, rising, 2.0 - rising)
        openness: FloatArray = np.where(phase < self.open_ratio, gate, self.leak * phase)
        return openness

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (time, batch, units) for (time, batch, features and a time stamp)."""
        time = np.broadcast_to(np.arange(len(x), dtype=float)[:, np.newaxis], x.shape[:2])
        if self.timed:
            x, time = x[..., :-1], x[..., -1]
        self._open = self.openness(time)
        return super().forward(x)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape for dL/dh of shape (time, batch, units)."""
        dx = super().backward(dy)
        return np.concatenate([dx, np.zeros_like(dx[..., :1])], axis=-1) if self.timed else dx

    def _make_cell(self, steps: int, batch: int) -> LSTMCell:
        return _PhasedCell(self._open, steps, (batch, self.units))


class _PhasedCell(LSTMCell):
    """A cell whose steps count as far as the gate of time is open."""

    def __init__(self, openness: FloatArray, steps: int, shape: tuple[int, ...]):
        super().__init__(LSTMVariant(), steps, shape)
        self._open = openness

    def step(self, t: int, z: FloatArray) -> FloatArray:
        """Take one step; return h_t of shape (batch, units)."""
        output, cell, k = super().step(t, z), self.cells[t + 1], self._open[t]
        cell[...] = k * cell + (1.0 - k) * self.cells[t]
        output[...] = k * output + (1.0 - k) * (self.output[t - 1] if t else 0.0)
        return output

    def step_back(self, t: int, dh: FloatArray) -> FloatArray:
        """Go back one step; return dL/dz."""
        k, dc = self._open[t], self._dc
        self._dc = k * dc
        dz = super().step_back(t, k * dh)
        self._dc += (1.0 - k) * dc
        self.past = (1.0 - k) * dh
        return dz


def drawn_phases(
    units: int, period: tuple[float, float], seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return period and shift of each unit as the paper draws them.

    Periods are log-uniform between two limits, shifts uniform within a period.
    """
    rng = np.random.default_rng(seed)
    low, high = np.log(period)
    periods: FloatArray = np.exp(rng.uniform(low, high, units))
    return periods, periods * rng.random(units)
