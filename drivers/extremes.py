"""The least and the greatest of an array, fast on the short arrays of a single vector."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

__all__ = ["extremes"]


def extremes(values: npt.NDArray[Any]) -> tuple[Any, Any]:
    """Return (least, greatest) of a non-empty array as Python numbers; NaN is both if present.

    argmin and argmax are several times faster than min and max on short arrays, and this runs
    for every vector that is multiplied.
    """
    if values.size == 1:  # of a single pulse there are six of them
        value = values.item()
        return value, value
    return values.item(values.argmin()), values.item(values.argmax())
