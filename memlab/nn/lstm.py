"""Long short-term memory with all gates in one weight matrix, and its variants.

With u_t = [x_t; h_{t-1}; bias], [a; i; f; o] = u_t W is one array operation per time step (gate
order and bias input as in Li 2019); `lstm_cell` says what becomes of them.
"""

from __future__ import annotations

import numpy as np

from memlab.mapping import DifferentialMatrix
from memlab.nn.lstm_cell import LSTMCell, LSTMVariant
from memlab.nn.peephole import Peephole, PeepholeLayer
from memlab.numeric import FloatArray

__all__ = ["LSTM"]


class LSTM(PeepholeLayer):
    """A long short-term memory layer; state starts at zero for every sequence.

    Parameters
    ----------
    matrix
        Weights of shape (features + units + 1 if there is a bias, 4 units). Rows: inputs,
        recurrent outputs, bias. Columns: cell input a, then gates i, f, o, `units` each; those
        that the variant leaves out have no columns.
    bias
        Value of the constant bias input, or None for no bias.
    variant
        Which gates and activations exist.
    peephole
        Weights of shape (units, 3) from the cell state of each unit to its own gates i, f, o
        (the columns of absent gates are not used), or None for no peepholes.
    """

    def __init__(
        self,
        matrix: DifferentialMatrix,
        bias: float | None = None,
        variant: LSTMVariant | None = None,
        peephole: DifferentialMatrix | None = None,
    ):
        super().__init__(matrix)
        rows, columns = matrix.shape
        self.bias = bias
        self.variant = variant or LSTMVariant()
        blocks = len(self.variant.columns)
        self.units = columns // blocks
        self.features = rows - self.units - (bias is not None)
        if columns % blocks or self.features < 1:
            raise ValueError(
                f"an LSTM needs (features + units + bias, {blocks} units) weights, "
                f"got {matrix.shape}"
            )
        self.peephole = Peephole.fitting(peephole, (self.units,))

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (time, batch, units) for x of shape (time, batch, features).

        One array operation per time step, with all sequences of the batch in it.
        """
        steps, batch, features = x.shape
        if features != self.features:
            raise ValueError(f"expected {self.features} features, got {features}")
        recurrent = slice(features, features + self.units)
        self._inputs = inputs = np.zeros((steps, batch, self.matrix.shape[0]))
        inputs[:, :, :features] = x
        if self.bias is not None:
            inputs[:, :, -1] = self.bias
        self._cell = cell = self._make_cell(steps, batch)
        for t in range(steps):
            if t:
                inputs[t, :, recurrent] = cell.output[t - 1]
            cell.step(t, self.matrix.multiply(inputs[t]))
        return cell.output

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx, shape (time, batch, features), for dL/dh of shape (time, batch, units).

        Back-propagation through time; the weights are those read back.
        """
        steps, batch, _ = dy.shape
        features, cell = self.features, self._cell
        to_recurrent = self.matrix.backward_weight[features : features + self.units].T
        dh_next = np.zeros((batch, self.units))
        cell.prepare_backward()
        for t in range(steps - 1, -1, -1):
            dh_next = cell.step_back(t, dy[t] + dh_next) @ to_recurrent
            if cell.past is not None:
                dh_next += cell.past
        flat = cell.delta.reshape(steps * batch, -1)
        self.gradient = self._inputs.reshape(steps * batch, -1).T @ flat
        self._peephole_gradients = cell.peephole_gradients()
        return (flat @ self.matrix.backward_weight[:features].T).reshape(steps, batch, features)

    def _make_cell(self, steps: int, batch: int) -> LSTMCell:
        return LSTMCell(self.variant, steps, (batch, self.units), self.peephole)
