"""The check that every codec makes on integer input: whole numbers, inside a range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.extremes import extremes


def checked_integers(
    name: str,
    values: npt.ArrayLike,
    minimum: int,
    maximum: int,
    error: type[ValueError] = ValueError,
) -> npt.NDArray[np.integer]:
    """Return `values` as an integer array, unchanged, after checking minimum <= value <= maximum.

    Raises
    ------
    ValueError
        Or the given subclass of it, if a value is out of range.
    TypeError
        If the values are not integers; a float is not rounded in silence.
    """
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers from {minimum} to {maximum}, got {array.dtype}")
    # A type that cannot hold a value out of range needs no look at the values.
    if array.dtype == np.uint16 and minimum == 0 and maximum == 0xFFFF:
        return array
    lowest, highest = extremes(array)
    if lowest < minimum or highest > maximum:
        wrong = lowest if lowest < minimum else highest
        raise error(f"{name} must be {minimum} to {maximum}, got {wrong}")
    return array
