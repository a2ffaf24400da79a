"""Peepholes: the gates of an LSTM see the cell state, each unit its own (Gers 2000).

A product unit by unit is a diagonal: on the array one row of pairs is driven at a time, as many
vectors for each state as there are weights of a gate, because all rows at once would mix the units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import MatrixLayer
from memlab.numeric import FloatArray

__all__ = ["Peephole", "PeepholeLayer"]


@dataclass(frozen=True, eq=False)
class Peephole:
    """What the cell states add to gates i, f and o.

    Parameters
    ----------
    matrix
        Weights of shape (n, 3): of n states for i, f and o; those of absent gates are not used.
    shape
        Of these n states: the last axes of a state; all before them share the weights.
    """

    matrix: DifferentialMatrix
    shape: tuple[int, ...]

    @classmethod
    def fitting(
        cls, matrix: DifferentialMatrix | None, *shapes: tuple[int, ...]
    ) -> Peephole | None:
        """Return the peepholes of some weights; None if there are none.

        Parameters
        ----------
        matrix
            The weights.
        *shapes
            What the last axes of a state may be that has weights of its own.

        Raises
        ------
        ValueError
            If the weights are those of none of them.
        """
        if matrix is None:
            return None
        for shape in shapes:
            if matrix.shape == (int(np.prod(shape)), 3):
                return cls(matrix, shape)
        allowed = " or ".join(str((int(np.prod(shape)), 3)) for shape in shapes)
        raise ValueError(f"peepholes need {allowed} weights, got {matrix.shape}")

    def __call__(self, state: FloatArray) -> FloatArray:
        """Return what is seen of a state of shape (..., units): (..., units, 3), on the array."""
        count = self.matrix.shape[0]
        vectors = state.reshape(-1, count)[..., np.newaxis] * np.eye(count)
        return self.matrix.multiply(vectors).reshape(*state.shape, 3)

    @property
    def weight(self) -> FloatArray:
        """The weights that were read back, (*shape, 3)."""
        return self.matrix.weight.reshape(*self.shape, 3)

    def sum(self, of_states: FloatArray) -> FloatArray:
        """Add up over all that share a weight: (..., *shape) to (n,)."""
        total: FloatArray = of_states.reshape(-1, self.matrix.shape[0]).sum(axis=0)
        return total


class PeepholeLayer(MatrixLayer):
    """A layer with one weight matrix, and one of peepholes where it has them.

    Attributes
    ----------
    peephole
        The peepholes, or None.
    """

    peephole: Peephole | None = None
    _peephole_gradients: Sequence[FloatArray] = ()

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """The weights, and those of the peepholes."""
        return (self.matrix,) if self.peephole is None else (self.matrix, self.peephole.matrix)

    @property
    def gradients(self) -> Sequence[FloatArray]:
        """dL/dW of the last `backward`, as `matrices`."""
        return (self.gradient, *self._peephole_gradients)
