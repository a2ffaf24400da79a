"""Finds the parameters at which the mean of random numbers has given values (Newton and Broyden).

The numbers come from simulations with seeds. The same seeds are used at every step, so that what is
solved is smooth; the difference between seeds then says how well the solution is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Solution", "solve"]

FloatArray = npt.NDArray[np.float64]

_TWINS = 4
"""Simulations of which the mean is matched."""

_ERROR_TWINS = 12
"""Simulations whose spread is the error: it is then known to 20 %."""

_FINEST = 3e-4
"""Relative difference below which nothing is matched, and no error is claimed to be."""

_STEPS = 10
_CLOSE = 0.2
"""Most steps, and the largest difference that is left, in standard errors."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the simulations show the target.

    Parameters
    ----------
    x, error
        The solution and one standard error of it, shape (n,).
    steps, distance
        Steps taken, and the largest difference that was left, in standard errors.
    """

    x: FloatArray
    error: FloatArray
    steps: int
    distance: float


def solve(
    simulate: Callable[[FloatArray, int], FloatArray],
    target: FloatArray,
    start: FloatArray,
    lowest: FloatArray,
    on_step: Callable[[int, float], None] | None = None,
) -> Solution:
    """Find x such that the mean of `simulate(x, seed)` over seeds is `target`.

    Parameters
    ----------
    simulate
        Takes x and the number of the simulation; returns numbers, one for each of x, that move
        about as much as x does.
    target
        Wanted numbers, shape (n,).
    start, lowest
        First guess, and the lowest values that are allowed.
    on_step
        Called after each step with its number and the largest difference in standard errors.
    """

    def numbers(x: FloatArray) -> FloatArray:
        return np.array([simulate(x, seed) for seed in range(_TWINS)])

    x = np.maximum(start + target - numbers(start).mean(axis=0), lowest)
    here = numbers(x)
    scale = np.maximum(here.std(axis=0, ddof=1), _FINEST * np.abs(target) + 1e-30)
    jacobian = _jacobian(simulate, x, scale)
    left = here.mean(axis=0) - target
    step, distance = 0, np.inf
    for step in range(1, _STEPS + 1):
        # At its lowest value a parameter cannot follow a number that is still too large.
        free = ~((x <= lowest) & (left > 0.0))
        distance = float(np.max(np.abs(left / scale), where=free, initial=0.0))
        if on_step is not None:
            on_step(step, distance)
        if distance < _CLOSE:
            break
        move = np.zeros(x.size)
        move[free] = -_solved(jacobian[np.ix_(free, free)], left[free], scale[free])
        new = np.maximum(x + move, lowest)
        found = numbers(new).mean(axis=0) - target
        taken = (new - x) / scale
        if not taken.any():
            break
        change = (found - left) / scale - jacobian @ taken
        jacobian = jacobian + np.outer(change, taken) / (taken @ taken)
        x, left = new, found
    error = np.maximum(_errors(simulate, x, jacobian, scale), _FINEST * np.abs(x))
    return Solution(x, error, step, distance)


def _jacobian(
    simulate: Callable[[FloatArray, int], FloatArray], x: FloatArray, scale: FloatArray
) -> FloatArray:
    """Return how the numbers move with x, both in units of `scale`, from one simulation each."""
    here = simulate(x, 0)
    columns = []
    for k in range(x.size):
        moved = x.copy()
        moved[k] += max(5.0 * scale[k], 0.1 * abs(x[k]))
        columns.append((simulate(moved, 0) - here) / scale / ((moved[k] - x[k]) / scale[k]))
    return np.stack(columns, axis=1)


def _solved(jacobian: FloatArray, left: FloatArray, scale: FloatArray) -> FloatArray:
    # What no parameter moves stays; directions known to less than 1 % are not followed.
    solution: FloatArray = scale * np.linalg.lstsq(jacobian, left / scale, rcond=1e-2)[0]
    return solution


def _errors(
    simulate: Callable[[FloatArray, int], FloatArray],
    x: FloatArray,
    jacobian: FloatArray,
    scale: FloatArray,
) -> FloatArray:
    """Return one standard error of x: of one chip, and of the mean that was matched to it."""
    numbers = np.array([simulate(x, seed) for seed in range(_ERROR_TWINS)])
    deviation = [_solved(jacobian, row, scale) for row in numbers - numbers.mean(axis=0)]
    error: FloatArray = np.std(deviation, axis=0, ddof=1) * (1.0 + 1.0 / _TWINS) ** 0.5
    return error
