"""Cells beside those of a network, for rules that keep something in cells of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping.block import Block
from memlab.mapping.packing import first_free
from memlab.mapping.views import cells_within

__all__ = ["spare_views"]


def spare_views(blocks: Sequence[Block], arrays: Sequence[Array], why: str) -> list[Array]:
    """Return for every block a view of as many rows and columns that no block uses.

    Each is the first free rectangle, in the order of arrays, columns and rows, if possible one that
    shares no line with a block: without transistors, pulses half-select the cells of their lines.
    The largest block chooses first. Nothing is pulsed.

    Parameters
    ----------
    blocks
        All blocks of a network, on `arrays` by their `array_number`.
    arrays
        Where there may be room.
    why
        Who asks for it, for the message.

    Raises
    ------
    SettingError
        If there is no room.
    """
    room = [np.ones(array.shape, bool) for array in arrays]
    apart = [mask.copy() for mask in room]
    for block in blocks:
        cells = cells_within(block.array, arrays[block.array_number])
        room[block.array_number][cells] = False
        apart[block.array_number][cells[0].ravel()] = False
        apart[block.array_number][:, cells[1].ravel()] = False
    found: dict[Block, Array] = {}
    for block in sorted(blocks, key=lambda one: np.prod(one.array.shape), reverse=True):
        rows, columns = block.array.shape
        place = first_free((rows, columns), apart) or first_free((rows, columns), room)
        if place is None:
            wanted = ", ".join(f"{b.name} {b.array.shape[0]} x {b.array.shape[1]}" for b in blocks)
            free = ", ".join(f"{mask.sum()} of {mask.size}" for mask in room)
            raise SettingError(
                f"no room: {why} takes as many cells again as the network has ({wanted}), and free "
                f"are {free}, not in one piece for {block.name}; use fewer units, or one array more"
            )
        number, row, column = place
        taken = np.s_[row : row + rows, column : column + columns]
        room[number][taken] = apart[number][taken] = False
        found[block] = arrays[number][taken]
    return [found[block] for block in blocks]
