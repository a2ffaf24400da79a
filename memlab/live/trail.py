"""The last readings of a procedure: how all cells went, and a few cells one by one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from memlab.live.cells import complete
from memlab.numeric import FloatArray

__all__ = ["Readings", "Trail"]

_READINGS = 400
"""The most readings that are kept."""

_MOST_BYTES = 64 << 20
"""What is read at once of a file that is there already."""

_CELLS = 6
"""Cells that are shown one by one."""

_OWN = ("reading", "row", "column", "mask", "formable", "conductance", "saturated")
_RAW = ("adc_code", "gain")


@dataclass(frozen=True, eq=False)
class Readings:
    """The last readings, oldest first.

    Parameters
    ----------
    number
        Of each reading, from 1, shape (n,).
    quartiles
        Of the cells that the procedure is about: lower, median, upper, in S, shape (n, 3).
    coordinates
        What goes with each reading by name, and its unit.
    cells
        Row and column on the chip of a few of these cells.
    conductance
        Of these, in S, shape (n, cells).
    saturated
        Cells of each reading at which the amplifier clipped.
    """

    number: FloatArray
    quartiles: FloatArray
    coordinates: dict[str, tuple[FloatArray, str]]
    cells: list[tuple[int, int]]
    conductance: FloatArray
    saturated: FloatArray

    def coordinate(self, name: str) -> FloatArray:
        """Return one coordinate, shape (n,); empty where there is none."""
        return self.coordinates[name][0] if name in self.coordinates else np.empty(0)


@dataclass(eq=False)
class Trail:
    """Reads what is new each time, and forgets what is old."""

    done: int = 0
    _items: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_READINGS))

    def follow(self, entry: h5py.Group) -> Readings | None:
        """Return the last readings of an entry; None where it has none."""
        group = entry.get("map")
        if group is None or "mask" not in group or not (count := complete(group)):
            return None
        maps, mask = group["conductance"], group["mask"][()].astype(bool)
        if count < self.done:
            self.done = 0
            self._items.clear()
        few = np.argwhere(mask)[:_CELLS]
        names = [n for n, one in group.items() if n not in (*_OWN, *_RAW) and one.shape == (count,)]
        most = max(1, min(_READINGS, _MOST_BYTES // max(1, 8 * mask.size)))
        first = max(self.done, count - most)
        values = {name: group[name][first:count] for name in names}
        for k in range(first, count):
            conductance = maps[k]
            known = conductance[mask & np.isfinite(conductance)]
            self._items.append(
                {
                    "number": k + 1,
                    "quartiles": np.quantile(known, (0.25, 0.5, 0.75)) if known.size else _NONE,
                    "few": conductance[tuple(few.T)],
                    "saturated": int(np.count_nonzero(group["saturated"][k])),
                    **{f"of {name}": float(values[name][k - first]) for name in names},
                }
            )
        self.done = count
        return Readings(
            self._column("number"),
            self._column("quartiles"),
            {n: (self._column(f"of {n}"), str(group[n].attrs.get("units", "1"))) for n in names},
            [(int(group["row"][i]), int(group["column"][j])) for i, j in few],
            self._column("few"),
            self._column("saturated"),
        )

    def _column(self, name: str) -> FloatArray:
        return np.array([item.get(name, np.nan) for item in self._items], np.float64)


_NONE = np.full(3, np.nan)
