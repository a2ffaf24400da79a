"""Arrays as callers give them: one or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memlab.array.seam import Array
from memlab.errors import SettingError

__all__ = ["as_arrays"]


def as_arrays(arrays: Array | Sequence[Array]) -> list[Array]:
    """Return the arrays that a caller gave, one or several.

    Raises
    ------
    SettingError
        If there is none, one is no open array, or two of them are parts of one.
    """
    several = arrays if isinstance(arrays, Iterable) else [arrays]
    found = [arrays] if isinstance(arrays, Array) else list(several)
    if not found or not all(isinstance(one, Array) for one in found):
        raise SettingError(f"{arrays!r} is no open array; open it by memlab.open_array first")
    if len({id(one.counts) for one in found}) < len(found):
        raise SettingError("two of the arrays are parts of one; give one view of its lines")
    return found
