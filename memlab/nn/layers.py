"""What a layer is, and the fully connected one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from memlab.mapping import DifferentialMatrix
from memlab.nn.activations import ACTIVATIONS

__all__ = ["Dense", "Layer", "MatrixLayer", "with_bias"]

FloatArray = npt.NDArray[np.float64]


class Layer(Protocol):
    """A layer: forward on the array, backward in software.

    Sequences have shape (time, batch, features), images (time, batch, height, width, channels).
    """

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """The weights; none in a layer that only computes."""
        ...

    @property
    def gradients(self) -> Sequence[FloatArray]:
        """dL/dW of the last `backward`, summed over batch and time, one for each matrix."""
        ...

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the layer's output for an input; remembers what `backward` needs."""
        ...

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx from dL/dy of the last `forward`; stores the gradients."""
        ...


class MatrixLayer:
    """A layer with one weight matrix.

    Attributes
    ----------
    matrix
        The weights.
    gradient
        dL/dW of the last `backward`, summed over batch and time, shape of the weights.
    """

    def __init__(self, matrix: DifferentialMatrix):
        self.matrix = matrix
        self.gradient = np.zeros(matrix.shape)

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """The weights."""
        return (self.matrix,)

    @property
    def gradients(self) -> Sequence[FloatArray]:
        """dL/dW of the last `backward`."""
        return (self.gradient,)


class Dense(MatrixLayer):
    """A fully connected layer, y = f([x; bias] W).

    Parameters
    ----------
    matrix
        Weights of shape (features + 1 if there is a bias, outputs); the bias row is the last.
    activation
        `linear`, `relu`, `sigmoid`, `tanh` or `softmax`.
    bias
        Value of the constant bias input, or None for no bias.
    """

    def __init__(
        self, matrix: DifferentialMatrix, activation: str = "linear", bias: float | None = None
    ):
        super().__init__(matrix)
        self.activation = ACTIVATIONS[activation]
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
        return delta @ self.matrix.weight[:features].T


def with_bias(x: FloatArray, bias: float | None) -> FloatArray:
    """Append the constant bias input, if there is one, to the last axis."""
    if bias is None:
        return x
    return np.concatenate([x, np.full((*x.shape[:-1], 1), bias)], axis=-1)
