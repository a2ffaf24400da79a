"""The fully connected layer."""

from __future__ import annotations

from memlab.mapping import DifferentialMatrix
from memlab.nn.activations import Activation, activation_of
from memlab.nn.layer import MatrixLayer, with_bias
from memlab.numeric import FloatArray

__all__ = ["Dense"]


class Dense(MatrixLayer):
    """A fully connected layer, y = f([x; bias] W).

    Parameters
    ----------
    matrix
        Weights of shape (features + 1 if there is a bias, outputs); the bias row is the last.
    activation
        `linear`, `relu`, `sigmoid`, `tanh` or `softmax`, or an `Activation` (`Curve`).
    bias
        Value of the constant bias input, or None for no bias.
    """

    def __init__(
        self,
        matrix: DifferentialMatrix,
        activation: str | Activation = "linear",
        bias: float | None = None,
    ):
        super().__init__(matrix)
        self.activation = activation_of(activation)
        self.bias = bias

    def forward(self, x: FloatArray) -> FloatArray:
        """Return y of shape (..., outputs) for x of shape (..., features)."""
        self._inputs = with_bias(x, self.bias)
        self._output = self.activation.forward(self.matrix.multiply(self._inputs))
        return self._output

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of shape (..., features) for dL/dy of shape (..., outputs)."""
        delta = self.activation.backward(self._output, dy)
        flat = delta.reshape(-1, delta.shape[-1])
        self.gradient = self._inputs.reshape(-1, self._inputs.shape[-1]).T @ flat
        features = self._inputs.shape[-1] - (self.bias is not None)
        return delta @ self.matrix.backward_weight[:features].T
