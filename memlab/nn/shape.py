"""Layers without weights: max-pooling, flattening, rectifying."""

from __future__ import annotations

import numpy as np

from memlab.nn.layer import WithoutWeights
from memlab.numeric import FloatArray

__all__ = ["Flatten", "MaxPool", "ReLU"]


class MaxPool(WithoutWeights):
    """The largest value of each square of `size` x `size` pixels; a rest at the edge is dropped.

    (..., height, width, channels) becomes (..., height / size, width / size, channels).
    Of tied maxima the first in the square (rows before columns) gets the whole gradient and the
    others none, so that the gradient is never counted twice.
    """

    def __init__(self, size: int = 2):
        self.size = size

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the maxima."""
        self._shape = x.shape
        squares = self._squares(x)
        self._winner = squares.argmax(axis=-1)
        return np.take_along_axis(squares, self._winner[..., np.newaxis], axis=-1)[..., 0]

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape: dy at each winner, zero elsewhere."""
        size = self.size
        *lead, height, width, channels = self._shape
        rows, columns = height // size, width // size
        squares = np.zeros((*lead, rows, columns, channels, size * size))
        np.put_along_axis(squares, self._winner[..., np.newaxis], dy[..., np.newaxis], axis=-1)
        split = squares.reshape(*lead, rows, columns, channels, size, size)
        # ..., rows, columns, channels, i, j -> ..., rows, i, columns, j, channels
        inside = np.moveaxis(split, (-2, -1), (-4, -2))
        dx = np.zeros(self._shape)
        dx[..., : rows * size, : columns * size, :] = inside.reshape(
            *lead, rows * size, columns * size, channels
        )
        return dx

    def _squares(self, x: FloatArray) -> FloatArray:
        """Return the pixels of each square on a last axis."""
        size = self.size
        *lead, height, width, channels = x.shape
        rows, columns = height // size, width // size
        inside = x[..., : rows * size, : columns * size, :]
        split = inside.reshape(*lead, rows, size, columns, size, channels)
        # ..., rows, i, columns, j, channels -> ..., rows, columns, channels, i, j
        moved = np.moveaxis(split, (-4, -2), (-2, -1))
        return moved.reshape(*lead, rows, columns, channels, size * size)


class Flatten(WithoutWeights):
    """Images to vectors, column-major as in the code of Wang 2019.

    Rows run fastest, then columns, then channels.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """Return (..., height * width * channels) for x of (..., height, width, channels)."""
        self._shape = x.shape
        return x.swapaxes(-1, -3).reshape(*x.shape[:-3], -1)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape."""
        *lead, height, width, channels = self._shape
        return dy.reshape(*lead, channels, width, height).swapaxes(-1, -3)


class ReLU(WithoutWeights):
    """max(x, 0) of every value; the gradient at 0 is 0."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Return max(x, 0)."""
        self._positive = x > 0.0
        return np.maximum(x, 0.0)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx."""
        return dy * self._positive
