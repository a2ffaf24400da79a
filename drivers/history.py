"""Which row pulses a chip has got in its life, in a few bytes that two can compare.

A chip that outlives the program around it, and a passport that tells what it went through, are
kept in two places. Each pulse has a checksum of its codes (`prints_of`), and a history is their
number and the checksum of these in order: whoever has the same pulses has the same history, however
they were split into batches or operations, in process or on a wire.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers.requests import PulseBatch

__all__ = ["KEPT", "UNTOLD", "History", "KeptHistory", "Prints", "prints_of"]

UNTOLD = 0xFFFFFFFF
"""Checksum of the history of a chip that was pulsed when nobody kept one: it begins there."""
KEPT = 1 << 16
"""Row pulses up to which a chip can say what its history was: a quarter of a megabyte."""

Prints = npt.NDArray[np.uint32]
"""One checksum for each pulse, in order."""


@dataclass(frozen=True)
class History:
    """What a chip has got so far.

    Parameters
    ----------
    count
        Row pulses.
    check
        CRC-32 of their prints, little-endian, in order.
    """

    count: int = 0
    check: int = 0

    def after(self, prints: Prints) -> History:
        """Return the history when these pulses have followed."""
        content = prints.astype("<u4", copy=False).tobytes()
        return History(self.count + prints.size, zlib.crc32(content, self.check))


def prints_of(pulses: PulseBatch) -> Prints:
    """Return the CRC-32 of each pulse of a batch, uint32, shape (n,).

    Of row (u2), kind (u1), amplitude code (u4), width in ticks (u4), selected columns (a bit each,
    column 0 the lowest) and the gate code of each column, 0 where it is not selected (u4); all
    little-endian, without gaps.
    """
    n, columns = pulses.columns.shape
    mask = np.packbits(pulses.columns, axis=1, bitorder="little")
    record = np.empty(
        n,
        [
            ("row", "<u2"),
            ("kind", "u1"),
            ("amplitude", "<u4"),
            ("width", "<u4"),
            ("columns", "u1", mask.shape[1:]),
            ("gates", "<u4", (columns,)),
        ],
    )
    record["row"], record["kind"] = pulses.row, pulses.kind
    record["amplitude"], record["width"] = pulses.amplitude_code, pulses.width_ticks
    record["columns"] = mask
    record["gates"] = np.where(pulses.columns, pulses.gate_code, 0)
    content, size = memoryview(record.tobytes()), record.itemsize
    starts = range(0, n * size, size)
    return np.array([zlib.crc32(content[k : k + size]) for k in starts], np.uint32)


class KeptHistory:
    """The history of a chip, and what it was before each of the last pulses.

    Parameters
    ----------
    first, last
        The history before the pulses in `last`, and their prints.
    """

    def __init__(self, first: History | None = None, last: Prints | None = None) -> None:
        self._first = first or History()
        self._last = [np.empty(0, np.uint32) if last is None else last]
        self.now = self._first.after(self._last[0])
        """What the chip has got so far."""

    def add(self, prints: Prints) -> None:
        """Enter pulses, in order."""
        self._last.append(prints)
        self.now = self.now.after(prints)
        if self.now.count - self._first.count > 2 * KEPT:
            every = self.prints
            self._first, self._last = self._first.after(every[:-KEPT]), [every[-KEPT:]]

    def at(self, count: int | None) -> History | None:
        """Return the history when it had so many pulses; of all so far for None.

        None where it had never so many, or where that is too long ago.
        """
        if count is None:
            return self.now
        if not self._first.count <= count <= self.now.count:
            return None
        return self._first.after(self.prints[: count - self._first.count])

    def state(self) -> dict[str, Any]:
        """Return plain values and an array by name."""
        return {"count": self._first.count, "check": self._first.check, "prints": self.prints}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Return the history of a `state`."""
        return cls(History(int(state["count"]), int(state["check"])), state["prints"])

    @property
    def prints(self) -> Prints:
        """The prints of the last pulses; not to be changed."""
        self._last = [np.concatenate(self._last)]
        return self._last[0]
