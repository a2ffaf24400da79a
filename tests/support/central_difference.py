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
        entry = np.zeros_like(at)
        entry[index] = 1.0
        gradient[index] = slope_along(total, at, entry, step)
    return gradient


def slope_along(
    total: Callable[[FloatArray], float], at: FloatArray, direction: FloatArray, step: float
) -> float:
    """Return the slope of a scalar function along a direction, with an error of fourth order."""
    ahead, behind = (
        [total(at + sign * times * step * direction) for times in (1, 2)] for sign in (1, -1)
    )
    near, far = (one - other for one, other in zip(ahead, behind, strict=True))
    return (8 * near - far) / (12 * step)


def assert_gradient(
    gradient: FloatArray, total: Callable[[FloatArray], float], at: FloatArray
) -> None:
    """Hold a gradient against differences along three random directions.

    Each moves all entries at once, so that a wrong entry is seen in each of them, however many
    there are; entry by entry takes a hundred times as long, and tells which one it is.
    """
    assert gradient.shape == at.shape
    assert np.abs(gradient).max() > 1e-3, "the case must have a gradient to check"
    rng = np.random.default_rng(at.size)
    for direction in rng.normal(size=(3, *at.shape)):
        # With steps of 1e-4, truncation and rounding are near 1e-10 of the gradient.
        slope = slope_along(total, at, direction, 1e-4)
        if abs(slope - np.vdot(gradient, direction)) > 1e-7 * np.linalg.norm(gradient):
            np.testing.assert_allclose(gradient, central_difference(total, at), rtol=1e-6)
            raise AssertionError(f"the gradient agrees in each entry, and not along {direction}")
