"""Real line rates on request: a UART moves one byte in ten bit times, and never more."""

from __future__ import annotations

import math

__all__ = ["Pacer"]

_QUANTUM = 0.002
"""Seconds of line that are moved at once: fine enough for latencies, coarse enough to sleep."""
_FIFO = 16
"""Bytes that are moved at once at least, as by the FIFO of a common UART."""


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
        self._under_way = b""
        self._full = False

    def budget(self, now: float) -> int:
        """Return how many bytes may be put on the line now; 0 while it is still busy."""
        if math.isinf(self._rate):
            return 1 << 30
        return max(_FIFO, round(self._rate * _QUANTUM)) if not self._under_way else 0

    def carry(self, data: bytes, now: float) -> None:
        """Put bytes on the line."""
        # While bytes were waiting a little of the past may be used, so that late wake-ups do not
        # slow the line down; a line that was idle begins now.
        start = now - 2 * max(_QUANTUM, _FIFO / self._rate) if self._full else now
        self._full = len(data) >= self.budget(now)
        self._free_at = max(self._free_at, start) + len(data) / self._rate
        self._under_way += data

    def arrived(self, now: float) -> bytes:
        """Return the bytes whose last bit has passed: not before, or a line would seem quicker."""
        if now < self._free_at:
            return b""
        data, self._under_way = self._under_way, b""
        return data

    def clear(self) -> None:
        """Forget what is on the line."""
        self._under_way = b""

    def free_at(self) -> float:
        """Return when the line is free again."""
        return self._free_at
