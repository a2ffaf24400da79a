"""Optimizers: a gradient in, a requested weight change out, with the published conventions.

What is remembered is what was *asked for*, not what the clamped gate voltages allowed.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop"]


class Optimizer(Protocol):
    """Turns gradients into weight changes; keeps one state array per name."""

    lr: float
    """Learning rate; a schedule may change it between epochs."""

    def step(self, name: str, gradient: FloatArray) -> FloatArray:
        """Return the weight change for a gradient, same shape."""
        ...

    def reset(self) -> None:
        """Forget every step, for a training that begins anew; the learning rate stays."""
        ...

    def state(self) -> State:
        """Return the learning rate and all that is remembered."""
        ...

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        ...


class _Remembering:
    """What an optimizer remembers of its steps: one entry for each name."""

    def __init__(self, lr: float):
        self.lr = lr
        self.memory: dict[str, Any] = {}

    def reset(self) -> None:
        """Forget every step; the learning rate stays."""
        self.memory.clear()

    def state(self) -> State:
        """Return the learning rate and all that is remembered."""
        return {"lr": self.lr, "memory": dict(self.memory)}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self.lr, self.memory = state["lr"], dict(state["memory"])


class SGD(_Remembering):
    """Gradient descent with momentum: dW <- momentum dW - lr gradient.

    Parameters
    ----------
    lr
        Learning rate, above 0.
    momentum
        0 to 1.
    """

    def __init__(self, lr: float, momentum: float = 0.0):
        super().__init__(lr)
        self.momentum = momentum
        self.memory: dict[str, FloatArray]

    def step(self, name: str, gradient: FloatArray) -> FloatArray:
        """Return the weight change for a gradient, same shape."""
        last = self.memory.get(name)
        change = -self.lr * gradient if last is None else self.momentum * last - self.lr * gradient
        self.memory[name] = change
        return change


class RMSprop(_Remembering):
    """ms <- decay ms + (1 - decay) gradient^2; dW = -lr gradient / (sqrt(ms) + eps).

    ms starts at zero without bias correction, as published: the first step is lr / sqrt(1 - decay).

    Parameters
    ----------
    lr
        Learning rate, above 0.
    decay
        0 to 1.
    eps
        Keeps the division finite.
    """

    def __init__(self, lr: float, decay: float = 0.9, eps: float = 1e-8):
        super().__init__(lr)
        self.decay = decay
        self.eps = eps
        self.memory: dict[str, FloatArray]

    def step(self, name: str, gradient: FloatArray) -> FloatArray:
        """Return the weight change for a gradient, same shape."""
        last = self.memory.get(name)
        square = (1.0 - self.decay) * gradient**2
        mean_square = square if last is None else self.decay * last + square
        self.memory[name] = mean_square
        return -self.lr * gradient / (np.sqrt(mean_square) + self.eps)


class Adam(_Remembering):
    """dW = -lr m / (sqrt(v) + eps), with the two running means corrected for their start at zero.

    m <- beta1 m + (1 - beta1) gradient, v <- beta2 v + (1 - beta2) gradient^2; after t steps they
    are divided by 1 - beta^t (Kingma and Ba 2015, algorithm 1). The first step is of size lr,
    whatever the gradient.

    Parameters
    ----------
    lr
        Learning rate, above 0.
    beta1, beta2
        0 to 1.
    eps
        Keeps the division finite.
    """

    def __init__(
        self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ):
        super().__init__(lr)
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.memory: dict[str, tuple[int, FloatArray, FloatArray]]
        """Steps so far, m and v by name."""

    def step(self, name: str, gradient: FloatArray) -> FloatArray:
        """Return the weight change for a gradient, same shape."""
        zero = np.zeros(gradient.shape)
        steps, mean, square = self.memory.get(name, (0, zero, zero))
        steps += 1
        mean = self.beta1 * mean + (1.0 - self.beta1) * gradient
        square = self.beta2 * square + (1.0 - self.beta2) * gradient**2
        self.memory[name] = steps, mean, square
        root = np.sqrt(square / (1.0 - self.beta2**steps))
        return -self.lr * (mean / (1.0 - self.beta1**steps)) / (root + self.eps)
