"""A curve of any length in a bounded number of points: each is the mean of a part, and its ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.numeric import FloatArray

__all__ = ["Curve", "Points"]


@dataclass(frozen=True, eq=False)
class Points:
    """What is drawn of a curve.

    Parameters
    ----------
    number
        Where each point lies: the middle of the items that it stands for, from 1.
    mean, low, high
        Of these items; NaN where none is a number.
    count
        Items so far.
    last, least, most
        The last one, and the ends of all; NaN where none is a number.
    not_finite
        How many items are NaN or infinite.
    """

    number: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    count: int
    last: float
    least: float
    most: float
    not_finite: int = 0


class Curve:
    """Takes items as they come, and keeps at most `most` parts of equal width of them.

    Parameters
    ----------
    most
        An even number.
    """

    def __init__(self, most: int = 1024):
        self.count = 0
        self._most = most
        self._width = 1
        self._last = float("nan")
        self._parts = np.empty((0, 4))  # numbers, their sum, least, largest

    def extend(self, values: FloatArray) -> None:
        """Add items, shape (n,); what is NaN counts as an item without a number."""
        if not values.size:
            return
        while self.count + values.size > self._most * self._width:
            self._halve()
        place = np.arange(self.count, self.count + values.size) // self._width
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        known = np.isfinite(values)
        new = np.stack(
            [
                np.add.reduceat(known.astype(float), starts),
                np.add.reduceat(np.where(known, values, 0.0), starts),
                np.minimum.reduceat(np.where(known, values, np.inf), starts),
                np.maximum.reduceat(np.where(known, values, -np.inf), starts),
            ],
            axis=1,
        )
        if len(self._parts) > place[0]:
            self._parts[-1] = _joined(self._parts[-1:], new[:1])[0]
            new = new[1:]
        self._parts = np.concatenate([self._parts, new])
        self.count += values.size
        self._last = float(values[-1])

    def points(self) -> Points:
        """Return what is drawn."""
        numbers, sums, low, high = self._parts.T
        begin = self._width * np.arange(len(self._parts))
        end = np.minimum(begin + self._width, self.count)
        none = numbers == 0
        mean, low, high = (
            np.where(none, np.nan, one) for one in (sums / np.maximum(numbers, 1), low, high)
        )
        ends = (float("nan"),) * 2
        if not none.all():
            ends = float(np.nanmin(low)), float(np.nanmax(high))
        lost = self.count - int(numbers.sum())
        return Points((begin + end + 1) / 2, mean, low, high, self.count, self._last, *ends, lost)

    def _halve(self) -> None:
        """Make one part of every two."""
        parts = self._parts
        if len(parts) % 2:
            parts = np.concatenate([parts, [[0.0, 0.0, np.inf, -np.inf]]])
        self._parts = _joined(parts[::2], parts[1::2])
        self._width *= 2


def _joined(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return parts, shape (n, 4), that stand for those of both."""
    low, high = np.minimum(a[:, 2], b[:, 2]), np.maximum(a[:, 3], b[:, 3])
    return np.stack([a[:, 0] + b[:, 0], a[:, 1] + b[:, 1], low, high], axis=1)
