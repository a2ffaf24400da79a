"""Classes of a user's own data: any whole numbers, and a test part where the file names none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["as_classes", "as_mask_of", "draw_test", "finite"]

MOST_CLASSES = 64
"""Columns of the chip: each class needs one."""


def as_classes(path: Path, labels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """Return labels as numbers from 0 on in rising order, and which label each one stands for.

    Raises
    ------
    DataError
        If they are no whole numbers, or fewer than two or more than 64 different ones.
    """
    if labels.dtype.kind not in "iufb" or not (labels == np.floor(labels)).all():
        raise DataError(f"{path}: classes must be whole numbers")
    values, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= values.size <= MOST_CLASSES:
        raise DataError(f"{path}: {values.size} classes; allowed: 2 to {MOST_CLASSES}")
    return numbers.astype(np.uint8), [int(value) for value in values]


def as_mask_of(path: Path, name: str, values: npt.NDArray[Any]) -> BoolArray:
    """Return a test part as a mask.

    Raises
    ------
    DataError
        If it is none, or leaves nothing to test or to train on.
    """
    if values.dtype.kind not in "iub" or not np.isin(values, (0, 1)).all():
        raise DataError(f"{path}: {name} must hold 0 and 1 only")
    mask = values.astype(bool)
    if mask.all() or not mask.any():
        raise DataError(f"{path}: {name} must leave something to train on, and to test")
    return mask


def draw_test(
    units: npt.NDArray[Any], groups: npt.NDArray[Any], share: float, seed: int
) -> BoolArray:
    """Return a mask of whole units (passes, or single samples), drawn within each group.

    Each group (a person, a class) gives about `share` of its units, at least one where it has two.

    Parameters
    ----------
    units, groups
        Number of the unit and of the group of each sample, shape (samples,).
    """
    rng = np.random.default_rng(seed)
    test = np.zeros(units.size, bool)
    for group in np.unique(groups):
        own = np.unique(units[groups == group])
        if own.size > 1:
            taken = rng.permutation(own)[: max(1, round(share * own.size))]
            test |= (groups == group) & np.isin(units, taken)
    return test


def finite(path: Path, name: str, values: npt.NDArray[Any]) -> FloatArray:
    """Return numbers as float64.

    Raises
    ------
    DataError
        If they are none, or not all finite.
    """
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise DataError(f"{path}: {name} must hold finite numbers only")
    return values.astype(np.float64)
