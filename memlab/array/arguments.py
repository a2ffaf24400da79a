"""What callers hand to an array: numbers, masks and rows, checked before anything is touched.

numpy converts nearly everything, and drops what it does not understand: the mask of a masked array,
the imaginary part. A cell that was masked out must not be pulsed, so that none of this passes here.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.errors import SettingError

__all__ = ["as_mask", "as_numbers", "as_row", "pick_lines", "refuse_masked"]


def refuse_masked(values: Any, name: str, advice: str) -> None:
    """Raise `SettingError` if some elements of a masked array are masked."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise SettingError(
            f"{name} is masked in part, and numpy would drop its mask; {advice}. "
            "Nothing was touched"
        )


def as_numbers(
    values: npt.ArrayLike,
    name: str,
    shape: tuple[int, ...] | None = None,
    *,
    advice: str = "name the cells with a boolean mask (set=, reset=, columns=)",
) -> npt.NDArray[np.float64]:
    """Return real numbers as float64, broadcast to a shape if one is given; NaN passes.

    Raises
    ------
    SettingError
        If they are not real numbers, are masked in part, or do not fit the shape.
    """
    refuse_masked(values, name, advice)
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise SettingError(f"{name} is not an array of numbers: {error}") from error
    if array.dtype.kind not in "fiu":
        raise SettingError(f"{name} must be real numbers, got {array.dtype} {values!r:.60}")
    if array.dtype != np.float64:
        array = array.astype(np.float64)
    return array if shape is None else _fit(array, shape, name)


def as_mask(mask: npt.ArrayLike, shape: tuple[int, ...], name: str) -> npt.NDArray[np.bool_]:
    """Return a boolean mask, broadcast to a shape.

    Raises
    ------
    TypeError
        If it is not boolean: a list of line numbers is none.
    SettingError
        If it is masked in part, or does not fit the shape.
    """
    refuse_masked(mask, name, "fill it with True or False (`.filled(False)`)")
    array = np.asarray(mask)
    if array.dtype != np.bool_:
        raise TypeError(f"{name} must be a boolean mask, got dtype {array.dtype}")
    return _fit(array, shape, name)


def as_row(row: Any) -> int:
    """Return a row number.

    Raises
    ------
    SettingError
        If it is not one whole number: a slice or a list would pulse many rows.
    """
    try:
        if isinstance(row, bool | np.bool_):
            raise TypeError
        return operator.index(row)
    except TypeError:
        raise SettingError(
            f"this pulses one row, named by a whole number, not by {row!r:.60}; take a view for "
            "several (`array[rows].program(...)`). Nothing was pulsed"
        ) from None


def pick_lines(lines: npt.NDArray[np.intp], key: Any, what: str) -> npt.NDArray[np.intp]:
    """Apply one index to a list of lines; always returns a list, without repeats, not empty."""
    refuse_masked(key, f"{what} index", "leave the masked ones out (`.compressed()`)")
    picked: npt.NDArray[np.intp] = np.atleast_1d(lines[key])
    if picked.ndim != 1 or picked.size == 0:
        raise IndexError(f"{what} index {key!r} selects no {what} of {lines.size}")
    if np.unique(picked).size != picked.size:
        raise IndexError(f"{what} index {key!r} names a {what} twice")
    return picked


def _fit(array: npt.NDArray[Any], shape: tuple[int, ...], name: str) -> npt.NDArray[Any]:
    if array.shape == shape:
        return array
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise SettingError(
            f"{name} has shape {array.shape}, which does not fit {shape}; nothing was touched"
        ) from None
