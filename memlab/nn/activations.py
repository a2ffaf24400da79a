"""Activations: a value, and the gradient that comes back through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, softmax

from drivers.known_names import unknown
from memlab.errors import SettingError
from memlab.numeric import FloatArray

__all__ = ["ACTIVATIONS", "Activation", "activation_of"]


class Activation(Protocol):
    """An activation, applied along the last axis."""

    def forward(self, z: FloatArray) -> FloatArray:
        """Return y = f(z), same shape."""
        ...

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        """Return dL/dz from y = f(z) and dL/dy, same shape."""
        ...


@dataclass(frozen=True)
class Linear:
    """f(z) = z."""

    def forward(self, z: FloatArray) -> FloatArray:
        return z

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        return dy


@dataclass(frozen=True)
class Rectifier:
    """f(z) = max(z, 0); the gradient at z = 0 is 0."""

    def forward(self, z: FloatArray) -> FloatArray:
        return np.maximum(z, 0.0)

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        return dy * (y > 0.0)


@dataclass(frozen=True)
class Sigmoid:
    """f(z) = 1 / (1 + exp(-z))."""

    def forward(self, z: FloatArray) -> FloatArray:
        return np.asarray(expit(z))

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        return dy * y * (1.0 - y)


@dataclass(frozen=True)
class Tanh:
    """f(z) = tanh(z)."""

    def forward(self, z: FloatArray) -> FloatArray:
        return np.tanh(z)

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        return dy * (1.0 - y * y)


@dataclass(frozen=True)
class Softmax:
    """f(z)_k = exp(z_k) / sum_j exp(z_j) along the last axis."""

    def forward(self, z: FloatArray) -> FloatArray:
        return np.asarray(softmax(z, axis=-1))

    def backward(self, y: FloatArray, dy: FloatArray) -> FloatArray:
        mean: FloatArray = (dy * y).sum(axis=-1, keepdims=True)
        return y * (dy - mean)


ACTIVATIONS: dict[str, Activation] = {
    "linear": Linear(),
    "relu": Rectifier(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "softmax": Softmax(),
}
"""Activations by name."""


def activation_of(activation: str | Activation) -> Activation:
    """Return an activation by name; one of your own is returned as it is.

    Raises
    ------
    SettingError
        If there is none of the name.
    """
    if not isinstance(activation, str):
        return activation
    if activation not in ACTIVATIONS:
        raise SettingError(unknown("activation", activation, ACTIVATIONS))
    return ACTIVATIONS[activation]
