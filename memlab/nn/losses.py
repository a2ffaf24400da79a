"""Losses: what is minimised, its gradient, and the mean that people read.

Gradients are of the *sum* over batch and time, as in the published code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import log_softmax, softmax

from memlab.numeric import FloatArray

__all__ = ["CrossEntropy", "Loss", "LossValue", "SquaredError"]


@dataclass(frozen=True, eq=False)
class LossValue:
    """A loss: the `total` that `delta` is the gradient of, and the `mean` to report.

    `accuracy` is the fraction of outputs whose largest value is at the right class; NaN where
    there are no classes.
    """

    total: float
    mean: float
    delta: FloatArray
    accuracy: float = math.nan


class Loss(Protocol):
    """A loss of an output against a target."""

    def __call__(self, output: FloatArray, target: FloatArray) -> LossValue:
        """Return the loss; `delta` is dtotal/doutput, of the output's shape."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """total = sum (y - t)^2 / 2, so delta = y - t; mean = mean squared error.

    Parameters
    ----------
    last_step
        Count only the last time step; the target then has no time axis.
    """

    last_step: bool = False

    def __call__(self, output: FloatArray, target: FloatArray) -> LossValue:
        """Return the loss of an output of shape (time, batch, outputs)."""
        difference = (output[-1] if self.last_step else output) - _checked(
            target, output, self.last_step
        )
        squares = float(np.sum(difference**2))
        delta = _spread(difference, output, self.last_step)
        return LossValue(squares / 2, squares / difference.size, delta)


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of softmax(output): total = -sum t log softmax(z), so delta = softmax - t.

    The network ends in a *linear* layer; the softmax is part of the loss, which keeps the
    gradient exact however sure the network is. mean = mean over sequences (and steps).

    Parameters
    ----------
    last_step
        Count only the last time step; the target then has no time axis.
    """

    last_step: bool = False

    def __call__(self, output: FloatArray, target: FloatArray) -> LossValue:
        """Return the loss of logits of shape (time, batch, classes), one-hot targets."""
        logits = output[-1] if self.last_step else output
        target = _checked(target, output, self.last_step)
        total = -float(np.sum(target * log_softmax(logits, axis=-1)))
        # The gradient for targets that need not sum to one; for one-hot: softmax - target.
        difference = softmax(logits, axis=-1) * target.sum(axis=-1, keepdims=True) - target
        delta = _spread(difference, output, self.last_step)
        right = logits.argmax(axis=-1) == target.argmax(axis=-1)
        return LossValue(total, total / right.size, delta, float(right.mean()))


def _checked(target: FloatArray, output: FloatArray, last_step: bool) -> FloatArray:
    wanted = output.shape[1:] if last_step else output.shape
    if target.shape != wanted:
        raise ValueError(f"target has shape {target.shape}, the output asks for {wanted}")
    return target


def _spread(difference: FloatArray, output: FloatArray, last_step: bool) -> FloatArray:
    """Put the delta of the last step back on the time axis, zero before it."""
    if not last_step:
        return difference
    delta = np.zeros_like(output)
    delta[-1] = difference
    return delta
