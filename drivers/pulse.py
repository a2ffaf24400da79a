"""The fast pulse timer: widths in seconds and in timer ticks.

The published host code (danielbelkin/dpe_libs) gives points in its comments, from 0 -> 160 ns to
1000 -> 4.28 us. A line through them is

    t = 0.16 us + n / 240 MHz,    n = 0 to 1023,

which meets every point within 4 %, except 15 -> 200 ns: that one repeats the value given for 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers._integers import checked_integers
from drivers.errors import LimitError


@dataclass(frozen=True)
class PulseTimer:
    """A timer whose pulse of n ticks lasts offset + n * tick.

    Parameters
    ----------
    offset
        Width in s of a pulse of 0 ticks.
    tick
        Width in s that one tick adds: one period of 240 MHz, 4.17 ns, on the published board.
    maximum_ticks
        Largest tick count, 1 to 65535; 1023 for the published 10-bit timer.

    Raises
    ------
    ValueError
        If the settings make no timer.
    """

    offset: float = 0.16e-6
    tick: float = 1 / 240e6
    maximum_ticks: int = 1023

    def __post_init__(self) -> None:
        if not (self.offset >= 0 and self.tick > 0 and 1 <= self.maximum_ticks <= 0xFFFF):
            raise ValueError(
                f"a pulse timer needs offset >= 0, tick > 0 and 1 to 65535 ticks, got {self}"
            )

    @property
    def minimum(self) -> float:
        """Shortest pulse (s)."""
        return self.offset

    @property
    def maximum(self) -> float:
        """Longest pulse (s): 4.42 us on the published board."""
        return self.offset + self.maximum_ticks * self.tick

    def seconds(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert tick counts to pulse widths, t = offset + n * tick.

        Parameters
        ----------
        ticks
            Integer tick counts, 0 to `maximum_ticks`, any shape.

        Returns
        -------
        numpy.ndarray
            Widths in s, float64, same shape (0-d for a scalar).

        Raises
        ------
        LimitError
            If a count is out of range.
        TypeError
            If the counts are not integers.
        """
        counts = checked_integers("pulse ticks", ticks, 0, self.maximum_ticks, LimitError)
        return np.asarray(self.offset + counts * self.tick)

    def ticks(self, seconds: npt.ArrayLike) -> npt.NDArray[np.uint16]:
        """Convert pulse widths to the nearest tick counts; raise out of range, never clip.

        Parameters
        ----------
        seconds
            Widths in s, any shape. A width within half a tick of either end rounds to it.

        Returns
        -------
        numpy.ndarray
            Tick counts, uint16, same shape (0-d for a scalar).

        Raises
        ------
        LimitError
            If a width is shorter or longer than the timer can make, or NaN.
        """
        widths = np.asarray(seconds, dtype=np.float64)
        counts = np.rint((widths - self.offset) / self.tick)
        bad = ~((counts >= 0) & (counts <= self.maximum_ticks))
        if bad.any():
            raise LimitError(
                f"a pulse of {float(widths[bad].flat[0]):.6g} s is outside {self.minimum:.4g} to "
                f"{self.maximum:.4g} s: ask for a width within it"
            )
        return np.asarray(counts.astype(np.uint16))
