"""Finds the parameters at which the mean of random numbers has given values (Newton and Broyden).

The numbers come from simulations with seeds. The same seeds are used at every step, so that what is
solved is smooth; the difference between seeds then says how well the solution is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memlab.numeric import FloatArray

__all__ = ["Solution", "solve"]


_TWINS = 4
"""Simulations of which the mean is matched."""

_ERROR_TWINS = 12
"""Simulations whose spread is the error: it is then known to 20 %."""

_FINEST = 3e-4
"""Relative difference below which nothing is matched, and no error is claimed to be."""

_STEPS = 24
_CLOSE = 0.2
"""Most steps, and the largest difference that is left, in standard errors."""

_NEARER = 0.2
"""Part of its distance from the lowest value that a step leaves: a variance of 0 shows no noise, by
which differences are judged, and hardly moves any number."""

_REFUSED = 3
"""Steps that come no nearer, one after the other, before the derivatives are taken anew."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the simulations show the target.

    Parameters
    ----------
    x, error
        The solution and one standard error of it, shape (n,).
    steps, distance
        Steps taken, and the largest difference that was left, in standard errors: from 1 on, the
        simulations do not show the target, and `error` holds what is left.
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

    bounded = np.isfinite(lowest)
    floor = np.where(bounded, lowest, 0.0)

    def reached(x: FloatArray, move: FloatArray) -> FloatArray:
        wanted = x + move
        new = np.where(bounded, np.maximum(wanted, floor + _NEARER * (x - floor)), wanted)
        # What is left is nothing to the numbers.
        gone = bounded & (wanted < floor) & (new - floor < 0.1 * scale)
        return np.where(gone, floor, new)

    here = numbers(start)
    scale = _scale(here, target)
    x = reached(start, target - here.mean(axis=0))
    here = numbers(x)
    scale = _scale(here, target)
    jacobian = _jacobian(simulate, x, scale)
    left = here.mean(axis=0) - target
    step, distance, part, refused, fresh = 0, np.inf, 1.0, 0, True
    for step in range(1, _STEPS + 1):
        # At its lowest value a parameter cannot follow a number that is still too large.
        free = ~((x <= lowest) & (left > 0.0))
        distance = float(np.max(np.abs(left / scale), where=free, initial=0.0))
        if on_step is not None:
            on_step(step, distance)
        if distance < _CLOSE:
            break
        move = np.zeros(x.size)
        move[free] = -part * _solved(jacobian[np.ix_(free, free)], left[free], scale[free])
        new = reached(x, move)
        taken = (new - x) / scale
        if not taken.any():
            break
        here = numbers(new)
        found = here.mean(axis=0) - target
        change = (found - left) / scale - jacobian @ taken
        jacobian = jacobian + np.outer(change, taken) / (taken @ taken)
        if np.sum((found / scale)[free] ** 2) < np.sum((left / scale)[free] ** 2):
            new_scale = _scale(here, target)
            jacobian = (
                jacobian * np.outer(1.0 / new_scale, new_scale) * np.outer(scale, 1.0 / scale)
            )
            x, left, scale, part, refused, fresh = new, found, new_scale, 1.0, 0, False
            continue
        part, refused = 0.5 * part, refused + 1
        if refused == _REFUSED:
            if fresh:
                break
            jacobian, part, refused, fresh = _jacobian(simulate, x, scale), 1.0, 0, True
    error, distance = _errors(simulate, x, lowest, target)
    return Solution(x, np.maximum(error, _FINEST * np.abs(x)), step, distance)


def _scale(numbers: FloatArray, target: FloatArray) -> FloatArray:
    """Return how much numbers, shape (simulations, n), differ by chance, shape (n,)."""
    scale: FloatArray = np.maximum(numbers.std(axis=0, ddof=1), _FINEST * np.abs(target) + 1e-30)
    return scale


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
    lowest: FloatArray,
    target: FloatArray,
) -> tuple[FloatArray, float]:
    """Return one standard error of x, and how far the numbers are from the target, in theirs.

    The error is that of one chip, and of the mean that was matched to it, and of what is left.
    """
    numbers = np.array([simulate(x, seed) for seed in range(_ERROR_TWINS)])
    # Derivatives that were only mended on the way would make errors of chance.
    scale = _scale(numbers, target)
    jacobian = _jacobian(simulate, x, scale)
    left = numbers[:_TWINS].mean(axis=0) - target
    free = ~((x <= lowest) & (left > 0.0))
    solvable = jacobian[np.ix_(free, free)]
    distance = float(np.max(np.abs(left / scale), where=free, initial=0.0))
    deviation = np.array(
        [_solved(solvable, row[free], scale[free]) for row in numbers - numbers.mean(axis=0)]
    )
    # Of a parameter at its lowest value, the error of its number: that moves about as it does.
    error = scale.copy()
    error[free] = np.std(deviation, axis=0, ddof=1) * (1.0 + 1.0 / _TWINS) ** 0.5
    if distance >= 1.0:
        error[free] = np.hypot(error[free], _solved(solvable, left[free], scale[free]))
    return error, distance
