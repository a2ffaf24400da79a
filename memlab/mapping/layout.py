"""Where the two cells of a differential pair lie: the two published layouts."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Layout", "pair_rows"]


class Layout(StrEnum):
    """Order of the positive and negative rows of a block of differential pairs."""

    BLOCK = "block"
    """Rows 0..n-1 positive, rows n..2n-1 negative (Li 2019)."""
    INTERLEAVED = "interleaved"
    """Even rows positive, odd rows negative (Wang 2019)."""


def pair_rows(layout: Layout, inputs: int) -> tuple[slice, slice]:
    """Return the slices of the positive and of the negative rows, `inputs` rows each."""
    if layout is Layout.BLOCK:
        return slice(0, inputs), slice(inputs, 2 * inputs)
    return slice(0, 2 * inputs, 2), slice(1, 2 * inputs, 2)
