"""What a layer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from memlab.mapping import DifferentialMatrix
from memlab.numeric import FloatArray

__all__ = ["Layer", "MatrixLayer", "Shown", "WithoutWeights", "Written", "with_bias"]


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


class Shown:
    """A layer that says at a prompt what it is."""

    def __repr__(self) -> str:
        """Return the kind of layer and the sizes of its weights."""
        matrices: Sequence[DifferentialMatrix] = getattr(self, "matrices", ())
        weights = ", ".join("{} {} x {}".format(one.name, *one.shape) for one in matrices)
        return f"<{type(self).__name__}{': ' if weights else ''}{weights}>"


class WithoutWeights(Shown):
    """A layer that only computes."""

    matrices: Sequence[DifferentialMatrix] = ()
    gradients: Sequence[FloatArray] = ()


class Written(WithoutWeights):
    """A layer whose weights were written and stay: it multiplies, and learns no more.

    Parameters
    ----------
    layer
        On the arrays, read back.
    """

    def __init__(self, layer: Layer):
        self._layer = layer

    def forward(self, x: FloatArray) -> FloatArray:
        """Return what the layer makes of x."""
        return self._layer.forward(x)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx, by the weights that were read back."""
        return self._layer.backward(dy)


class MatrixLayer(Shown):
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


def with_bias(x: FloatArray, bias: float | None) -> FloatArray:
    """Append the constant bias input, if there is one, to the last axis."""
    if bias is None:
        return x
    return np.concatenate([x, np.full((*x.shape[:-1], 1), bias)], axis=-1)
