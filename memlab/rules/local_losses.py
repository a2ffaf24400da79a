"""Errors that never pass from one layer to the one before: each has a loss of its own.

What a layer with weights, and the layers without weights behind it, put out is multiplied by a
fixed random matrix to as many numbers as the network has outputs; those are judged as the network's
own output is (Mostafa, Ramesh and Cauwenberghs, Frontiers in Neuroscience 12, 608 (2018)). The last
layer with weights has the network's loss. Within a recurrent layer errors still go back through
time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from memlab.nn import Judge, Layer
from memlab.numeric import FloatArray

__all__ = ["LocalLosses"]


class LocalLosses:
    """How errors reach the layers: `memlab.nn.Credit`.

    Parameters
    ----------
    rng
        Draws the seed of the random matrices: they are the same whenever they are drawn.
    """

    def __init__(self, rng: np.random.Generator):
        self._seed = int(rng.integers(2**31))
        self._drawn: dict[int, FloatArray] = {}

    def __call__(
        self,
        layers: Sequence[Layer],
        outputs: Sequence[FloatArray],
        delta: FloatArray,
        judge: Judge | None,
    ) -> FloatArray:
        """Leave gradients in every layer; return dL/dx of the first layer's own loss."""
        if judge is None:
            raise ValueError("losses of the layers need the targets of the batch: give `judge`")
        *hidden, last = _stages(layers)
        dx = _back(layers[last], delta)
        for stage in hidden:
            dx = _back(layers[stage], self._delta(stage.stop, outputs, judge))
        return dx

    def _delta(self, end: int, outputs: Sequence[FloatArray], judge: Judge) -> FloatArray:
        """Return dL/dy of what the stage before layer `end` puts out."""
        y, wide = outputs[end - 1], outputs[-1].shape[-1]
        flat = y.reshape(*y.shape[:2], -1)
        if end not in self._drawn:
            rng = np.random.default_rng([self._seed, end])
            size = flat.shape[-1], wide
            self._drawn[end] = rng.standard_normal(size) / np.sqrt(flat.shape[-1])
        judged = judge(flat @ self._drawn[end])
        return (judged.delta @ self._drawn[end].T).reshape(y.shape)


def _stages(layers: Sequence[Layer]) -> Iterator[slice]:
    """Yield layers that learn together: one with weights, and those without behind it.

    Layers without weights before the first one belong to its stage.
    """
    starts = [k for k, layer in enumerate(layers) if layer.matrices]
    edges = [0, *starts[1:], len(layers)]
    for begin, end in pairwise(edges):
        yield slice(begin, end)


def _back(layers: Sequence[Layer], delta: FloatArray) -> FloatArray:
    for layer in reversed(layers):
        delta = layer.backward(delta)
    return delta
