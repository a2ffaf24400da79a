"""A network: layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memlab.nn.layers import Layer
from memlab.nn.optimizers import Optimizer

__all__ = ["Network"]

FloatArray = npt.NDArray[np.float64]


class Network:
    """Layers one after the other; sequences have shape (time, batch, features)."""

    def __init__(self, layers: Sequence[Layer]):
        self.layers = list(layers)

    def initialise(self) -> None:
        """Program the starting state of every layer and read it back."""
        for layer in self.layers:
            layer.matrix.initialise()

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the output of the last layer, computed on the array."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, delta: FloatArray) -> FloatArray:
        """Return dL/dx from dL/doutput; leaves a gradient in every layer."""
        for layer in reversed(self.layers):
            delta = layer.backward(delta)
        return delta

    def update(self, optimizer: Optimizer) -> None:
        """Program every layer one step down its gradient, and read it back."""
        for layer in self.layers:
            layer.matrix.update(optimizer.step(layer.matrix.name, layer.gradient))
