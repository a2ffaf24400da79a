"""A bad cable: damages bytes as a pure function of seed and byte number.

What happens to byte k does not depend on how the bytes were cut, on the other direction, or on
earlier runs, so that every failure can be repeated.
"""

from __future__ import annotations

from collections import deque
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["KINDS", "FaultyLine", "mix"]

KINDS = ("flip", "drop", "duplicate", "insert", "burst", "delay", "stall", "half-open")
BURST = 32
_ONE = np.uint64(0x9E3779B97F4A7C15)
_AHEAD = 1 << 16
"""Bytes for which it is drawn at once which of them are hit."""


def mix(seed: int, index: npt.NDArray[np.integer], purpose: int = 0) -> npt.NDArray[np.uint64]:
    """Return a random u64 for each byte number: splitmix64 of seed, purpose and number."""
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) * _ONE + np.uint64(seed * 0x5851F42D4C957F2D % 2**64)
        z += np.uint64(purpose) * np.uint64(0xD1B54A32D192ED03)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


class FaultyLine:
    """One direction of a bad cable, in memory and in any time.

    Parameters
    ----------
    seed
        With the byte number, all that decides.
    rate
        Faults per byte.
    kinds
        Which faults occur, each as likely as the others: `flip` one bit, `drop`, `duplicate` or
        `insert` bytes, a `burst` of noise, a `delay` of up to 50 ms, a `stall` of up to 1.5 s, or
        `half-open`: the next few hundred bytes vanish, while the other direction works.
    """

    def __init__(self, seed: int, rate: float, kinds: tuple[str, ...] = KINDS) -> None:
        self.rate = rate
        self.faults = dict.fromkeys(kinds, 0)
        self._seed = seed
        self._kinds = kinds
        self._index = self._drawn = 0
        self._hits: deque[int] = deque()
        self._noise_until = self._lost_until = 0
        self._open_at = float("-inf")
        self._queue: deque[tuple[float, bytes]] = deque()

    def feed(self, data: bytes, now: float) -> None:
        """Put bytes on the line."""
        if not data:
            return
        start, base = 0, self._index
        while self._drawn < base + len(data):
            self._draw()
        while self._hits and self._hits[0] < base + len(data):
            hit = self._hits.popleft() - base
            self._pass(data[start:hit], base + start, now)
            self._fault(data[hit], base + hit, now)
            start = hit + 1
        self._pass(data[start:], base + start, now)
        self._index = base + len(data)

    def take(self, now: float) -> bytes:
        """Return what has come out of the other end."""
        out = []
        while self._queue and self._queue[0][0] <= now:
            out.append(self._queue.popleft()[1])
        return b"".join(out)

    def next_time(self) -> float | None:
        """Return when the next bytes come out."""
        return self._queue[0][0] if self._queue else None

    def reopen(self) -> Self:
        """End a half-open state, as plugging in again does; what is under way stays under way."""
        self._lost_until = 0
        return self

    def _draw(self) -> None:
        numbers = np.arange(self._drawn, self._drawn + _AHEAD)
        hits = np.flatnonzero(mix(self._seed, numbers) < np.uint64(self.rate * 2.0**63) * 2)
        self._hits.extend((self._drawn + hits).tolist())
        self._drawn += _AHEAD

    def _pass(self, data: bytes, index: int, now: float) -> None:
        if not data or index + len(data) <= self._lost_until:
            return
        data = data[max(0, self._lost_until - index) :]
        index = max(index, self._lost_until)
        noisy = min(max(0, self._noise_until - index), len(data))
        if noisy:
            data = self._noise(index, noisy) + data[noisy:]
        self._queue.append((max(now, self._open_at), data))

    def _noise(self, index: int, count: int) -> bytes:
        return (
            (mix(self._seed, np.arange(index, index + count), 1) % np.uint64(256))
            .astype(np.uint8)
            .tobytes()
        )

    def _fault(self, byte: int, index: int, now: float) -> None:
        draw = int(mix(self._seed, np.array([index]), 2)[0])
        kind = self._kinds[draw % len(self._kinds)]
        size = draw >> 32
        self.faults[kind] += 1
        one = bytes([byte])
        match kind:
            case "flip":
                one = bytes([byte ^ 1 << size % 8])
            case "drop":
                one = b""
            case "duplicate":
                one *= 2
            case "insert":
                one = self._noise(index + size % 1000, 1 + size % 8) + one
            case "burst":
                self._noise_until = index + BURST
            case "delay":
                self._open_at = max(self._open_at, now + size % 50 / 1000)
            case "stall":
                self._open_at = max(self._open_at, now + 0.2 + size % 1300 / 1000)
            case "half-open":
                self._lost_until = index + 100 + size % 700
        self._pass(one, index, now)
