"""Real line rates on request: a UART moves one byte in ten bit times, and never more."""

from __future__ import annotations

import math

__all__ = ["Pacer"]

_QUANTUM = 0.002
"""Seconds of line that are moved at once: fine enough for latencies, coarse enough to sleep."""


class Pacer:
    """How many bytes may pass in one direction.

    Parameters
    ----------
    baud
        Bits per second, ten for each byte (start, eight, stop); None for no limit.
    """

    def __init__(self, baud: int | None = None) -> None:
        self._rate = baud / 10 if baud else math.inf
        self._free_at = -math.inf

    def budget(self, now: float) -> int:
        """Return how many bytes may pass now; 0 while the line is still busy."""
        if math.isinf(self._rate):
            return 1 << 30
        return max(1, round(self._rate * _QUANTUM)) if now >= self._free_at else 0

    def spend(self, count: int, now: float) -> None:
        """Occupy the line with bytes that passed."""
        # A little of the past may be used, so that late wake-ups do not slow the line down.
        self._free_at = max(self._free_at, now - 2 * _QUANTUM) + count / self._rate

    def free_at(self) -> float:
        """Return when the line is free again."""
        return self._free_at
