"""Large arrays in parts whose work space stays in the cache: that is most of the speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "fill_in_blocks"]

BLOCK = 1 << 15
"""Elements at a time: a quarter of a megabyte of floats."""

# glibc hands arrays of megabytes back to the system when they are freed, and the next ones cost a
# page fault for every 4 kB: a third of the time of a large batch. It learns from the largest that
# was freed, and then keeps twice as much. (mallopt(3), M_MMAP_THRESHOLD.)
np.empty(16 << 20, np.uint8)


def fill_in_blocks(
    out: npt.NDArray[Any], function: Callable[..., npt.NDArray[Any]], *given: npt.NDArray[Any]
) -> None:
    """Fill `out`, contiguous, with an elementwise function of arrays of its shape."""
    flat, arrays = out.reshape(-1), [array.reshape(-1) for array in given]
    for start in range(0, out.size, BLOCK):
        part = slice(start, start + BLOCK)
        flat[part] = function(*(array[part] for array in arrays))
