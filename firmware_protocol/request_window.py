"""Requests under way: eight in a window, asked again when their answer stays away.

The board answers in order, so an answer that overtakes an older request proves that the older
answer was lost: that request is asked again at once. All others wait for the retransmission time,
which follows the measured round trips (never those of repeated requests).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_protocol.codec import Message
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import REQUEST_WINDOW, Kind

MINIMUM_RTO, MAXIMUM_RTO, FIRST_RTO = 0.05, 2.0, 0.2
"""Bounds of the retransmission time, and its value before the first measurement (s)."""


class RoundTrip:
    """Retransmission time from measured round trips: clamp(SRTT + 4 var, 50 ms, 2 s)."""

    def __init__(self) -> None:
        self._mean: float | None = None
        self._deviation = 0.0

    def measure(self, seconds: float) -> None:
        """Take one round trip."""
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(self._mean - seconds) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    @property
    def rto(self) -> float:
        """Seconds to wait for an answer before asking again."""
        if self._mean is None:
            return FIRST_RTO
        return min(max(self._mean + 4 * self._deviation, MINIMUM_RTO), MAXIMUM_RTO)

    def patience(self, attempts: int) -> float:
        """Return the time to wait after so many attempts in vain."""
        return min(self.rto * float(2**attempts), MAXIMUM_RTO)


@dataclass(slots=True)
class Pending:
    """A request that was sent and not answered."""

    ticket: int
    request: Message
    wire: bytes
    sent: float
    repeated: bool = False


class RequestWindow:
    """The sequenced requests of one session.

    Parameters
    ----------
    session, credit
        Session number, and bytes of unanswered requests that the board can hold.
    round_trip
        Measures and answers how long to wait.
    """

    def __init__(self, session: int, credit: int, round_trip: RoundTrip) -> None:
        self.attempts = 0
        self.repeats = 0
        self.deadline: float | None = None
        self._session, self._credit, self._round_trip = session, credit, round_trip
        self._queue: deque[tuple[int, Message, bytes]] = deque()
        self._pending: dict[int, Pending] = {}
        self._seq = 0

    def add(self, ticket: int, request: Message, payload: bytes) -> None:
        """Queue a request."""
        self._queue.append((ticket, request, payload))

    def ready(self, now: float, backlog: float) -> Iterator[bytes]:
        """Yield the frames that may leave now; `backlog` is how long the line is busy (s)."""
        held = sum(len(p.wire) for p in self._pending.values())
        # Counted from the oldest open one: the board's replay cache reaches back only 16.
        while self._queue and self._ahead() < REQUEST_WINDOW:
            ticket, request, payload = self._queue[0]
            wire = encode_frame(Kind.REQ, request.ID, self._seq, self._session, payload)
            if self._pending and held + len(wire) > self._credit:
                return
            self._queue.popleft()
            held += len(wire)
            self._pending[self._seq] = Pending(ticket, request, wire, now)
            self._seq = (self._seq + 1) & 0xFFFF
            if self.deadline is None:
                self.deadline = now + self._round_trip.patience(0) + backlog
            yield wire

    def on_answer(self, seq: int, msg: int, now: float) -> Pending | None:
        """Return the request that this answers, or None for a repetition."""
        pending = self._pending.get(seq)
        if pending is None or msg != pending.request.ID:
            return None
        del self._pending[seq]
        if not pending.repeated:
            self._round_trip.measure(now - pending.sent)
        self.attempts = 0
        self.deadline = now + self._round_trip.patience(0) if self._pending else None
        return pending

    def overtaken(self, seq: int, now: float) -> list[bytes]:
        """Return again the requests older than an answered one: their answers were lost."""
        return [
            self._again(pending, now)
            for other, pending in self._pending.items()
            if (seq - other) & 0xFFFF < 0x8000 and not pending.repeated
        ]

    def refused_from(self, expected: int, now: float) -> list[bytes]:
        """Return again the requests that a NAK says the board still lacks."""
        return [
            self._again(pending, now)
            for seq, pending in self._pending.items()
            if (seq - expected) & 0xFFFF < 0x8000
            and (not pending.repeated or now - pending.sent > self._round_trip.rto)
        ]

    def tick(self, now: float, backlog: float) -> list[bytes]:
        """Return all open requests again when their time is over."""
        if self.deadline is None or now < self.deadline:
            return []
        self.attempts += 1
        self.deadline = now + self._round_trip.patience(self.attempts) + backlog
        return [self._again(pending, now) for pending in self._pending.values()]

    def unanswered(self) -> dict[int, Message]:
        """Return the requests that left, by ticket."""
        return {p.ticket: p.request for p in self._pending.values()}

    def unsent(self) -> dict[int, Message]:
        """Return the requests that never left, by ticket."""
        return {ticket: request for ticket, request, _ in self._queue}

    def _ahead(self) -> int:
        return (self._seq - next(iter(self._pending), self._seq)) & 0xFFFF

    def _again(self, pending: Pending, now: float) -> bytes:
        pending.repeated, pending.sent = True, now
        self.repeats += 1
        return b"\0" + pending.wire
