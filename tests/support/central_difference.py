"""Gradients by differences, against which those of layers are held."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def central_difference(
    total: Callable[[FloatArray], float], at: FloatArray, step: float = 1e-3
) -> FloatArray:
    """Return the gradient of a scalar function, entry by entry, with an error of fourth order."""
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):

        def along(distance: float, index: tuple[int, ...] = index) -> float:
            moved = at.copy()
            moved[index] += distance
            return total(moved)

        near = along(step) - along(-step)
        far = along(2 * step) - along(-2 * step)
        gradient[index] = (8 * near - far) / (12 * step)
    return gradient
