"""Go-back-N streams with cumulative credit, the same code for both directions and both ends.

A stream moves `total` items of one size; item number, not frame number, is its address. The
receiver takes only the item it expects: what lies below is a repetition, what lies above means
that something was lost. It says so with CREDIT (next, window, GO_BACK). A CREDIT is cumulative, so
a lost one costs time and never credit. The sender keeps what is not yet acknowledged, so results
that were lost come again from the same physical measurement.

Neither class knows frames, sessions or clocks beyond the `now` it is given.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from firmware_protocol.messages import CREDIT_FRAMES, Credit, CreditFlag

_GO_BACK_INTERVAL = 0.02
"""Seconds between two GO_BACK credits for the same gap: one burst of loss needs one."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Items of a stream that travel in one frame."""

    first: int
    count: int
    body: bytes


class SendStream:
    """The sending end.

    Parameters
    ----------
    stream, op
        `Stream` number and operation, to recognise CREDIT.
    total, item_size
        Items of the whole stream, and bytes of each.
    frame_items
        Items in one frame.
    window
        Items that may be sent before the first CREDIT.
    capacity
        Items that may be kept; None where the sender has them all anyway.
    """

    def __init__(
        self,
        stream: int,
        op: int,
        total: int,
        item_size: int,
        frame_items: int,
        window: int,
        capacity: int | None = None,
    ) -> None:
        self.stream, self.op, self.total, self.item_size = stream, op, total, item_size
        self.frame_items = max(1, frame_items)
        self.acknowledged = 0
        self.produced = 0
        self.crc = 0
        self.tries = 0
        self._cursor = 0
        self._limit = min(window, total)
        self._capacity = total if capacity is None else max(self.frame_items, capacity)
        self._probe = False
        self._kept = bytearray()
        self._deadline: float | None = None

    @property
    def room(self) -> int:
        """Items that may be appended now."""
        return min(self._capacity - (self.produced - self.acknowledged), self.total - self.produced)

    @property
    def complete(self) -> bool:
        """True when the receiver has acknowledged everything."""
        return self.acknowledged == self.total

    @property
    def drained(self) -> bool:
        """True when everything produced so far has been sent at least once since the last go-back.

        With all items produced this is the moment for END.
        """
        return self._cursor == self.produced

    def append(self, items: bytes) -> None:
        """Add whole items to what is to be sent; the caller has asked for `room`."""
        self._kept += items
        self.crc = zlib.crc32(items, self.crc)
        self.produced += len(items) // self.item_size

    def take(self, now: float, rto: float) -> Slice | None:
        """Return the next items to send, or None while there are none or credit is spent.

        Frames are sent full wherever more items or more credit are sure to come. A slice without
        items is a probe: it asks for a CREDIT whose loss would otherwise stop the stream.
        """
        count = min(self.frame_items, self.produced - self._cursor, self._limit - self._cursor)
        if count <= 0:
            if self._cursor == self._limit < self.total and self._deadline is None:
                self._deadline = now + rto
            probe, self._probe = self._probe, False
            return Slice(self._cursor, 0, b"") if probe else None
        end = self._cursor + count
        by_production = end == self.produced < min(self._limit, self.total)
        by_credit = end == self._limit < self.total and self._cursor > self.acknowledged
        if count < self.frame_items and (by_production or by_credit):
            return None
        first, offset = self._cursor, (self._cursor - self.acknowledged) * self.item_size
        self._cursor = end
        if self._deadline is None:
            self._deadline = now + rto
        return Slice(first, count, bytes(self._kept[offset : offset + count * self.item_size]))

    def on_credit(self, credit: Credit, now: float, rto: float) -> None:
        """Take an acknowledgement; ignore one that does not fit."""
        if not self.acknowledged <= credit.next <= self.produced:
            return
        if credit.next > self.acknowledged:
            del self._kept[: (credit.next - self.acknowledged) * self.item_size]
            self.acknowledged = credit.next
            self.tries = 0
            self._deadline = now + rto
        self._cursor = max(self._cursor, self.acknowledged)
        self._limit = max(self._limit, min(credit.next + credit.window, self.total))
        if credit.flags & CreditFlag.GO_BACK:
            self._cursor = self.acknowledged
        if self.acknowledged == self._cursor:
            self._deadline = None  # nothing under way; `take` sets it again

    def next_timeout(self) -> float | None:
        """Return when `tick` wants to be called."""
        return self._deadline

    def tick(self, now: float, rto: float) -> None:
        """Start again from the last acknowledged item when it has been silent too long."""
        if self._deadline is not None and now >= self._deadline:
            self._probe = self._cursor == self.acknowledged
            self._cursor = self.acknowledged
            self.tries += 1
            self._deadline = now + min(rto * 2**self.tries, 2.0)


class ReceiveStream:
    """The receiving end.

    Parameters
    ----------
    stream, op, total, item_size
        As for `SendStream`.
    window
        Items granted beyond the expected one.
    """

    def __init__(self, stream: int, op: int, total: int, item_size: int, window: int) -> None:
        self.stream, self.op, self.total, self.item_size = stream, op, total, item_size
        self.window = max(1, window)
        self.expected = 0
        self.gaps = 0
        self.duplicates = 0
        self.crc = 0
        self._limit = min(self.window, total)
        self._frames = 0
        self._asked = False
        self._next_go_back = 0.0

    @property
    def complete(self) -> bool:
        """True when every item has arrived."""
        return self.expected == self.total

    def on_data(self, first: int, count: int, body: bytes, now: float) -> tuple[bytes, bool]:
        """Take one frame; return the new items, and whether a CREDIT with GO_BACK is due."""
        if len(body) != count * self.item_size or first + count > self.total:
            return b"", False
        if first > self.expected:
            self.gaps += 1
            if now < self._next_go_back:
                return b"", False
            self._next_go_back = now + _GO_BACK_INTERVAL
            return b"", True
        fresh = first + count - self.expected
        if fresh <= 0:  # a repetition or a probe: our CREDIT was lost
            self.duplicates += 1
            self._asked = True
            return b"", False
        body = body[(count - fresh) * self.item_size :]
        self.expected += fresh
        self.crc = zlib.crc32(body, self.crc)
        self._frames += 1
        self._asked |= self.complete
        self._next_go_back = 0.0
        return body, False

    def credit_due(self, room: int | None = None) -> bool:
        """Return True after four frames, after the last, or when half a window has opened.

        `room` is how many items can be held now; None where the window is always free.
        """
        opened = self._bound(room) - self._limit
        return (
            self._asked
            or self._frames >= CREDIT_FRAMES
            or (opened > 0 and 2 * opened >= self.window)
        )

    def credit(self, room: int | None = None, go_back: bool = False) -> Credit:
        """Return the CREDIT to send now."""
        self._limit = self._bound(room)
        self._frames = 0
        self._asked = False
        return Credit(
            stream=self.stream,
            flags=CreditFlag.GO_BACK if go_back else CreditFlag.NONE,
            op_lo=self.op & 0xFFFF,
            next=self.expected,
            window=self._limit - self.expected,
        )

    def _bound(self, room: int | None) -> int:
        window = self.window if room is None else max(0, room)
        return min(self.expected + window, self.total)
