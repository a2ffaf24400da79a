"""Long short-term memory with all four gates in one weight matrix.

Equations (Hochreiter and Schmidhuber 1997 with the forget gate of Gers 2000; gate order and bias
input as in Li 2019): with u_t = [x_t; h_{t-1}; bias] and [a; i; f; o] = u_t W,

    c_t = s(i) tanh(a) + s(f) c_{t-1}        h_t = s(o) tanh(c_t)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from memlab.mapping import DifferentialMatrix

__all__ = ["LSTM"]

FloatArray = npt.NDArray[np.float64]


class LSTM:
    """A long short-term memory layer; state starts at zero for every sequence.

    Parameters
    ----------
    matrix
        Weights of shape (features + units + 1 if there is a bias, 4 units). Rows: inputs,
        recurrent outputs, bias. Columns: cell input a, then gates i, f, o, `units` each.
    bias
        Value of the constant bias input, or None for no bias.
    """

    def __init__(self, matrix: DifferentialMatrix, bias: float | None = None):
        rows, columns = matrix.shape
        self.matrix = matrix
        self.bias = bias
        self.units = columns // 4
        self.features = rows - self.units - (bias is not None)
        if columns % 4 or self.features < 1:
            raise ValueError(
                f"an LSTM needs (features + units + bias, 4 units) weights, got {matrix.shape}"
            )
        self.gradient = np.zeros(matrix.shape)

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (time, batch, units) for x of shape (time, batch, features).

        One array operation per time step, with all sequences of the batch in it.
        """
        steps, batch, features = x.shape
        if features != self.features:
            raise ValueError(f"expected {self.features} features, got {features}")
        units = self.units
        recurrent = slice(features, features + units)
        inputs = np.zeros((steps, batch, self.matrix.shape[0]))
        inputs[:, :, :features] = x
        if self.bias is not None:
            inputs[:, :, -1] = self.bias
        gates = np.empty((steps, batch, 4 * units))
        cells = np.zeros((steps + 1, batch, units))
        squashed = np.empty((steps, batch, units))
        output = np.empty((steps, batch, units))
        for t in range(steps):
            if t:
                inputs[t, :, recurrent] = output[t - 1]
            z = self.matrix.multiply(inputs[t])
            a = np.tanh(z[:, :units], out=gates[t, :, :units])
            expit(z[:, units:], out=gates[t, :, units:])
            i, f, o = (gates[t, :, k * units : (k + 1) * units] for k in (1, 2, 3))
            cells[t + 1] = i * a + f * cells[t]
            np.tanh(cells[t + 1], out=squashed[t])
            np.multiply(o, squashed[t], out=output[t])
        self._inputs, self._gates, self._cells, self._squashed = inputs, gates, cells, squashed
        return output

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx, shape (time, batch, features), for dL/dh of shape (time, batch, units).

        Back-propagation through time; the weights are those read back.
        """
        units, features = self.units, self.features
        steps, batch, _ = dy.shape
        a, i, f, o = (self._gates[:, :, k * units : (k + 1) * units] for k in range(4))
        # What does not depend on the recursion, for all steps at once.
        cell_from_output = o * (1.0 - self._squashed**2)
        per_cell = np.concatenate(
            [i * (1.0 - a**2), a * i * (1.0 - i), self._cells[:-1] * f * (1.0 - f)], axis=-1
        )
        per_output = self._squashed * o * (1.0 - o)
        per_cell = per_cell.reshape(steps, batch, 3, units)

        to_recurrent = self.matrix.weight[features : features + units].T
        delta = np.empty((steps, batch, 4, units))
        dh_next = np.zeros((batch, units))
        dc = np.zeros((batch, units))
        for t in range(steps - 1, -1, -1):
            dh = dy[t] + dh_next
            dc = dc + dh * cell_from_output[t]
            np.multiply(per_cell[t], dc[:, np.newaxis], out=delta[t, :, :3])
            np.multiply(per_output[t], dh, out=delta[t, :, 3])
            dh_next = delta[t].reshape(batch, 4 * units) @ to_recurrent
            dc = dc * f[t]
        flat = delta.reshape(steps * batch, 4 * units)
        self.gradient = self._inputs.reshape(steps * batch, -1).T @ flat
        return (flat @ self.matrix.weight[:features].T).reshape(steps, batch, features)
