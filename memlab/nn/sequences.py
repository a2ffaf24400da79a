"""Layers around recurrent ones: both directions, the last step only, one input for many steps.

One-to-one is a network without recurrent layers; many-to-many is a recurrent layer with a loss on
every step; many-to-one ends in `LastStep` (or a loss of the last step); one-to-many starts with
`Repeat`. Recurrent layers are stacked by putting one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import Layer, Shown, WithoutWeights
from memlab.numeric import FloatArray

__all__ = ["Bidirectional", "LastStep", "Repeat"]


class Bidirectional(Shown):
    """Two recurrent layers, one of which reads the sequence backwards; outputs side by side.

    Parameters
    ----------
    ahead, back
        The layers for the two directions, each with weights of its own.
    ends_only
        Return only the state with which each direction ends, one step long (many-to-one);
        otherwise step t holds what both directions know at t (many-to-many).
    """

    def __init__(self, ahead: Layer, back: Layer, *, ends_only: bool = False):
        self.ahead = ahead
        self.back = back
        self.ends_only = ends_only

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """The weights of the forward, then of the backward direction."""
        return (*self.ahead.matrices, *self.back.matrices)

    @property
    def gradients(self) -> Sequence[FloatArray]:
        """dL/dW of the last `backward`, as `matrices`."""
        return (*self.ahead.gradients, *self.back.gradients)

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (time or 1, batch, units of both) for (time, batch, features)."""
        ahead, back = self.ahead.forward(x), self.back.forward(x[::-1])
        self._shapes = ahead.shape, back.shape
        if self.ends_only:
            return np.concatenate([ahead[-1:], back[-1:]], axis=-1)
        return np.concatenate([ahead, back[::-1]], axis=-1)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of shape (time, batch, features)."""
        units = self._shapes[0][-1]
        ahead, back = dy[..., :units], dy[..., units:]
        if self.ends_only:
            ahead, back = (
                _at_last(d, shape) for d, shape in zip((ahead, back), self._shapes, strict=True)
            )
        else:
            back = back[::-1]
        return self.ahead.backward(ahead) + self.back.backward(back)[::-1]


class LastStep(WithoutWeights):
    """Keep the last time step: (time, ...) to (1, ...); what follows computes only that one."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Return x[-1:]."""
        self._shape = x.shape
        return x[-1:]

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx: zero but at the last step."""
        return _at_last(dy, self._shape)


class Repeat(WithoutWeights):
    """Show one input at every step: (1, batch, features) to (steps, batch, features)."""

    def __init__(self, steps: int):
        self.steps = steps

    def forward(self, x: FloatArray) -> FloatArray:
        """Return x at every step; a read-only view."""
        if x.shape[0] != 1:
            raise ValueError(f"expected one time step, got {x.shape[0]}")
        return np.broadcast_to(x, (self.steps, *x.shape[1:]))

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx: the sum over the steps."""
        total: FloatArray = dy.sum(axis=0, keepdims=True)
        return total


def _at_last(dy: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    dx = np.zeros(shape)
    dx[-1:] = dy
    return dx
