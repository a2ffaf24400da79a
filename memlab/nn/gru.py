"""Gated recurrent unit.

In the form of cuDNN and PyTorch, where the reset gate acts after the recurrent product, so that
one array operation per time step is enough (Cho 2014 resets before, which needs two):

    r, z = s(x W + h U)      n = tanh(x W_n + r (h U_n))      h_t = (1 - z) n + z h_{t-1}

Each product has its own bias input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import Shown, with_bias
from memlab.numeric import FloatArray

__all__ = ["GRU"]


class GRU(Shown):
    """A gated recurrent layer; state starts at zero for every sequence.

    Parameters
    ----------
    matrix
        Input weights of shape (features + 1 if there is a bias, 3 units). Columns: reset gate r,
        update gate z, candidate n, `units` each; the bias row is the last.
    recurrent
        Recurrent weights of shape (units + 1 if there is a bias, 3 units), in the same order.
    bias
        Value of the constant bias input of both, or None for no bias.
    """

    def __init__(
        self, matrix: DifferentialMatrix, recurrent: DifferentialMatrix, bias: float | None = None
    ):
        self.matrix = matrix
        self.recurrent = recurrent
        self.bias = bias
        self.units = matrix.shape[1] // 3
        self.features = matrix.shape[0] - (bias is not None)
        if recurrent.shape != (self.units + (bias is not None), 3 * self.units):
            raise ValueError(
                "a GRU needs (features + bias, 3 units) and (units + bias, 3 units) weights, "
                f"got {matrix.shape} and {recurrent.shape}"
            )
        self.gradients: Sequence[FloatArray] = (np.zeros(matrix.shape), np.zeros(recurrent.shape))

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """Input and recurrent weights."""
        return self.matrix, self.recurrent

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (time, batch, units) for x of shape (time, batch, features).

        The inputs of all steps are one array operation; each step is another.
        """
        steps, batch, _ = x.shape
        units = self.units
        self._inputs = with_bias(x, self.bias)
        from_input = self.matrix.multiply(self._inputs)
        self._states = states = np.zeros((steps + 1, batch, units))
        self._gates = np.empty((steps, batch, 3 * units))
        self._candidate = np.empty((steps, batch, units))
        for t in range(steps):
            from_state = self.recurrent.multiply(with_bias(states[t], self.bias))
            gates = self._gates[t]
            expit(
                from_input[t, :, : 2 * units] + from_state[:, : 2 * units],
                out=gates[:, : 2 * units],
            )
            r, z = gates[:, :units], gates[:, units : 2 * units]
            self._candidate[t] = from_state[:, 2 * units :]
            n = np.tanh(
                from_input[t, :, 2 * units :] + r * self._candidate[t], out=gates[:, 2 * units :]
            )
            states[t + 1] = (1.0 - z) * n + z * states[t]
        return states[1:]

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx, shape (time, batch, features), for dL/dh of shape (time, batch, units)."""
        steps, batch, _ = dy.shape
        units = self.units
        to_state = self.recurrent.backward_weight[:units].T
        by_input = np.empty((steps, batch, 3 * units))
        by_state = np.empty_like(by_input)
        dh_next = np.zeros((batch, units))
        for t in range(steps - 1, -1, -1):
            r, z, n = (self._gates[t, :, k * units : (k + 1) * units] for k in range(3))
            dh = dy[t] + dh_next
            dn = dh * (1.0 - z) * (1.0 - n**2)
            dz = dh * (self._states[t] - n) * z * (1.0 - z)
            dr = dn * self._candidate[t] * r * (1.0 - r)
            by_input[t] = np.concatenate([dr, dz, dn], axis=-1)
            by_state[t] = np.concatenate([dr, dz, dn * r], axis=-1)
            dh_next = dh * z + by_state[t] @ to_state
        before = with_bias(self._states[:-1], self.bias)
        flat = by_input.reshape(steps * batch, -1)
        self.gradients = (
            self._inputs.reshape(steps * batch, -1).T @ flat,
            before.reshape(steps * batch, -1).T @ by_state.reshape(steps * batch, -1),
        )
        return (flat @ self.matrix.backward_weight[: self.features].T).reshape(
            steps, batch, self.features
        )
