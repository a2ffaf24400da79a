"""Activations as a circuit has them: a curve that was measured or drawn, of limited range.

The curve is held as points with straight lines between them; beyond the first and the last point
the circuit is saturated, and passes no gradient. A curve must rise, or fall, all the way: the
gradient is found from what came out.

    bent = Curve.read("sigmoid.csv")                                   # two columns: in, out
    weak = Curve.of("tanh", low=-0.6, high=0.6, input_offset=0.05)     # drawn
    layers.LSTM(4, variant=LSTMVariant(gate=bent, squash=weak))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memlab.errors import DataError, SettingError
from memlab.nn.activations import activation_of
from memlab.numeric import FloatArray

__all__ = ["Curve"]

REACH = 10.0
"""How far from its middle a drawn curve is followed: both tanh and sigmoid end within 5e-5."""


@dataclass(frozen=True)
class Curve:
    """An activation from points of its curve.

    Parameters
    ----------
    x
        Inputs, in the unit of the products of weights and inputs; rising.
    y
        Outputs, in the unit that the ideal function has; rising or falling.

    Raises
    ------
    SettingError
        If these are not at least two finite points of a curve that rises or falls all the way.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x, float), np.asarray(self.y, float)
        steps = np.diff(y) if y.ndim == 1 and x.shape == y.shape else np.zeros(0)
        finite = np.isfinite(x).all() and np.isfinite(y).all()
        if not (len(steps) and finite and np.all(np.diff(x) > 0)) or not (
            np.all(steps > 0) or np.all(steps < 0)
        ):
            raise SettingError(
                "a curve needs two or more finite points, x rising, and y rising or falling all "
                "the way: smooth what was measured, or leave points out"
            )

    def __repr__(self) -> str:
        """Return the ranges."""
        return (
            f"Curve({len(self.x)} points, x {self.x[0]:g} to {self.x[-1]:g}, "
            f"y {self.y[0]:g} to {self.y[-1]:g})"
        )

    @classmethod
    def read(cls, path: str | Path) -> Curve:
        """Return the curve in a text file: two columns, input and output, with commas.

        Raises
        ------
        DataError
            If the file cannot be read so.
        SettingError
            As for any curve.
        """
        try:
            x, y = np.loadtxt(path, delimiter=",", ndmin=2).T
        except (OSError, ValueError) as error:
            raise DataError(f"{path} holds no curve, two columns with a comma: {error}") from error
        return cls(tuple(x.tolist()), tuple(y.tolist()))

    @classmethod
    def of(
        cls,
        activation: str,
        *,
        low: float = -np.inf,
        high: float = np.inf,
        gain: float = 1.0,
        input_offset: float = 0.0,
        output_offset: float = 0.0,
        points: int = 401,
    ) -> Curve:
        """Return f(gain (z - input_offset)) + output_offset, between two limits.

        Parameters
        ----------
        activation
            `sigmoid` or `tanh`.
        low, high
            Limits of what comes out.
        gain, input_offset, output_offset
            See above.
        points
            Of the ideal curve; straight lines between 401 are off by 1e-4.

        Raises
        ------
        SettingError
            If there is no such activation, or nothing is left of its curve.
        """
        if activation not in ("sigmoid", "tanh"):
            raise SettingError(f"a curve is drawn of 'sigmoid' or 'tanh', got {activation!r}")
        if not (np.isfinite([gain, input_offset, output_offset]).all() and gain and points > 1):
            raise SettingError(
                f"gain={gain} must be finite and not 0, offsets finite, points at least 2"
            )
        z = np.linspace(-REACH, REACH, points)
        y = activation_of(activation).forward(z) + output_offset
        if not y[0] <= max(low, y[0]) < min(high, y[-1]) <= y[-1]:
            raise SettingError(
                f"low={low} and high={high} leave nothing of {y[0]:.3g} to {y[-1]:.3g}"
            )
        ends = np.array([max(low, y[0]), min(high, y[-1])])
        inside = (y > ends[0]) & (y < ends[1])
        y_kept = np.concatenate([ends[:1], y[inside], ends[1:]])
        z_kept = np.concatenate([np.interp(ends[:1], y, z), z[inside], np.interp(ends[1:], y, z)])
        order = slice(None, None, 1 if gain > 0 else -1)
        x = (z_kept / gain + input_offset)[order]
        return cls(tuple(x.tolist()), tuple(y_kept[order].tolist()))

    def forward(self, z: FloatArray) -> FloatArray:
        """Return what comes out for z, same shape."""
        return np.interp(z, self.x, self.y)

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        """Return dL/dz from y = f(z) and dL/dy; 0 where the circuit is saturated."""
        x, levels = np.asarray(self.x), np.asarray(self.y)
        slopes = np.concatenate([[0.0], np.diff(levels) / np.diff(x), [0.0]])
        if levels[0] > levels[-1]:
            levels, slopes = levels[::-1], slopes[::-1]
        segment = np.searchsorted(levels, y, side="right")
        # What lies on the last point is beyond it already; so is what lies on the first.
        segment = np.where(np.asarray(y) <= levels[0], 0, segment)
        through: FloatArray = dy * slopes[segment]
        return through
