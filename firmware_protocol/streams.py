"""Streams with cumulative credit, the same code for both directions and both ends.

A stream moves `total` items of one size; item number, not frame number, is its address. The
receiver hands on only the item it expects: what lies below is a repetition, what lies above means
that something was lost, and is kept until that has come again. It says so with CREDIT (next,
window, GO_BACK). A CREDIT is cumulative, so a lost one costs time and never credit. The sender
keeps what is not yet acknowledged, so results that were lost come again from the same physical
measurement.

A sender that must go back repeats first the one frame that is missing and asks: what lay behind it
has mostly arrived, and a lost byte then costs one frame and not all that was under way. From a
receiver that keeps nothing it learns that more is missing, and repeats a frame more each time.

Neither class knows frames, sessions or clocks beyond the `now` it is given.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass

from firmware_protocol.framing import FRAME_OVERHEAD
from firmware_protocol.line import Flow
from firmware_protocol.messages import CREDIT_FRAMES, Credit, CreditFlag

_GO_BACK_INTERVAL = 1.0
"""Seconds between two GO_BACK credits while frames behind one gap go on arriving."""


_DATA_OVERHEAD = FRAME_OVERHEAD + 8
"""Bytes of a data frame besides its items."""


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
        Items in one frame at most.
    window
        Items that may be sent before the first CREDIT.
    flow
        What the sender has learnt of its line in this session.
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
        flow: Flow,
        capacity: int | None = None,
    ) -> None:
        self.stream, self.op, self.total, self.item_size = stream, op, total, item_size
        self.frame_items = max(1, frame_items)
        self.acknowledged = 0
        self.produced = 0
        self.crc = 0
        self.tries = 0
        self._flow = flow
        self._cursor = 0
        self._limit = min(window, total)
        self._capacity = total if capacity is None else max(self.frame_items, capacity)
        self._kept = bytearray()
        self._sent: deque[tuple[int, int, float, int]] = deque()
        self._furthest = self._measured_from = 0
        self._repair_end: int | None = None
        self._repairs = 0
        self._probe = self._doubtful = False
        self._asked_at = -1
        self._went_back_to = -1
        self._settled_at = 0.0
        self._deadline: float | None = None
        self._waiting_from = float("-inf")

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

    def take(self, now: float) -> Slice | None:
        """Return the next items to send, or None while there are none or they must wait.

        Frames are sent full wherever more items or more credit are sure to come. A slice without
        items is a probe: it asks for a CREDIT, whose loss would otherwise stop the stream.
        """
        if self._probe:
            self._probe = False
            return Slice(self._cursor, 0, b"")
        allowed = self.acknowledged + max(1, self._flow.allowance // self.item_size)
        limit = min(self._limit, allowed)
        if self._repair_end is not None:
            return self._take_again(min(self._repair_end, limit), now)
        frame_items = self._items_of_a_frame
        count = min(frame_items, self.produced - self._cursor, limit - self._cursor)
        under_way = self._cursor > self.acknowledged
        end = self._cursor + count
        by_production = end == self.produced < min(limit, self.total)
        by_limit = end == limit < self.total and under_way
        if count <= 0 or (count < frame_items and (by_production or by_limit)):
            return self._ask_after_loss() or self._blocked(now, allowed)
        size = count * self.item_size + _DATA_OVERHEAD
        self._sent.append((self._cursor, end, now, self._flow.line.queued + size))
        self._furthest = end
        return self._next_items(count, now)

    def _take_again(self, end: int, now: float) -> Slice | None:
        """Return the next of what is missing, then a probe, then None until it is answered."""
        count = min(self._items_of_a_frame, end - self._cursor)
        if count > 0:
            return self._next_items(count, now)
        if self._asked_at == self._cursor:
            return None
        self._asked_at = self._cursor
        return Slice(self._cursor, 0, b"")

    @property
    def _items_of_a_frame(self) -> int:
        return min(self.frame_items, self._flow.longest_payload // self.item_size or 1)

    def _next_items(self, count: int, now: float) -> Slice:
        first, offset = self._cursor, (self._cursor - self.acknowledged) * self.item_size
        self._cursor += count
        size = count * self.item_size
        if self._deadline is not None and self._waiting_from == now:
            self._deadline += size / self._flow.line.rate  # the same sum, in the middle of a burst
        else:
            self._wait(now)
        return Slice(first, count, bytes(memoryview(self._kept)[offset : offset + size]))

    def doubt(self) -> None:
        """Note that the other end complains of a damaged frame.

        What follows it will show what is missing. When nothing follows, a probe does: it costs less
        than the silence after which everything that is not acknowledged would be sent again.
        """
        self._doubtful = self._cursor > self.acknowledged

    def _ask_after_loss(self) -> Slice | None:
        if not self._doubtful:
            return None
        self._doubtful = False
        return Slice(self._cursor, 0, b"") if self._cursor > self.acknowledged else None

    def _blocked(self, now: float, allowed: int) -> Slice | None:
        """Wait for credit; ask for it where the receiver has no reason to give any yet."""
        if self._cursor < self.produced and allowed < self._limit:
            if len(self._sent) < CREDIT_FRAMES and self._asked_at != self._cursor:
                self._asked_at = self._cursor
                return Slice(self._cursor, 0, b"")
        elif self._cursor == self._limit < self.total and self._deadline is None:
            self._wait(now)
        return None

    def on_credit(self, credit: Credit, now: float) -> None:
        """Take an acknowledgement; ignore one that does not fit."""
        if not self.acknowledged <= credit.next <= self.produced:
            return
        if credit.next > self.acknowledged:
            self._acknowledge(credit.next, now)
        self._limit = max(self._limit, min(credit.next + credit.window, self.total))
        if credit.flags & CreditFlag.GO_BACK and self._cursor > self.acknowledged:
            self._go_back(now)
        if self.acknowledged == self._cursor:
            self._deadline = None  # nothing under way; `take` sets it again

    def _acknowledge(self, upto: int, now: float) -> None:
        count = (upto - self.acknowledged) * self.item_size
        del self._kept[:count]
        self.acknowledged = upto
        self._flow.acknowledged(count)
        start: tuple[int, float] | None = None
        while self._sent and self._sent[0][1] <= upto:
            first, end, sent, position = self._sent.popleft()
            if first >= self._measured_from:
                # Else it may have travelled twice, and nobody knows which copy is acknowledged.
                start = start or (first, sent)
                self._flow.line.arrived(position)
        if start is not None:
            self._flow.measured((end - start[0]) * self.item_size, now - start[1])
        self._cursor = max(self._cursor, upto)
        self.tries = 0
        if self._repair_end is not None and upto >= self._repair_end:
            self._repair_end = None
            self._asked_at = -1
            if upto < self._furthest:  # there is a second gap, or behind the first nothing is kept
                self._repairs += 1
                self._repair()
            else:
                self._repairs = 0
        self._wait(now)

    def _go_back(self, now: float) -> None:
        """Start again at the last acknowledged item, once for each time it was lost."""
        if self._went_back_to == self.acknowledged and now < self._settled_at:
            return  # asked before what we have sent again can have arrived
        self._went_back_to = self.acknowledged
        self._settled_at = now + self._flow.wait(self.frame_items * self.item_size, now)
        self._measured_from = self._furthest
        self._flow.lost()
        self._repair()

    def _repair(self) -> None:
        """Send again what is missing at the last acknowledged item: the frame it was sent in."""
        lost = (end for first, end, _, _ in self._sent if first <= self.acknowledged < end)
        least = self.acknowledged + max(1, self._repairs * self._items_of_a_frame)
        self._repair_end = min(self._furthest, max(next(lost, 0), least))
        self._cursor = self.acknowledged
        self._asked_at = -1
        self._doubtful = False

    def next_timeout(self) -> float | None:
        """Return when `tick` wants to be called."""
        return self._deadline

    def tick(self, now: float) -> None:
        """Ask what has arrived when it has been silent too long.

        On a good line nothing is sent again on suspicion: a probe behind what was lost is answered
        with GO_BACK, and one behind what is only late with an acknowledgement. On a line that loses
        bytes silence means loss, and the probe and its answer would be lost as easily.
        """
        if self._deadline is not None and now >= self._deadline:
            self.tries += 1
            patient = self.tries == 1 and not self._flow.losing
            self._probe = patient or self._cursor == self.acknowledged
            if not self._probe:
                self._go_back(now)
            self._flow.line.slow_down(self.tries)
            self._wait(now)

    def _wait(self, now: float) -> None:
        under_way = (self._cursor - self.acknowledged) * self.item_size
        self._waiting_from = now
        self._deadline = now + self._flow.wait(under_way, now, self.tries)


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
        self._next_go_back = float("-inf")
        self._beyond = -1
        self._kept: dict[int, bytes] = {}

    @property
    def complete(self) -> bool:
        """True when every item has arrived."""
        return self.expected == self.total

    @property
    def granted(self) -> int:
        """Items that may be under way."""
        return self._limit - self.expected

    def on_data(self, first: int, count: int, body: bytes, now: float) -> tuple[bytes, bool]:
        """Take one frame; return the new items, and whether a CREDIT with GO_BACK is due."""
        if len(body) != count * self.item_size or first + count > self.total:
            return b"", False
        if first > self.expected:
            self.gaps += 1
            if first + count <= self._limit and len(body) > len(self._kept.get(first, b"")):
                self._kept[first] = body  # within what was granted, so there is room for it
            return b"", self._must_ask(first, count, now)
        fresh = first + count - self.expected
        if fresh <= 0:  # a repetition or a probe: our CREDIT was lost
            self.duplicates += 1
            self._asked = True
            return b"", False
        body = body[(count - fresh) * self.item_size :]
        self.expected += fresh
        if self._kept:
            body += self._follow_up()
        self.crc = zlib.crc32(body, self.crc)
        self._frames += 1
        self._asked |= self.complete
        self._next_go_back = float("-inf")
        self._beyond = -1
        return body, False

    def _follow_up(self) -> bytes:
        """Return what had arrived of the items that are expected now."""
        parts = []
        for first in sorted(self._kept):
            if first > self.expected:
                break
            part = self._kept.pop(first)[(self.expected - first) * self.item_size :]
            self.expected += len(part) // self.item_size
            parts.append(part)
        return b"".join(parts)

    def _must_ask(self, first: int, count: int, now: float) -> bool:
        """Return True when a frame behind a gap is to be answered with GO_BACK.

        One GO_BACK for each gap: what was under way behind it goes on arriving, in rising order,
        and a second GO_BACK would have all of it sent twice. A frame that comes from further back
        tells that the sender has started again and lost the same item; a probe, that it waits.
        """
        ask = count == 0 or first <= self._beyond or now >= self._next_go_back
        self._beyond = first
        if ask:
            self._next_go_back = now + _GO_BACK_INTERVAL
        return ask

    def credit_due(self, room: int | None = None) -> bool:
        """Return True after four frames, after the last, or when half a window has opened.

        `room` is how many items can be held now; None where the window is always free.
        """
        opened = self._bound(room) - self._limit
        return (
            self._asked
            or self._frames >= CREDIT_FRAMES
            or 2 * opened >= self.window  # which is at least 1
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
