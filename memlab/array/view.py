"""Lines of a crossbar: which ones a view has, and what all lines do while it is read."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from memlab.array.arguments import pick_lines
from memlab.chip.load import Load
from memlab.errors import SettingError

__all__ = ["View"]


class View:
    """Some of the lines of a crossbar; slicing gives a view of some of these.

    Attributes
    ----------
    rows, columns
        Line numbers on the chip of this view's rows and columns.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]

    def __init__(self, rows: int, columns: int):
        self._chip_shape = rows, columns
        self._under: Load | None = None
        self._own: Load | None = None
        self._select_lines(np.arange(rows), np.arange(columns))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of this view."""
        return self.rows.size, self.columns.size

    @property
    def load(self) -> Load:
        """What all lines of the chip do while this view is read, or vectors are multiplied.

        By default its own lines take part and no others: other rows float, other gates are at 0 V.
        Without gates, the board says what other lines do.
        """
        return self._under or self._own_load()

    def _own_load(self) -> Load:
        """Return the load of this view's lines alone; made once."""
        if self._own is None:
            self._own = Load.of(self.rows, self.columns, self._chip_shape)
        return self._own

    def under(self, load: Load | View | None) -> Self:
        """Return this view, read and multiplied under the load of other lines too.

        `array[0:8, 0:8].under(array)` reads the 8 x 8 cells as a map of the whole array has them;
        `array[0:8, 0:8].under(array[:, 0:8])` holds all rows at 0 V and leaves the other gates
        closed. Views of the new view have the same load. Pulses are not changed by it.

        Parameters
        ----------
        load
            A load, or the view whose load it is; None for that of the view's own lines.

        Raises
        ------
        SettingError
            If it is of another chip, leaves out lines of this view, or takes parts.
        """
        wanted = replace(load.load, parts=1) if isinstance(load, View) else load
        if wanted is not None:
            wanted = replace(wanted, gates=self._own_load().gates)
            if wanted.shape != self._chip_shape or not wanted.holds(self.rows, self.columns):
                raise SettingError(
                    f"the load ({wanted}) does not hold all lines of this view ({self.load}); "
                    "choose one that does, for example that of the whole array"
                )
            if wanted.parts != 1:
                raise SettingError(
                    f"the load ({wanted}) is that of a board's own read in parts and cannot be "
                    "chosen; choose one with parts=1"
                )
        view = copy.copy(self)
        view._under = wanted
        view._select_lines(self.rows, self.columns)
        return view

    def __getitem__(self, key: Any) -> Self:
        """Return a view of some rows and columns; it pulses and reads only those.

        While it is read or multiplied, all other rows float and all other gates are at 0 V (see
        `load`), so on a chip with wires its cells conduct more than the same cells do in the whole
        array; `under` reads them under the load of others.

        Each index may be a slice, a list of line numbers, a boolean mask or one number; the view
        is always two-dimensional. `array[good_rows, good_columns]` takes the outer product.

        Raises
        ------
        IndexError
            If a line does not exist, is named twice, or none is left.
        """
        keys = key if isinstance(key, tuple) else (key, slice(None))
        if len(keys) != 2:
            raise IndexError(f"an array has rows and columns, {key!r} has {len(keys)} indices")
        row_key, column_key = keys
        view = copy.copy(self)
        view._select_lines(
            pick_lines(self.rows, row_key, "row"), pick_lines(self.columns, column_key, "column")
        )
        return view

    def _select_lines(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
        self.rows, self.columns = rows, columns
        self._own = None
